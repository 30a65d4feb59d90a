"""Who a contact is, what they consented to, who owns them: the most recent word wins."""

from datetime import datetime
from typing import Any

from workflows.domain import (
    as_of,
    firm_owners,
    joined,
    joined_fields,
    merged_consent,
    referrals_known,
)
from workflows.domain import referrals_codes as codes
from workflows.domain import referrals_firms as firms
from workflows.state import Consent, Doc, Message, instant
from workflows.steps import asking
from workflows.turn import Turn

CONSENT_EVENTS = (
    "optin.requested",
    "optin.confirmed",
    "contact.unsubscribed",
    "consent.imported",
)
"""What proves who agreed to what, and when; a confirmed opt-in by the request and the POST."""

_SAID = {"name": ("given_name", "first_name", "last_name")}
"""Where what a webhook says of a person is known already, for what has no field of its name."""


def know(turn: Turn, event: Doc) -> None:
    """Make the contact known: its id, its account, what a webhook said of the person."""
    doc = turn.doc
    contact = turn.contact
    before = dict(doc) if not doc.get("id") else None
    if contact and not doc.get("id"):
        doc["id"] = contact
        doc.setdefault("locale", turn.programme.policies.locales[0])
    kind, _, name = turn.state.actor.partition("/")
    if kind == "account":
        doc.setdefault("id", name)
    person = event.get("person") or {}
    changed = before is not None
    for said, value in person.items():
        if said == "id" or not value or any(map(doc.get, _SAID.get(said, (said,)))):
            continue
        doc["given_name" if said == "name" else said] = value
        changed = True
    account = event.get("account")
    if contact and account and event.get("contact") == contact and not doc.get("account"):
        doc["account"] = account
        firm_owners.learned(turn)
        changed = True
    if changed:
        named(doc)
        turn.save()
    if turn.programme.firm_checks and "firm_of" not in doc and contact:
        firms.link(turn)


def named(doc: Doc) -> None:
    """Give a document the name people see: never empty, else the address, else the id."""
    full = " ".join(part for part in (doc.get("first_name"), doc.get("last_name")) if part)
    doc["name"] = doc.get("given_name") or full or doc.get("email") or doc.get("id", "")


def newer(doc: Doc, field: str, at: datetime) -> bool:
    """Tell whether an event at `at` is the most recent word on a field, and note that it is."""
    times = doc.setdefault("times", {})
    known = times.get(field)
    if known is not None and instant(known) > at:
        return False
    times[field] = at.isoformat()
    return True


def updated(turn: Turn, event: Doc) -> bool:
    """Take over the fields of `contact.updated` that are newer than what is known."""
    doc, at = turn.doc, instant(event["time"])
    fields: dict[str, Any] = {}
    changed = []
    for field, value in event["data"].items():
        as_of.note(turn, field, value, event)
        if field == "consent":
            _consents(turn, value, at, event)  # each yes is as old as it is
            counts = differs = True
        else:
            counts, differs = said(turn, field, value, event)
        if counts:
            fields[field] = value
        if differs:
            changed.append(field)
    if fields:
        named(doc)
        turn.save()
        if changed:
            turn.fact("contact.changed", fields=sorted(changed))
        if turn.contact:
            _tell(turn, event, fields)
    return True


def said(turn: Turn, field: str, value: Any, event: Doc) -> tuple[bool, bool]:  # noqa: ANN401
    """Take over a word on a field; return whether it counts, and whether the field is another."""
    doc, key = turn.doc, joined.key_of(field)
    if joined.is_one(turn):
        return joined_fields.field_said(turn, field, value, event)
    if not newer(doc, field, instant(event["time"])):
        return False, False
    before, doc[key] = doc.get(key), value
    return True, bool(before != value)


def _tell(turn: Turn, event: Doc, fields: Doc) -> None:
    """Let those hear who go by a contact's codes, firm or addresses."""
    if "account" in fields:
        firm_owners.learned(turn)
    if "codes" in fields:
        codes.claim(turn)
    if turn.programme.firm_checks and {"email", "account"} & fields.keys():
        firms.link(turn)
    if turn.doc.get("referrals"):
        referrals_known.tell_late(turn, event, fields)


def _consents(turn: Turn, said: Any, at: datetime, event: Doc) -> None:  # noqa: ANN401
    """Grant what a form or an import says; a withdrawal that is as new or newer stands."""
    if not isinstance(said, dict):
        return
    for channel, topics in said.items():
        for topic in topics if isinstance(topics, list) else []:
            grant(turn, str(channel), str(topic), at, event)


def grant(turn: Turn, channel: str, topic: str, at: datetime, event: Doc) -> bool:
    """Record a yes; False where a no of the same instant or later stands."""
    if joined.is_one(turn):
        return merged_consent.says(turn, channel, topic, event, granted=True)
    known = turn.state.consents.get((channel, topic))
    if known is not None and (known.at > at or (known.at == at and not known.granted)):
        return False
    _keep(turn, channel, topic, at, event, granted=True)
    unsubscribed = [name for name in turn.doc.get("unsubscribed", ()) if name != topic]
    if channel == "email":
        turn.doc["unsubscribed"] = unsubscribed
    turn.save()
    return True


