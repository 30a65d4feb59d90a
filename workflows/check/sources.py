"""Sources and event types of one's own: what their mapping names and gives."""

from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from events.catalogue import Catalogue, default_catalogue
from events.json_schema import SchemaError
from workflows.check.context import Context, Place
from workflows.check.findings import Finding
from workflows.check.policies import check_variable
from workflows.check.site import returns_of
from workflows.loaded import Loaded
from workflows.policies import Source, SourceEvent

ANYTHING: dict[str, Any] = {"type": "object"}
"""The schema of a type of which nothing but its name is known."""
_CONTACT = ("id", "email", "phone", "name", "first_name", "last_name", "locale", "zone", "account")


def catalogue_of(loaded: Loaded) -> tuple[Catalogue, list[Finding]]:
    """Return the catalogue of a programme, its own types among them, and what is wrong in those."""
    catalogue, findings = default_catalogue(), []
    for name in sorted(loaded.unread_of("event")):
        with suppress(SchemaError):
            catalogue = catalogue.with_types({name: ANYTHING})
    for name, schema in loaded.event_types.items():
        try:
            catalogue = catalogue.with_types({name: schema})
        except SchemaError as error:
            document = loaded.document(f"events/{name}.yaml")
            path = error.field.removeprefix(f"{name}.").split(".")
            loc = () if error.field == name else tuple(path)
            spot = document.key_position(loc) if loc else document.position(())
            findings.append(
                document.finding(
                    "V014", spot, error.problem, error.hint or "docs/events.md tells what can stand"
                )
            )
            with suppress(SchemaError):  # its name stands, whatever it holds
                catalogue = catalogue.with_types({name: ANYTHING})
    own = loaded.policies.fields.contact
    return (catalogue.with_contact_fields(own) if own else catalogue), findings


def check_source(context: Context, name: str, source: Source) -> None:
    """Report everything wrong in one source; `name` is its file's."""
    place, scope = Place(f"sources/{name}.yaml"), context.scopes.source()
    if source.source != name:
        message = f'the source is named "{source.source}" and its file "{name}"'
        context.report("V018", place / "source", message, f"write source: {name}")
    if source.signature.scheme == "hmac-sha256" and not source.signature.header:
        message = "hmac-sha256 needs the header that holds the signature"
        help_ = "header: X-Signature, as the vendor calls it"
        context.report("V011", place / "signature", message, help_, key=True)
    if not source.signature.secret.startswith("env:"):
        message = "a secret does not stand in a file"
        help_ = "write env:NAME and set that variable"
        context.report("V014", place / "signature" / "secret", message, help_)
    check_variable(context, place / "signature" / "secret", source.signature.secret)
    context.expression(place / "key", source.key, scope, "any")
    context.expression(place / "natural_key", source.natural_key, scope, "any")
    for number, event in enumerate(source.events):
        if not event.if_ and number < len(source.events) - 1:
            message = "an entry without if takes every webhook: those after it are never looked at"
            at = place / "events" / (number + 1)
            context.report("V023", at, message, "give it an if, or move it to the end")
            break
    for number, event in enumerate(source.events):
        _event(context, place / "events" / number, event)


def _event(context: Context, place: Place, event: SourceEvent) -> None:
    scope = context.scopes.source()
    context.expression(place / "if", event.if_, scope)
    context.expression(place / "time", event.time, scope, "instant")
    context.expression(place / "account", event.account, scope, "any")
    for key, text in event.contact.items():
        at = place / "contact" / key
        if key not in _CONTACT:
            context.unknown("V010", at, "field of a contact", key, _CONTACT, key=True)
        context.expression(at, text, scope, "any")
    known = context.catalogue.types
    if not context.known("V040", place / "type", "event type", event.type, known):
        return
    fields = context.catalogue.fields(event.type)
    for key, text in event.data.items():
        at = place / "data" / key
        if key not in fields and not context.takes_any(event.type):
            context.unknown("V010", at, f"field of {event.type}", key, list(fields), key=True)
        kind = context.scopes.data(event.type).get(key, "dyn")
        context.expression(at, text, scope, "any" if kind == "instant" else returns_of(kind))
    unknown = [key for key in event.data if key not in fields]
    for key in sorted(context.catalogue.required(event.type) - set(event.data)):
        if get_close_matches(key, unknown, n=1):
            continue  # it is there, misspelt
        message = f'{event.type} needs the field "{key}"'
        context.report("V011", place / "type", message, f"add it under data: {key}: ...")
