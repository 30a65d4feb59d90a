"""Signed tokens: what makes a link in a mail the word of the person it was sent to.

A token is `LETTER SIGNATURE PAYLOAD`, all of it safe in a URL: the letter says what the link is
for, the signature is 128 bits of HMAC-SHA256 over purpose and payload. Tokens hold keys and
identifiers, never names or addresses, and they do not expire: what an old link may still do is
decided by what it points to. A session of the console says itself until when it is one.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from events.errors import VouchError

Purpose: TypeAlias = Literal[
    "ask", "survey", "optin", "unsubscribe", "task", "refer", "journey", "invite", "console"
]

KEY_BYTES_MIN: Final = 32
TOKEN_CHARS_MAX: Final = 1200
"""Longer ones are refused unread, and never made."""

_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {purpose: purpose[0] for purpose in get_args(Purpose)}
)
_PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType(
    {purpose[0]: purpose for purpose in get_args(Purpose)}
)
_PARTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ask": 2,
        "survey": 2,
        "optin": 1,
        "unsubscribe": 3,
        "task": 3,
        "refer": 2,
        "journey": 2,
        "invite": 2,
        "console": 2,
    }
)
_SEPARATOR = "\x1f"  # no identifier holds it: the border refuses control characters in keys
_SIGNATURE_BYTES = 16
_SIGNATURE_CHARS = 22


class TokenError(VouchError):
    """A token that we did not sign for this purpose, or that was changed since."""

    code = "bad-token"


class TokenKeyError(VouchError):
    """The keys given cannot sign."""

    code = "bad-secret-key"


class Tokens:
    """Signs tokens with the first of its keys and reads those signed with any.

    To rotate, put a new key in front; dropping the last one makes the links of old mails
    useless, the unsubscribe links among them.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise TokenKeyError("no key to sign links with", hint="set VOUCH_SECRET_KEYS")
        if any(len(key) < KEY_BYTES_MIN for key in keys):
            raise TokenKeyError(
                f"a signing key has at least {KEY_BYTES_MIN} bytes",
                hint='make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
            )
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        return f"Tokens({len(self._keys)} keys)"

    def sign(self, purpose: Purpose, *parts: str) -> str:
        """Return a token for `purpose` that carries `parts`.

        ask (ask key, actor), survey (response, actor), optin (actor), unsubscribe (actor,
        topic, channel), task (task key, actor, person), refer (ask key or '', actor),
        invite (actor, medium), journey (stage, actor), console (key's name, until).

        Raises:
            TokenError: Another number of parts, or parts that a token cannot carry.
        """
        if len(parts) != _PARTS[purpose]:
            raise TokenError(f"a token for {purpose} has {_PARTS[purpose]} parts")
        if any(_SEPARATOR in part for part in parts):
            raise TokenError("a part of a token holds a control character")
        payload = _encode(_SEPARATOR.join(parts).encode())
        token = f"{_LETTERS[purpose]}{_signature(self._keys[0], purpose, payload)}{payload}"
        if len(token) > TOKEN_CHARS_MAX:
            raise TokenError(f"a token has at most {TOKEN_CHARS_MAX} characters")
        return token

    def read(self, purpose: Purpose, token: str) -> tuple[str, ...]:
        """Return the parts of a token signed for `purpose`.

        Raises:
            TokenError: It is not one of ours, for this purpose, unchanged. It says no more
                than that, so that nobody learns how to make a better one.
        """
        found, parts = self.open(token)
        if found != purpose:
            raise _refused()
        return parts

    def fingerprints(self, text: str) -> tuple[str, ...]:
        """Return the hashes of a text, one a key: what is stored instead of an address.

        The first is made with the key that signs. Without the keys nobody can try addresses
        against them; dropping a key makes what it hashed useless.
        """
        hashed = (hmac.new(key, f"address\0{text}".encode(), sha256) for key in self._keys)
        return tuple(_encode(each.digest()) for each in hashed)

    def open(self, token: str) -> tuple[Purpose, tuple[str, ...]]:
        """Return what a token is for and its parts.

        Raises:
            TokenError: It is not one of ours, unchanged.
        """
        purpose = _PURPOSES.get(token[:1])
        if purpose is None or len(token) > TOKEN_CHARS_MAX or not token.isascii():
            raise _refused()
        signature, payload = token[1 : 1 + _SIGNATURE_CHARS], token[1 + _SIGNATURE_CHARS :]
        # Every key is tried, whichever fits: the time taken tells nothing.
        good = [
            hmac.compare_digest(signature, _signature(key, purpose, payload)) for key in self._keys
        ]
        if not any(good):
            raise _refused()
        parts = tuple(_decode(payload).decode().split(_SEPARATOR))
        return purpose, parts


def _refused() -> TokenError:
    return TokenError("this link is not valid", hint="open the link exactly as it was sent")


def _signature(key: bytes, purpose: str, payload: str) -> str:
    digest = hmac.new(key, f"{purpose}\0{payload}".encode(), sha256).digest()
    return _encode(digest[:_SIGNATURE_BYTES])


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
