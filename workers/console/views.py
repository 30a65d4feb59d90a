"""What the pages show: rows as they are stored, in the order in which they matter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from store import dead
from store.db import Connection
from store.holding import MOVED
from store.holding import look as look_for_hold
from store.listings import events, work
from store.listings.pages import Page
from store.outbox import Status
from store.stats import Health, health
from workers.explained import lines_of, runs_named
from workers.explanation import explanation_of
from workers.places import Places
from workers.telling import Teller
from workers.wellbeing import Look, handled, waiting

ROWS_MAX: Final = 200
"""Rows of one page; the commands have all of them."""
LATELY: Final = timedelta(days=1)
"""Since when refusals are counted."""
ID_CHARS_MAX: Final = 500
LINES_MAX: Final = 5_000
"""Lines of an explanation; the command says all of them."""

Row = Mapping[str, Any]
Values = dict[str, Any]

_PAGE = Page(ROWS_MAX)
_WHERE: Final = {
    "dead letters": "dead",
    "in doubt": "doubts",
    "unassigned": "tasks",
    "overdue": "tasks",
}
"""The page on which there is more about what a look found."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for: the query, bounded, and when."""

    now: datetime
    zone: ZoneInfo
    embedded: bool
    query: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.query.get(name, "")[:ID_CHARS_MAX].strip()


def overview(conn: Connection, asked: Asked) -> Values:
    """Return what waits for somebody, what is under way, and what is to come."""
    found = health(conn, now=asked.now)
    since = asked.now - LATELY
    return {
        "looks": [(look, _WHERE.get(look.about, "")) for look in _looks(conn, found, asked)],
        "health": found,
        "under_way": work.in_flight(conn),
        "planned": work.planned(conn),
        "refused": events.reject_counts(conn, since=since),
    }


def _looks(conn: Connection, found: Health, asked: Asked) -> Iterable[Look]:
    held = look_for_hold(conn)
    if held.is_held:
        said = f"no message leaves: {held.reason or MOVED}"
        yield Look("hold", "error", said, "docs/backups.md, After a restore; vouch outbox release")
    yield handled(found, asked.now, embedded=asked.embedded)
    if found.tasks_overdue:
        number = found.tasks_overdue
        said = f"{number} task{'s' if number > 1 else ''} that should be done by now"
        yield Look("overdue", "warning", said, "vouch tasks list --overdue")
    yield from waiting(found)


def tasks(conn: Connection, asked: Asked) -> Values:
    """Return the board: first what nobody has, then what is due first, late ones marked."""
    rows = work.board(conn, assignee=asked["assignee"], page=_PAGE)
    shown = [
        {**row, "late": row["due_at"] < asked.now, "flags": row["doc"].get("flags", ())}
        for row in rows
    ]
    people = sorted({row["assignee"] for row in rows if row["assignee"]})
    return {"rows": shown, "people": people, "assignee": asked["assignee"]}


def runs(conn: Connection, asked: Asked) -> Values:
    """Return runs under way, or paused; of one workflow, or in one step of it."""
    rows = [
        row
        for status in ("live", "paused")
        for row in work.runs(
            conn, status=status, workflow=asked["workflow"], step=asked["step"], page=_PAGE
        )
    ]
    return {"rows": rows[:ROWS_MAX], "workflow": asked["workflow"], "step": asked["step"]}


def doubts(conn: Connection, asked: Asked) -> Values:
    """Return the messages that may have left, or not."""
    del asked
    return {"rows": work.outbox(conn, status=Status.IN_DOUBT, page=_PAGE)}


def letters(conn: Connection, asked: Asked) -> Values:
    """Return the inputs that were set aside, without what they say."""
    del asked
    return {"rows": dead.listed(conn, limit=ROWS_MAX)}


def explained(conn: Connection, asked: Asked) -> Values:
    """Return what an id is and all that happened to it, as `vouch explain` says it."""
    id_ = asked["id"]
    found = explanation_of(conn, id_) if id_ else None
    if found is None:
        return {"id": id_, "lines": None, "is_all": True}
    teller = Teller(asked.zone, Places(conn), work.versions(conn, runs_named(found)))
    lines = list(islice(lines_of(found, teller, asked.now), LINES_MAX))
    return {"id": id_, "lines": lines, "is_all": len(lines) < LINES_MAX}
