"""Events of many contacts whose outcome does not hang on how contacts' turns interleave."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from workflows.state import iso

KINDS = ("nps.answered", "nps.answered", "problem.solved", "project.delivered", "optin.requested",
         "optin.confirmed", "favour.granted", "contact.updated")  # fmt: skip


def introductions(now: datetime, contacts: int = 900) -> list[dict[str, Any]]:
    """Give the events that make every contact known, address included."""
    return [
        _envelope(-1 - number, "contact.updated", f"c-{number}", now - timedelta(minutes=2),
                  {"email": f"c-{number}@acme.example", "first_name": "Kim", "owner": "u-ada"})
        for number in range(contacts)
    ]  # fmt: skip


def events(
    count: int, *, seed: int, now: datetime, contacts: int = 900
) -> Iterator[dict[str, Any]]:
    """Give CloudEvents; one in fifty is the same as an earlier one, a few tell of referrals."""
    draw = Random(seed)
    sent: list[dict[str, Any]] = []
    for number in range(count):
        if sent and draw.random() < 0.02:
            yield draw.choice(sent)
            continue
        one = (
            _referral(draw, number, now)
            if number % 40 == 0
            else _plain(draw, number, contacts, now)
        )
        sent.append(one)
        yield one


def _envelope(
    number: int, kind: str, contact: str, at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"f-{number}",
        "source": "faults",
        "type": kind,
        "time": iso(at),
        "subject": f"contact/{contact}",
        "data": data,
    }


def _plain(draw: Random, number: int, contacts: int, now: datetime) -> dict[str, Any]:
    contact = f"c-{draw.randrange(contacts)}"
    kind = draw.choice(KINDS)
    at = now - timedelta(seconds=draw.randrange(60))
    data: dict[str, Any] = {}
    match kind:
        case "nps.answered":
            data = {"response": f"r-{number}", "score": draw.randrange(11), "improve": "sneller"}
        case "project.delivered":
            data = {"project_id": f"p-{number}", "value_eur": draw.randrange(90_000)}
        case "contact.updated":
            data = {"last_name": f"de {number}"}
        case _:
            pass
    return _envelope(number, kind, contact, at, data)


def _referral(draw: Random, number: int, now: datetime) -> dict[str, Any]:
    """A referrer of its own for each lead, so that nothing else happens to either."""
    lead = {"id": f"l-{number}", "name": "Daan", "email": f"l-{number}@polder.example"}
    return _envelope(
        number,
        "referral.submitted",
        f"c-referrer-{number}",
        now,
        {"lead": lead, "consent_to_contact": draw.random() < 0.5},
    )
