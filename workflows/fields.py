"""The fields of contact, account, referral and the rest, as expressions and words see them."""

from workflows.cel_scope import Fields

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
LINKS: Fields = dict.fromkeys(
    (
        "gladly",
        "not_now",
        "later",
        "never",
        "refer",
        "unsubscribe",
        "done",
        "survey",
        "confirm",
    ),
    "string",
)
ENVELOPE: Fields = {
    "to": {**PERSON, "locale": "string", "zone": "string"},
    "sender": {"id": "string", "name": "string", "email": "string"},
    "links": LINKS,
    "stage": {"name": "string", "effort": "int"},
    "reward": {"amount": "int", "benefit": "string"},
}
"""What only words see: the recipient, the sender, the links of the message, a journey's stage."""
TASK: Fields = {
    "id": "string",
    "title": "string",
    "due": "instant",
    "level": "int",
    "to": "string",
    "reason": "string",
}
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
