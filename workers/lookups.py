"""What intake asks the database of events before it stores them: whose they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from events.refusals import EventError
from store.contacts import ask_actor, find_contact, resolve, task_actor
from store.intake import Arrival
from workers.arrivals import Offered
from workers.verdicts import ForbiddenEventError, Refused, refused
from workflows.domain.referrals_checks import canonical_email
from workflows.sources import contact_id


def binding(conn: Any, arrivals: list[Arrival]) -> list[Arrival]:  # noqa: ANN401
    """Let a no that is said under the id of a merged record bind whoever remains, at once."""
    refusing = {word.actor for each in arrivals for word in each.consents if not word.granted}
    remains = {actor: into for actor in refusing if (into := resolve(conn, actor)) != actor}
    if not remains:
        return arrivals
    return [
        replace(each, consents=(*each.consents, *(
            replace(word, actor=remains[word.actor])
            for word in each.consents if not word.granted and word.actor in remains
        )))
        for each in arrivals
    ]  # fmt: skip


def looked_up(
    conn: Any,  # noqa: ANN401
    offered: Sequence[Offered],
    gone: Collection[str],
) -> list[Offered | Refused]:
    """Give each event of a task or ask its actor: a statement for all tasks, one for all asks.

    And refuse what keys publish that are gone.
    """
    known: dict[str, dict[str, str]] = {}
    for kind, find in (("task", task_actor), ("ask", ask_actor)):
        keys = sorted({slot.subject for slot in offered if slot.lookup == kind})
        if keys:
            known[kind] = dict(find(conn, keys))
    found: list[Offered | Refused] = []
    for slot in offered:
        if slot.key in gone:
            found.append(refusal(slot, _revoked(slot.key)))
        elif slot.lookup == "lead":
            found.append(slot.named(_lead(conn, slot.event.data["lead"])))
        elif slot.lookup:
            try:
                found.append(slot.found(known[slot.lookup].get(slot.subject)))
            except EventError as error:
                found.append(refusal(slot, error))
        else:
            found.append(slot)
    return found


def _lead(conn: Any, lead: Mapping[str, str]) -> str:  # noqa: ANN401
    """Return whom a recommendation without an id means: somebody known, else a new contact."""
    person = {name: lead.get(name) or "" for name in ("email", "phone")}
    known = find_contact(conn, **person)
    return known or contact_id({**person, "email": canonical_email(person["email"])})


def refusal(slot: Offered, error: EventError) -> Refused:
    """Return the verdict on an event that was sound, and is not taken for another reason."""
    event = slot.event
    return refused({"id": event.id, "source": event.source, "type": event.type}, error)


def _revoked(key: str) -> EventError:
    return ForbiddenEventError(
        f'the key "{key}" was revoked', field="source", hint="ask for a new key: vouch keys add"
    )
