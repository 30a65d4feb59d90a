"""Stories of referrals: what happened, who is known, and what it has come to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.replay import Replay, library
from workflows.state import iso

START = datetime(2027, 6, 1, 8, tzinfo=UTC)
KNOWN = START - timedelta(days=30)
PEOPLE = {
    "c-anna": {"first_name": "Anna", "email": "anna@acme.example", "owner": "u-sam"},
    "c-bram": {"first_name": "Bram", "email": "bram@brug.example", "owner": "u-lena"},
}

Event = dict[str, Any]


def told(number: int, minute: int, kind: str, contact: str = "", **data: Any) -> Event:
    """Return an event of the story; leads' events belong to the lead."""
    given_lead = data.get("lead", "")
    lead = given_lead["id"] if isinstance(given_lead, dict) else given_lead
    return {
        "id": f"e-{number}", "source": "test", "type": kind, "contact": contact, "account": "",
        "time": iso(START + timedelta(minutes=minute)), "lead": lead, "data": data,
    }  # fmt: skip


def lead(name: str, at: str = "duin.example") -> dict[str, str]:
    """Return somebody who is recommended."""
    return {"id": name, "name": name.title(), "email": f"{name}@{at}"}


STORIES: dict[str, list[Event]] = {
    "won": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "lead.stage_changed", lead="l-8", stage="accepted"),
        told(3, 10, "lead.stage_changed", lead="l-8", stage="contacted"),
        told(4, 15, "deal.opened", lead="l-8", deal="d-8", value_eur=9000),
        told(5, 20, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "won and lost": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(3, 20, "deal.lost", lead="l-8", deal="d-8"),
        told(4, 25, "lead.stage_changed", lead="l-8", stage="qualified"),
    ],
    "lost and won after all": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.lost", lead="l-8", deal="d-8"),
        told(3, 20, "deal.won", lead="l-8", deal="d-9", value_eur=9000),
    ],
    "won, lost and won again": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "deal.lost", lead="l-8", deal="d-8"),
        told(4, 30, "deal.won", lead="l-8", deal="d-8"),
    ],
    "two deals, of which the first one counts": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "deal.won", lead="l-8", deal="d-9"),
        told(4, 30, "contract.cancelled", lead="l-8", deal="d-9"),
    ],
    "won without a deal, and refunded": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "lead.stage_changed", lead="l-8", stage="won"),
        told(3, 20, "deal.refunded", lead="l-8", deal="d-8"),
    ],
    "lost by its stage": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "lead.stage_changed", lead="l-8", stage="lost"),
    ],
    "won without a deal after a refund, and another deal lost": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "deal.refunded", lead="l-8", deal="d-1"),
        told(3, 10, "lead.stage_changed", lead="l-8", stage="won"),
        told(4, 20, "deal.lost", lead="l-8", deal="d-2"),
    ],
    "won, another deal lost, and won without a deal": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "deal.won", lead="l-8", deal="d-1"),
        told(3, 10, "deal.lost", lead="l-8", deal="d-2"),
        told(4, 20, "lead.stage_changed", lead="l-8", stage="won"),
    ],
    "oneself twice, by a merge": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "contact.merged", "l-8", into="c-anna"),
        told(3, 10, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 15, "referral.submitted", "c-anna", lead=lead("l-9", "wad.example")),
        told(5, 20, "deal.won", lead="l-9", deal="d-9"),
    ],
    "a lead who recommends another turns out to be a referrer": [
        told(1, 0, "deal.won", lead="l-8", deal="d-1"),
        told(2, 5, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "lead.stage_changed", lead="l-9", stage="lost"),
        told(4, 15, "referral.submitted", "c-bram", lead=lead("l-9", "wad.example")),
        told(5, 20, "contact.merged", "l-8", into="c-bram"),
    ],
    "won without a deal under two ids": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "contact.merged", "l-7", into="l-8"),
        told(3, 10, "deal.won", lead="l-7", deal="d-1"),
        told(4, 15, "lead.stage_changed", lead="l-8", stage="won"),
        told(5, 20, "deal.refunded", lead="l-7", deal="d-2"),
    ],
    "oneself, by another record's address": [
        told(1, 0, "contact.updated", "c-twin", email="l-8@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(4, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "oneself, by another record's number": [
        told(1, 0, "contact.updated", "c-twin", phone="+31612345678"),
        told(2, 1, "referral.submitted", "c-anna", lead={**lead("l-8"), "phone": "0612345678"}),
        told(3, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "a colleague, by another record's firm": [
        told(1, 0, "contact.updated", "c-twin", email="twin@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(4, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "oneself, by an address of before": [
        told(1, 0, "contact.updated", "c-anna", email="l-8@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "recommended anew after a loss": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.lost", lead="l-8", deal="d-8"),
        told(3, 20, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 30, "deal.won", lead="l-8", deal="d-8"),
    ],
    "two referrers": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-8")),
        told(3, 10, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 20, "lead.stage_changed", lead="l-8", stage="contacted"),
    ],
    "two referrers and a win": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-8")),
        told(3, 20, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "a colleague first": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-jan", "acme.example")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-jan", "acme.example")),
        told(3, 9, "lead.stage_changed", lead="l-jan", stage="contacted"),
    ],
    "in the pipeline": [
        told(1, 0, "deal.opened", lead="l-8", deal="d-8"),
        told(2, 5, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "too fast": [
        told(n, n, "referral.submitted", "c-anna", lead=lead(f"l-{n}", f"firm{n}.example"))
        for n in range(1, 8)
    ],
    "a customer by its name": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-pia", "boot.example")),
        {**told(2, 5, "customer.started", on="2025-01-01"), "account": "boot"},
        told(3, 10, "lead.stage_changed", lead="l-pia", stage="contacted"),
    ],
    "a customer already": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-pia", "boot.example")),
        {**told(2, 5, "customer.started", on="2025-01-01"), "account": "boot"},
        {**told(3, 6, "contact.updated", "c-bo", email="bo@boot.example"), "account": "boot"},
        told(4, 10, "lead.stage_changed", lead="l-pia", stage="contacted"),
    ],
}


