"""The fields of contact, account, referral and the rest, as expressions and words see them."""

from collections.abc import Mapping
from typing import Any

from workflows.cel_scope import Fields, FieldType

NPS: Fields = {
    "score": "int",
    "band": "string",
    "at": "instant",
    "improve": "string",
    "comment": "string",
}
CONTACT: Fields = {
    "id": "string",
    "name": "string",
    "first_name": "string",
    "last_name": "string",
    "email": "string",
    "phone": "string",
    "locale": "string",
    "zone": "string",
    "segments": "list",
    "owner": "string",
    "participant": "bool",
    "participant_since": "instant",
    "unsubscribed": "list",
    "open_case": "bool",
    "no_asks": "bool",
    "cooling_until": "instant",
    "tier": "string",
    "partner": "bool",
    "nps": NPS,
    "balance": {"pending": "int", "available": "int", "paid": "int"},
}
ACCOUNT: Fields = {
    "id": "string",
    "name": "string",
    "owner": "string",
    "manager": "string",
    "segments": "list",
    "customer_since": "instant",
}
_OF_REFERRAL: Fields = {
    "id": "string",
    "stage": "string",
    "verdict": "string",
    "code": "string",
    "deal": "string",
    "value_eur": "int",
    "via": "string",
    "consent_to_contact": "bool",
    "rewarded": "bool",
    "winback": "bool",
    "reward": {"amount": "int", "free_at": "instant", "state": "string"},
}
PERSON: Fields = {
    "id": "string",
    "name": "string",
    "first_name": "string",
    "last_name": "string",
    "email": "string",
    "phone": "string",
    "company": "string",
}
REFERRAL: Fields = {**_OF_REFERRAL, "lead": {"id": "string"}, "referrer": {"id": "string"}}
"""A referral as CEL sees it: of another contact only the id."""
REFERRAL_TOLD: Fields = {**_OF_REFERRAL, "lead": PERSON, "referrer": PERSON}
"""A referral as templates see it: with names."""

PROGRAMME: Fields = {"name": "string", "zone": "string", "currency": "string"}
RUN: Fields = {"id": "string", "started_at": "instant"}
SHARED_BY = {"share": "email", "share_whatsapp": "whatsapp", "share_linkedin": "linkedin"}
"""The links that a contact passes on, by the medium that is recorded."""
_CONTACT_LINKS: Fields = dict.fromkeys(
    ("refer", "unsubscribe", "survey", "confirm", "rules", *SHARED_BY), "string"
)
ANSWERS = ("gladly", "not_now", "later", "never")
"""What the links of an ask say."""
LINKS: Mapping[str, Fields] = {
    "contact": _CONTACT_LINKS,
    "ask": {**_CONTACT_LINKS, **dict.fromkeys(ANSWERS, "string")},
    "journey": {**_CONTACT_LINKS, "done": "string"},
    "thanks": _CONTACT_LINKS,
    "staff": {},
    "task": {"done": "string", "accept": "string"},
}
"""The links of a message, by what it is: to a contact, of an ask, of a journey's stage, to a
colleague, about a task."""
ENVELOPE: Fields = {
    "to": {**PERSON, "locale": "string", "zone": "string"},
    "sender": {"id": "string", "name": "string", "email": "string"},
    "stage": {"name": "string", "effort": "int"},
    "reward": {"amount": "int", "benefit": "string"},
}
"""What only words see, beside `links`: the recipient, the sender, a journey's stage."""
TASK: Fields = {"key": "string", "title": "string", "due": "instant", "level": "int"}
"""What the engine says of a task in words about it; `level` is 0 unless it is late."""
MAYBE = {
    "contact": "first_name last_name email phone owner participant_since cooling_until tier "
    "nps.score nps.at nps.improve nps.comment",
    "account": "owner manager customer_since",
    "referral": "code deal value_eur via reward lead.first_name lead.last_name lead.email "
    "lead.phone lead.company referrer.first_name referrer.last_name referrer.email "
    "referrer.phone referrer.company",
    "to": "first_name last_name email phone company",
}
"""What can be without a value, so that words about it need a default."""

NO_BAND = "none"
"""The band of somebody who never answered."""
_NUMBERS: Mapping[str, Any] = {"pending": 0, "available": 0, "paid": 0}
_SURE: Mapping[str, Any] = {
    "id": "", "name": "", "locale": "", "zone": "", "segments": (), "participant": False,
    "unsubscribed": (), "open_case": False, "no_asks": False, "partner": False,
}  # fmt: skip
"""Fields of a contact that words need no default for, as they are without a value."""


def first_tier(levels: Mapping[str, int]) -> str:
    """Return the level of somebody for whom nothing counts yet; '' where all take something.

    >>> first_tier({"member": 0, "silver": 1}), first_tier({"silver": 1})
    ('member', '')
    """
    reached = [(least, name) for name, least in levels.items() if least <= 0]
    return max(reached)[1] if reached else ""


def zeros_of(levels: Mapping[str, int]) -> dict[str, str]:
    """Return what fields of a contact are without a value, where that is not '' or nought."""
    tier = first_tier(levels)
    return {"contact.nps.band": NO_BAND, **({"contact.tier": tier} if tier else {})}


def sure_of(own: Mapping[str, Any], levels: Mapping[str, int]) -> dict[str, Any]:
    """Return what a contact's fields are without a value, where words need no default for them.

    `own` are the programme's fields with their types.
    """
    tier = first_tier(levels)
    return {**_SURE, **no_of(own), **({"tier": tier} if tier else {})}


def no_of(own: Mapping[str, Any]) -> dict[str, bool]:
    """Return what fields of the programme's own are for whom nobody said anything: no."""
    return {name: False for name, kind in own.items() if kind == "bool"}


def told_contact(contact: Mapping[str, Any], sure: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contact as words see it: what needs no default in them is never without a value."""
    told = {**sure, **{name: value for name, value in contact.items() if value is not None}}
    told["nps"] = {"band": NO_BAND, **(contact.get("nps") or {})}
    told["balance"] = {**_NUMBERS, **(contact.get("balance") or {})}
    return told


def told_account(
    account: Mapping[str, Any], contact: Mapping[str, Any], sure: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an account as words see it: its name is never empty, as little as a contact's.

    A contact whom nobody gave an account stands for it, so that words about a firm can be said
    of somebody without one.
    """
    known = str(account.get("id") or contact.get("account") or "")
    name = account.get("name") or known or contact.get("name") or contact.get("id") or ""
    return {"segments": (), **sure, "id": known, **account, "name": name}


def typed(fields: Mapping[str, object]) -> Fields:
    """Return the catalogue's plain types as the types of expressions."""
    return {name: _type(kind) for name, kind in fields.items()}


def _type(kind: object) -> FieldType:
    if isinstance(kind, Mapping):
        return typed(kind)
    match kind:
        case "string" | "int" | "bool" | "instant" | "list" | "items":
            return kind
        case _:
            return "dyn"
