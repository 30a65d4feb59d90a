"""A vendor's webhook in a scenario: signed, verified, mapped and taken in as a real one is."""

from base64 import b64encode
from collections.abc import Mapping

import orjson

from events.refusals import EventError
from store.contacts import find_contact
from store.intake import Reject
from workers import remapping
from workers.app import App
from workers.scenarios.form import Happening
from workflows.policies import Signature
from workflows.signatures import (
    SECRET_PREFIX,
    SignatureError,
    resolve_secret,
    sign_hmac,
    sign_standard,
    verify,
)
from workflows.sources import CompiledSource, Mapped, contact_id, map_webhook

SECRET = "whsec_" + b64encode(b"a secret for trials, known to all").decode()
"""What every source's webhooks are signed with in a trial."""


def deliver(app: App, source: CompiledSource, entry: Happening) -> None:
    """Take in one request of a vendor at the clock's instant; what is refused is noted."""
    now = app.clock.now()
    body = orjson.dumps(entry.body)
    secret = resolve_secret(source.signature, _secrets(source.signature))
    headers: Mapping[str, str] = (
        signed(source.signature, secret, body, str(int(now.timestamp())))
        if entry.headers is None
        else entry.headers
    )
    try:
        verify(source.signature, secret, headers, body, now=now)
        found = map_webhook(source, entry.body, headers, now)
    except SignatureError:
        app.intake.note([Reject(now, "rejected", source=source.name, reason="signature")])
        return
    except EventError as error:
        refusal = Reject(
            now, "rejected", source=source.name, reason=error.reason, field=error.field
        )
        app.intake.note([refusal])
        return
    if not found:
        remapping.keep(app.store, source, entry.body, headers, "", now)
    else:
        app.publish([_about(app, mapped) for mapped in found])


def signed(signature: Signature, secret: str, body: bytes, timestamp: str) -> Mapping[str, str]:
    """Return the headers by which a vendor proves that a body is its own."""
    match signature.scheme:
        case "hmac-sha256":
            return {signature.header: signature.prefix + sign_hmac(secret, body)}
        case "standard-webhooks":
            proof = sign_standard(secret, "scenario", timestamp, body)
            return {
                "webhook-id": "scenario", "webhook-timestamp": timestamp,
                "webhook-signature": proof,
            }  # fmt: skip
        case "basic":
            return {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
        case _ if signature.header:
            return {signature.header: secret}
        case _:
            return {"Authorization": f"Bearer {secret}"}


def _secrets(signature: Signature) -> Mapping[str, str]:
    return {signature.secret.removeprefix(SECRET_PREFIX): SECRET}


def _about(app: App, mapped: Mapped) -> Mapped:
    """Return the event with its contact: the one known by id or address, else a new one."""
    person = mapped.person
    contact = person.get("id", "")
    if not contact and person:
        with app.store.reader() as conn:
            contact = find_contact(
                conn, email=person.get("email", ""), phone=person.get("phone", "")
            )
    return Mapped(mapped.about(contact or contact_id(person)), person)