def play(events: list[Event]) -> Replay:
    """Let events arrive one a minute, long after they happened, and wait for the holds."""
    world = Replay(library(), START + timedelta(hours=1))
    for number, (contact, fields) in enumerate(PEOPLE.items()):
        known = {"id": f"known-{number}", "source": "crm", "contact": contact, "lead": "",
                 "account": "", "time": iso(KNOWN)}  # fmt: skip
        world.event({**known, "type": "contact.updated", "data": fields})
        answer = {"response": contact, "score": 9, "band": "promoter"}
        world.event({**known, "id": f"nps-{number}", "type": "nps.answered", "data": answer})
    for event in events:
        world.advance(world.now + timedelta(minutes=1))
        actor = event["contact"] or event["lead"]
        world.event(dict(event), f"contact/{actor}" if actor else f"account/{event['account']}")
    world.advance(world.now + timedelta(days=20))
    return world


FIELDS = ("verdict", "reason", "stage", "stage_at", "rewarded", "deal", "winback")


def _told_of(referral: dict[str, Any]) -> tuple[str, ...]:
    """Return what counts of a referral: of one that was rejected, why."""
    return FIELDS[:2] if referral["verdict"] == "rejected" else FIELDS


def _named(world: Replay, lead: str) -> str:
    """Return what a lead is called since it was merged, if it was."""
    known = world.states.get(f"contact/{lead}")
    return str(known.doc.get("merged_into", lead)) if known else lead


def ends(world: Replay) -> dict[str, Any]:
    """Return what a story has come to: every referral, every balance."""
    return {
        actor: (
            {
                (_named(world, referral["lead"]["id"]), name): {
                    field: referral[field] for field in _told_of(referral)
                }
                for name, referral in sorted(state.doc.get("referrals", {}).items())
            },
            {k: v for k, v in state.doc.get("balance", {}).items() if v and k != "reversed"},
        )
        for actor, state in sorted(world.states.items())
        if actor.startswith("contact/c-")
    }
