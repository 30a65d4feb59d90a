"""What a wide seed has besides: merges, erasures, calls, syncs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

LEADS = 3
CHOICES = ("donation", "training_hour", "template_library", "mystery_gift")
PERSONAL = ("first_name", "email", "phone", "improve", "text")
"""Fields that say something of somebody."""

SYNC = """
sync:
  crm:
    contact: {nps_score: contact.nps.score, nps_band: contact.nps.band, owner: contact.owner}
    lead: {referred_by: referral.referrer.id}
  mailchimp:
    collect: 5m
    contact: {STARS: contact.balance.available}
"""
"""What other systems are told: a score at once, a balance a little later."""


def secret_of(contact: str) -> str:
    """Return what stands in every name, address and answer of somebody, and nowhere else.

    >>> secret_of("c-3"), secret_of("l-0")
    ('zqc3x', 'zql0x')
    """
    return f"zq{contact.replace('-', '')}x"


def phone_of(contact: str) -> str:
    """Return somebody's number.

    >>> phone_of("c-3"), phone_of("l-0")
    ('+31612340399', '+31612341099')
    """
    side = "1" if contact.startswith("l") else "0"
    return f"+3161234{side}{contact[-1]}99"


def secrets_of(contact: str) -> tuple[str, ...]:
    """Return the words by which somebody would be known."""
    return secret_of(contact), phone_of(contact)


def data_of(kind: str, data: dict[str, Any], contact: str) -> dict[str, Any]:
    """Return an event's data with words that nobody else's has."""
    secret = secret_of(contact)
    told: dict[str, Any] = {
        "email": f"{secret}@acme.example", "phone": phone_of(contact), "first_name": secret,
        "improve": f"sneller, zegt {secret}", "text": f"Fijn team, zegt {secret}",
    }  # fmt: skip
    found = {name: told.get(name, value) for name, value in data.items()}
    if kind == "contact.updated":
        found |= {name: told[name] for name in ("email", "phone", "first_name")}
    if isinstance(lead := data.get("lead"), dict):
        name = secret_of(lead["id"])
        found["lead"] = {**lead, "name": name, "email": f"{name}@polder.example"}
    return found


def more(
    draw: Random,
    contacts: list[str],
    spec: Callable[[str, str], dict[str, Any]],
    span: tuple[datetime, int],
) -> list[tuple[datetime, list[dict[str, Any]]]]:
    """Return what happens besides, and when: merges, wishes to be forgotten, choices."""
    start, days = span
    people = [*contacts, *(f"l-{n}" for n in range(LEADS))]

    def at() -> datetime:
        return start + timedelta(minutes=draw.randrange(1, days * 24 * 60))

    found: list[tuple[datetime, list[dict[str, Any]]]] = []
    for _ in range(draw.choice((0, 1, 1, 2))):
        one, other = draw.choice(contacts), draw.choice(people)
        merge = {**spec("contact.merged", one), "into": other}
        when = at()
        found.append((when, [merge]))
        if draw.random() < 0.5:  # the same news twice, or a circle, or a chain
            back = {**spec("contact.merged", other), "into": draw.choice([one, *people])}
            found.append((when + timedelta(minutes=draw.choice((0, 2, 3_000))), [back]))
    for _ in range(draw.choice((0, 1, 1, 2))):
        who = draw.choice(people)
        when = at()
        found.append((when, [spec("contact.erase_requested", who)]))
        late = draw.choice(("contact.updated", "nps.answered", "quote.given", "optin.confirmed"))
        found.append((when + timedelta(minutes=draw.choice((0, 1, 2_000))), [spec(late, who)]))
    for _ in range(draw.randrange(5)):
        kind = draw.choice(("reward.chosen", "reward.chosen", "reward.approved", "nps.answered"))
        found.append((at(), [spec(kind, draw.choice(contacts))]))
    return found


def chosen(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the data of what only these seeds have."""
    number = spec["number"]
    match spec["kind"]:
        case "contact.merged":
            return {"into": spec["into"]}
        case "reward.chosen":
            choice = CHOICES[number % len(CHOICES)]
            return {"choice": choice, "amount": 10 * (1 + number % 5), "charity": "kika"}
        case "reward.approved":
            return {"entry": f"deal/d-l-{number % LEADS}/referrer"}
        case _:
            return {}


def call_step(draw: Random) -> dict[str, Any]:
    """Return a step that calls an endpoint."""
    data = {"who": "contact.id", "score": "contact.nps.score"}
    step: dict[str, Any] = {"call": {"endpoint": "fulfilment", "data": data}}
    if draw.random() < 0.5:
        step["then"] = {"failed": [{"send": {"template": "plain-3", "class": "transactional"}}]}
    return step
