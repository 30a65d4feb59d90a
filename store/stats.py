"""Counts of what waits and what is stuck: for metrics, doctor and summaries."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, database_time, is_postgres, table_of
from store.outbox import AWAY
from store.tables import DeadRow, InboxRow, OutboxRow, RunRow, SliceRow, TaskRow, TimerRow

_inbox, _outbox, _timer = table_of(InboxRow), table_of(OutboxRow), table_of(TimerRow)
_dead, _slice, _task = table_of(DeadRow), table_of(SliceRow), table_of(TaskRow)
_run = table_of(RunRow)

SOON = timedelta(minutes=10)
"""A message that waits longer than this waits for something else than its channel."""


@dataclass(frozen=True, slots=True)
class Health:
    """What waits now, from tables and indexes that hold what is under way and nothing older.

    The largest of them holds the live runs: of a million they are counted in a moment, not at once.

    Attributes:
        inbox: Events accepted and not handled.
        inbox_oldest_at: When the oldest of them was accepted.
        outbox_due: Messages that deliver could send now.
        outbox_oldest_at: Since when the oldest of them is due.
        outbox_sending: Messages on their way out.
        outbox_in_doubt: Messages that may have left: somebody has to look.
        outbox_away: Messages that wait, for minutes, for a channel that does not answer.
        timers_due: Timers that the drain could fire now.
        timers_oldest_at: When the oldest of them was due.
        dead: Dead letters that nobody replayed or dropped.
        slices_tried: Slices whose last drain began and never committed.
        tasks_open: Tasks to be done.
        tasks_overdue: Of those, the ones whose time is past.
        tasks_unassigned: Of those, the ones nobody has.
        runs_live: Runs that wait for something.
    """

    inbox: int
    inbox_oldest_at: datetime | None
    outbox_due: int
    outbox_oldest_at: datetime | None
    outbox_sending: int
    outbox_in_doubt: int
    outbox_away: int
    timers_due: int
    timers_oldest_at: datetime | None
    dead: int
    slices_tried: int
    tasks_open: int
    tasks_overdue: int
    tasks_unassigned: int
    runs_live: int


def health(conn: Connection, *, now: datetime) -> Health:
    """Return what waits at `now`, in one statement."""
    due = (_outbox.c.status == sa.literal_column("'pending'"), _outbox.c.due_at <= now)
    soon = (due[0], _outbox.c.due_at <= now + SOON)
    late = (_timer.c.due_at <= now,)
    is_open = _task.c.status == sa.literal_column("'open'")
    wanted = {
        "inbox": _count(_inbox),
        "inbox_oldest_at": _first(_inbox.c.accepted_at),
        "outbox_due": _count(_outbox, *due),
        "outbox_oldest_at": _first(_outbox.c.due_at, *due),
        "outbox_sending": _count(_outbox, _outbox.c.status == sa.literal_column("'sending'")),
        "outbox_in_doubt": _count(_outbox, _outbox.c.status == "in_doubt"),
        "outbox_away": _count(_outbox, *soon, _outbox.c.reason == AWAY),
        "timers_due": _count(_timer, *late),
        "timers_oldest_at": _first(_timer.c.due_at, *late),
        "dead": _count(_dead, _dead.c.status == "dead"),
        "slices_tried": _count(_slice, _slice.c.tries > 0),
        "tasks_open": _count(_task, is_open),
        "tasks_overdue": _count(_task, is_open, _task.c.due_at < now),
        "tasks_unassigned": _count(_task, is_open, _task.c.assignee == ""),
        "runs_live": _count(_run, _run.c.status == sa.literal_column("'live'")),
    }
    row = conn.execute(
        sa.select(*(part.scalar_subquery().label(name) for name, part in wanted.items()))
    ).one()
    return Health(**row._asdict())


def clock_of(conn: Connection, now: datetime) -> datetime | None:
    """Return the time by the database's own clock; None for SQLite, which has none."""
    return conn.scalar(sa.select(database_time(conn, now))) if is_postgres(conn) else None


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.Select[int]:
    counted = sa.select(sa.func.count()).select_from(table)
    return counted.where(table.c.slice.in_(ANY_SLICE), *conditions)


def _first(
    column: sa.Column[datetime], *conditions: sa.ColumnElement[bool]
) -> sa.Select[datetime | None]:
    earliest: sa.ColumnElement[datetime | None] = sa.func.min(column, type_=column.type)
    return sa.select(earliest).where(column.table.c.slice.in_(ANY_SLICE), *conditions)
