"""Whether a webhook comes from its vendor: pure functions over secret, headers and body.

Every comparison takes the same time however much of it fits.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from events.errors import VouchError
from workflows.policies import Signature

TIMESTAMP_AGE_MAX: Final = timedelta(minutes=5)
"""How far the clock of a `standard-webhooks` sender may be from ours: bounds replays."""

SIGNATURES_MAX: Final = 10
SECRET_PREFIX: Final = "env:"  # noqa: S105 - the word before a variable's name

_STANDARD_SECRET = "whsec_"  # noqa: S105 - the word before a secret


class SignatureError(VouchError):
    """A webhook that is not signed as its source says."""

    code = "bad-signature"


class SecretMissingError(VouchError):
    """The variable that holds a source's secret is not set."""

    code = "secret-missing"


def resolve_secret(signature: Signature, secrets: Mapping[str, str]) -> str:
    """Return a source's secret; `env:NAME` is looked up in `secrets`.

    Raises:
        SecretMissingError: There is no such variable, or it is empty. Nothing is accepted
            then: an empty secret would let anybody sign.
    """
    name = signature.secret.removeprefix(SECRET_PREFIX)
    secret = secrets.get(name, "") if signature.secret != name else signature.secret
    if not secret:
        raise SecretMissingError(
            f"the secret {name} of a source is not set", hint=f"set {name} in the environment"
        )
    return secret


def verify(
    signature: Signature, secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> None:
    """Return if the webhook is signed with the secret.

    Raises:
        SignatureError: It is not. The message does not say what would have fitted.
    """
    named = {name.lower(): value for name, value in headers.items()}
    match signature.scheme:
        case "hmac-sha256":
            good = _hmac(signature, secret, named, body)
        case "standard-webhooks":
            good = _standard(secret, named, body, now)
        case "basic":
            given = named.get("authorization", "")
            good = _credentials(given, "basic", b64encode(secret.encode()).decode())
        case "bearer":
            given = named.get((signature.header or "authorization").lower(), "")
            prefix = "" if signature.header else "bearer"
            good = _credentials(given, prefix, secret)
    if not good:
        raise SignatureError(
            "the signature does not fit", hint="is the secret the one that the vendor has?"
        )


def sign_hmac(secret: str, body: bytes) -> str:
    """Return the hex digest that `hmac-sha256` sources send."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def sign_standard(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    """Return the `webhook-signature` that `standard-webhooks` sources send.

    Raises:
        SignatureError: The secret is no base64, with `whsec_` before it or without.
    """
    try:
        key = b64decode(secret.removeprefix(_STANDARD_SECRET), validate=True)
    except (Base64Error, ValueError) as error:
        raise SignatureError(
            "the secret of a standard-webhooks source is base64", hint="copy all of it: whsec_..."
        ) from error
    content = f"{identifier}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.new(key, content, sha256).digest()).decode()}"


def _hmac(signature: Signature, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    given = headers.get(signature.header.lower(), "")
    if not given.startswith(signature.prefix):
        return False
    digest = given.removeprefix(signature.prefix).strip()
    expected = sign_hmac(secret, body)
    in_base64 = b64encode(bytes.fromhex(expected)).decode()
    return _same(digest.lower(), expected) | _same(digest, in_base64)


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    fresh = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12  # noqa: PLR2004
    if not identifier or not fresh:
        return False
    if abs(int(timestamp) - now.timestamp()) > TIMESTAMP_AGE_MAX.total_seconds():
        return False
    expected = sign_standard(secret, identifier, timestamp, body)
    given = headers.get("webhook-signature", "").split(" ")[:SIGNATURES_MAX]
    return sum(_same(each, expected) for each in given) > 0  # all are compared


def _credentials(given: str, scheme: str, expected: str) -> bool:
    if not scheme:
        return _same(given, expected)
    named, _, credentials = given.partition(" ")
    return (named.lower() == scheme) & _same(credentials.strip(), expected)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
