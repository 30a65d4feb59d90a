"""Carry out what the guard said of claimed messages: they leave, wait, or never leave."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import database_time, rowset, table_of
from store.outbox import Deferral, Leaving, Ref, Skip, Status, tell
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
    rows = [
        {
            "slice": each.ref[0],
            "key": each.ref[1],
            "channel": each.channel,
            "locale": each.locale,
            "planned_at": each.planned_at,
        }
        for each in leaving
    ]
    given = rowset(_outbox, ["slice", "key", "channel", "locale", "planned_at"], rows)
    return _change_pending(
        conn,
        given,
        channel=given.c.channel,
        locale=given.c.locale,
        planned_at=given.c.planned_at,
        status=Status.SENDING,
        token=token,
        leased_until=database_time(conn, now, plus=lease),
        reason="",
    )


def still_mine(conn: Connection, refs: Collection[Ref], *, token: str, now: datetime) -> set[Ref]:
    """Return which messages this token may still send: asked just before the call.

    Counted in database time, since the clock that is late is the one that would not notice.
    """
    if not refs:
        return set()
    mine = sa.select(_outbox.c.slice, _outbox.c.key).where(
        *named(refs),
        _outbox.c.status == Status.SENDING,
        _outbox.c.token == token,
        _outbox.c.leased_until > database_time(conn, now),
    )
    return {(row.slice, row.key) for row in conn.execute(mine)}


def defer(conn: Connection, rows: Sequence[Deferral], *, now: datetime) -> set[Ref]:
    """Plan pending messages anew; return those that were still pending."""
    if not rows:
        return set()
    names = ["slice", "key", "planned_at", "due_at", "reason"]
    given = rowset(
        _outbox,
        names,
        [
            {
                "slice": each.ref[0],
                "key": each.ref[1],
                "planned_at": each.planned_at,
                "due_at": each.due_at,
                "reason": each.reason,
            }
            for each in rows
        ],
    )
    done = _change_pending(
        conn,
        given,
        planned_at=given.c.planned_at,
        due_at=given.c.due_at,
        reason=given.c.reason,
    )
    tell(conn, now, [], [record for each in rows if each.ref in done for record in each.records])
    return done


def skip(conn: Connection, rows: Sequence[Skip], *, now: datetime) -> set[Ref]:
    """Say for good that pending messages do not leave, and why; return those still pending."""
    if not rows:
        return set()
    given = rowset(
        _outbox,
        ["slice", "key", "reason"],
        [{"slice": each.ref[0], "key": each.ref[1], "reason": each.reason} for each in rows],
    )
    done = _change_pending(
        conn, given, status=Status.SKIPPED, reason=given.c.reason, recorded_at=now
    )
    told = [each for each in rows if each.ref in done]
    tell(
        conn,
        now,
        [forward for each in told for forward in each.forwards],
        [record for each in told for record in each.records],
    )
    return done


def named(refs: Collection[Ref]) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that names rows by slice and key, as the primary key wants it."""
    return _outbox.c.slice.in_({slice_ for slice_, _ in refs}), _outbox.c.key.in_(
        {key for _, key in refs}
    )


def _change_pending(conn: Connection, given: sa.CTE, **values: object) -> set[Ref]:
    changed = (
        _outbox.update()
        .where(
            _outbox.c.slice == given.c.slice,
            _outbox.c.key == given.c.key,
            _outbox.c.status == Status.PENDING,
        )
        .values(**values)
        .returning(_outbox.c.slice, _outbox.c.key)
    )
    return {(row[0], row[1]) for row in conn.execute(changed)}
