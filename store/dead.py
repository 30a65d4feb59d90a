"""Dead letters: inputs set aside with their errors, to be replayed or dropped by an operator."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, insert, table_of
from store.outbox import tell
from store.tables import DeadRow, TimerRow
from workflows.state import Forward

DEAD_MAX = 1_000
"""Most dead letters that one call returns or changes."""

_dead = table_of(DeadRow)
_timer = table_of(TimerRow)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters are meant; what is empty does not narrow.

    Attributes:
        kind: `event` or `timer`.
        type: The event's type, or the timer's kind.
        status: `dead`, `replayed` or `dropped`; empty means all.
        error: A part of the error's text.
        since: At this instant or later.
        until: Before this instant.
        after: With a higher seq than this: the next page.
    """

    seqs: Collection[int] = ()
    kind: str = ""
    type: str = ""
    actor: str = ""
    status: str = "dead"
    error: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


def listed(
    conn: Connection, which: Filter | None = None, *, limit: int = 100
) -> list[dict[str, Any]]:
    """Return dead letters, oldest first, without their documents: those hold personal data."""
    columns = [column for column in _dead.c if column.name != "doc"]
    return [row._asdict() for row in conn.execute(_those(which or Filter(), limit, *columns))]


def show(conn: Connection, seq: int) -> dict[str, Any] | None:
    """Return one dead letter with its document; None if there is none of this number."""
    row = conn.execute(_those(Filter(seqs=[seq], status=""), 1, *_dead.c)).one_or_none()
    return None if row is None else row._asdict()


def replay(
    conn: Connection, which: Filter, *, now: datetime, limit: int = DEAD_MAX, dry_run: bool = False
) -> int:
    """Feed dead letters to their actors again, and return how many.

    An event enters the inbox with a fresh number, as the newest input; a timer is due now.
    A dry run counts only. Those replayed or dropped before are left alone.
    """
    found = _mark(conn, which, "replayed", limit, dry_run=dry_run)
    if dry_run or not found:
        return len(found)
    events = [row for row in found if row.kind == "event"]
    tell(conn, now, [Forward(row.actor, row.doc) for row in events], [])
    timers = [_timer_row(row, now) for row in found if row.kind == "timer"]
    if timers:
        # Set anew meanwhile, under the same key: that one wins.
        conn.execute(insert(conn, _timer).values(timers).on_conflict_do_nothing())
    return len(found)


def drop(conn: Connection, which: Filter, *, limit: int = DEAD_MAX, dry_run: bool = False) -> int:
    """Say that dead letters will never be handled, and return how many; they stay readable."""
    return len(_mark(conn, which, "dropped", limit, dry_run=dry_run))


def _mark(
    conn: Connection, which: Filter, status: str, limit: int, *, dry_run: bool
) -> list[sa.Row[Any]]:
    """Lock the dead letters meant, say what became of them, and return them oldest first."""
    if which.status not in {"", "dead"}:
        return []
    those = _those(which, limit, *_dead.c).where(_dead.c.status == "dead")
    if dry_run:
        return list(conn.execute(those))
    found = list(conn.execute(those.with_for_update(skip_locked=True)))
    if found:
        conn.execute(
            _dead.update()
            .where(
                _dead.c.slice.in_(sorted({row.slice for row in found})),
                _dead.c.seq.in_([row.seq for row in found]),
            )
            .values(status=status)
        )
    return found


def _those(which: Filter, limit: int, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    wanted = sa.select(*columns).where(_dead.c.slice.in_(ANY_SLICE), _dead.c.seq > which.after)
    for name in ("kind", "type", "actor", "status"):
        if value := getattr(which, name):
            wanted = wanted.where(_dead.c[name] == value)
    if which.seqs:
        wanted = wanted.where(_dead.c.seq.in_(sorted(which.seqs)))
    if which.error:
        wanted = wanted.where(_dead.c.error.contains(which.error, autoescape=True))
    if which.since:
        wanted = wanted.where(_dead.c.at >= which.since)
    if which.until:
        wanted = wanted.where(_dead.c.at < which.until)
    return wanted.order_by(_dead.c.seq).limit(min(limit, DEAD_MAX))


def _timer_row(row: sa.Row[Any], now: datetime) -> dict[str, Any]:
    names = ("key", "name", "kind", "run", "subject")
    set_again = {name: row.doc.get(name, "") for name in names}
    return {"slice": row.slice, "actor": row.actor, "due_at": now, **set_again}
