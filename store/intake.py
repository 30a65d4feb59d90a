"""Accepting events: seen before or not, committed with the inbox rows of all they concern."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from store.bulk import bulk_of
from store.rows import COLUMNS, TABLES, Accepted
from store.types import as_json
from workflows.state import Consent, Doc, slice_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that may enter: parsed, authorised, validated, its actors resolved.

    `doc` is what the inbox and the engine see. `actors` are those it concerns, the primary
    one first: the event's own row lives in that one's slice. `consents` is what the event
    says about consent; it is written by the same transaction, not behind the queue. `key` is
    the name of the API key that publishes it, empty if none is needed.
    """

    id: str
    source: str
    type: str
    time: datetime
    arrived: datetime
    doc: Doc
    actors: tuple[str, ...]
    natural_key: str = ""
    contact: str = ""
    consents: tuple[Consent, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """An event that did not enter: what and why, never its payload."""

    at: datetime
    verdict: str  # rejected, duplicate, parked
    source: str = ""
    event: str = ""
    type: str = ""
    reason: str = ""
    field: str = ""


def accept(conn: sa.Connection, arrivals: Sequence[Arrival]) -> list[bool]:
    """Store every event not seen before; tell of each, in order, whether it was new.

    Seen before is what has a known id of its source, or a known natural key of its source,
    also within `arrivals`, where the first wins. The same events in two transactions at
    once are stored by one of them. However many there are, the number of statements is the
    same.

    Raises:
        RevokedKeysError: A key of theirs was revoked, be it a moment ago; nothing is stored.
    """
    if not arrivals:
        return []
    offered = Accepted(
        events=[], actors=[], consents=[], keys=sorted({a.key for a in arrivals} - {""})
    )
    for place, each in enumerate(arrivals):
        offered.events.append(
            (
                slice_of(each.actors[0]),
                *(each.source, each.id, each.natural_key, each.type, each.contact),
                *(each.time, each.arrived, as_json(each.doc)),
            )
        )
        offered.actors += ((place, slice_of(actor), actor) for actor in each.actors)
        offered.consents += (
            (place, slice_of(c.actor), c.actor, c.channel, c.topic, c.granted, c.at, c.source)
            for c in each.consents
        )
    fresh = bulk_of(conn).accept(conn, offered)
    return [place in fresh for place in range(len(arrivals))]


def note(conn: sa.Connection, rejects: Sequence[Reject]) -> None:
    """Write down events that did not enter, in one statement."""
    if rejects:
        rows = [{name: getattr(each, name) for name in COLUMNS["reject"]} for each in rejects]
        conn.execute(sa.insert(TABLES["reject"]), rows)