def _keep(turn: Turn, channel: str, topic: str, at: datetime, event: Doc, *, granted: bool) -> None:
    """Keep a word on consent, with the event that said it."""
    said_by = f"{event['source']}#{event['id']}"
    consent = Consent(turn.state.actor, channel, topic, granted=granted, at=at, source=said_by)
    turn.state.consents[channel, topic] = consent
    turn.changes.consents.append(consent)


def unsubscribed(turn: Turn, event: Doc) -> bool:
    """Withdraw consent: at once, also at night; asks of the contact end."""
    data = event["data"]
    channel, topic = data.get("channel") or "email", data.get("topic") or "programme"
    event["data"] = {**data, "channel": channel, "topic": topic}
    at = instant(event["time"])
    if joined.is_one(turn):
        left = not merged_consent.says(turn, channel, topic, event, granted=False)
    else:
        left = _left(turn, channel, topic, at, event)
    if not left:  # a fresh opt-in came after it
        if channel == "email" and topic in _topics(turn):
            asking.withdraw_begun(turn, "unsubscribed")
        return False
    if ends_asks(turn, channel, topic):
        asking.withdraw_all(turn, "unsubscribed")
    return True


def _left(turn: Turn, channel: str, topic: str, at: datetime, event: Doc) -> bool:
    """Record a no; False where a yes came after it."""
    known = turn.state.consents.get((channel, topic))
    if known is not None and known.granted and known.at > at:
        return False
    if known is None or known.granted or known.at < at:  # a no stays as old as the newest
        _keep(turn, channel, topic, at, event, granted=False)
    if channel == "email":
        turn.doc["unsubscribed"] = sorted({*turn.doc.get("unsubscribed", ()), topic})
    turn.save()
    return True


def ends_asks(turn: Turn, channel: str, topic: str) -> bool:
    """Tell whether nobody may be asked any more: no by e-mail, or no way is left."""
    consents = turn.state.consents
    if topic not in _topics(turn):
        return False
    return channel == "email" or not any(
        consent.granted if (consent := consents.get((way, topic))) else way == "email"
        for way in turn.programme.policies.channels
    )


def were_one(turn: Turn) -> None:
    """Withdraw what was asked of somebody who, under another name, could not be asked then."""
    for topic in _topics(turn):
        word = turn.state.consents.get(("email", topic))
        if word is not None and not word.granted and word.at <= turn.time:
            asking.withdraw_begun(turn, "unsubscribed")
    if as_of.has_case(turn.doc, turn.time):
        asking.withdraw_begun(turn, "case_opened")


def _topics(turn: Turn) -> tuple[str, str]:
    """Return the topics by which somebody may be asked."""
    asks = turn.programme.policies.classes.get("ask")
    return "programme", asks.consent if asks else ""


def imported(turn: Turn, event: Doc) -> bool:
    """Record a yes that an import brings; a no stands, however old: only the person revives it."""
    data = event["data"]
    if joined.is_one(turn):
        stands = merged_consent.own_no(turn, data["channel"], data["topic"], event)
    else:
        known = turn.state.consents.get((data["channel"], data["topic"]))
        stands = known is not None and not known.granted
    if not stands:
        grant(turn, data["channel"], data["topic"], instant(event["time"]), event)
    return False


def confirmed(turn: Turn, event: Doc) -> bool:
    """Record a double opt-in; an older one than the last withdrawal revives nothing.

    Somebody takes part since the first, in whatever order they and a withdrawal arrive.
    """
    takes_part(turn, event["time"])
    return grant(turn, "email", "programme", instant(event["time"]), event)


def takes_part(turn: Turn, at: str) -> None:
    """Note that somebody took part at an instant: the first counts."""
    since = turn.doc.get("participant_since")
    if not since or instant(at) < instant(since):
        turn.doc["participant_since"] = at
        turn.doc["participant"] = True
        turn.save()


def reported(turn: Turn, event: Doc) -> bool:
    """Count a message that another tool sent: it fills the caps of its class."""
    class_ = str(event["data"]["class"])
    if class_ not in turn.programme.policies.classes:
        return False
    key = f"reported/{event['source']}/{event['id']}"
    turn.changes.messages[key] = Message(
        key=key, actor=turn.state.actor, to=turn.state.actor, account=turn.doc.get("account", ""),
        run="", workflow="", step="", template="", class_=class_, by=(),
        planned_at=instant(event["time"]), status="reported",
    )  # fmt: skip
    return True


def customer(turn: Turn, event: Doc) -> bool:
    """Note since when, and until when, an account is a customer."""
    on = event["data"].get("on") or event["time"]
    field = "customer_since" if event["type"] == "customer.started" else "customer_until"
    if newer(turn.doc, field, instant(event["time"])):
        turn.doc[field] = on
        turn.save()
    return True
