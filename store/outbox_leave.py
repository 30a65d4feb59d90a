"""Carry out what the guard said of claimed messages: they leave, wait, or never leave."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.outbox import Deferral, Doubt, Leaving, Ref, Skip, Status, tell
from store.outbox_sql import DEFER, DOUBT, MARK_SENDING, SKIP, STILL_MINE
from store.statement import Rows, moment
from store.tables import OutboxRow

_outbox = table_of(OutboxRow)


def mark_sending(
    conn: Connection, leaving: Sequence[Leaving], *, token: str, now: datetime, lease: timedelta
) -> set[Ref]:
    """Say that these messages leave now; return those that were still pending.

    Committed just before the call to the channel: whoever dies afterwards leaves messages
    that may have been sent. `token` is new for every claim and fences: what became of a
    message is taken only from who holds it, and only while the lease lasts.
    """
    if not leaving:
        return set()
    given = Rows([(*each.ref, each.channel, each.locale, each.planned_at) for each in leaving])
    return _refs(MARK_SENDING.rows(conn, token, moment(conn, now, lease), given))


def still_mine(conn: Connection, refs: Collection[Ref], *, token: str, now: datetime) -> set[Ref]:
    """Return which messages this token may still send: asked just before the call.

    Counted in database time, since the clock that is late is the one that would not notice.
    """
    if not refs:
        return set()
    return _refs(STILL_MINE.rows(conn, Rows(list(refs)), token, moment(conn, now)))


def defer(conn: Connection, rows: Sequence[Deferral], *, now: datetime) -> set[Ref]:
    """Plan pending messages anew; return those that were still pending."""
    if not rows:
        return set()
    given = Rows([(*each.ref, each.planned_at, each.due_at, each.reason) for each in rows])
    done = _refs(DEFER.rows(conn, given))
    _tell(conn, [each for each in rows if each.ref in done], now)
    return done


def skip(conn: Connection, rows: Sequence[Skip], *, now: datetime) -> set[Ref]:
    """Say for good that pending messages do not leave, and why; return those still pending."""
    if not rows:
        return set()
    done = _refs(SKIP.rows(conn, now, Rows([_skipped(each) for each in rows])))
    _tell(conn, [each for each in rows if each.ref in done], now)
    return done


def _tell(conn: Connection, done: Sequence[Deferral | Skip], now: datetime) -> None:
    """Say of messages that did not leave what their runs and records are to know."""
    forwards = [forward for each in done for forward in each.forwards]
    tell(conn, now, forwards, [record for each in done for record in each.records])


def _skipped(skip: Skip) -> tuple[int, str, str, str]:
    return (*skip.ref, Status.FAILED if skip.failed else Status.SKIPPED, skip.reason)


def doubt(conn: Connection, rows: Sequence[Doubt], *, now: datetime) -> set[Ref]:
    """Put pending messages in doubt that may have left and may not again; return those.

    The reason stays with them: it tells an operator why nobody else can settle it.
    """
    if not rows:
        return set()
    return _refs(DOUBT.rows(conn, now, Rows([(*each.ref, each.reason) for each in rows])))


def named(refs: Collection[Ref]) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that names rows by slice and key, as the primary key wants it."""
    return _outbox.c.slice.in_({slice_ for slice_, _ in refs}), _outbox.c.key.in_(
        {key for _, key in refs}
    )


def _refs(rows: Sequence[Sequence[Any]]) -> set[Ref]:
    return {(slice_, key) for slice_, key in rows}
