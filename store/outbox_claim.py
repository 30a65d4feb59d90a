"""Take due messages, with all that the guard asks about, under locks that nobody waits for."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, insert, is_postgres, table_of
from store.outbox import CLAIM_MAX, HORIZON, Claim, Claimed
from store.outbox_context import actors_in, ask_statuses, other_actors, recipients, runs_of
from store.rows import account_key
from store.tables import ActorRow, OutboxRow
from workflows.state import slice_of

_outbox = table_of(OutboxRow)
_actor = table_of(ActorRow)

_INSERT_MS_MAX = 5
_LOCK_NOT_AVAILABLE = "55P03"

COLUMNS = [_outbox.c[name.rstrip("_")].label(name) for name in Claimed.__slots__]
"""What a `Claimed` is made from, under its names."""


def claimed(row: sa.Row[Any]) -> Claimed:
    """Return a row of `COLUMNS` as a value."""
    values = row._asdict()
    return Claimed(**{**values, "by": tuple(values["by"])})


def due(
    conn: Connection, *, now: datetime, slices: Collection[int] | None = None, limit: int = 100
) -> list[str]:
    """Return the keys of up to `limit` pending messages that are due, oldest planned first."""
    found = _due(sa.select(_outbox.c.key), now, slices).limit(limit)
    return list(conn.scalars(found))


def claim(
    conn: Connection,
    *,
    now: datetime,
    limit: int = 10,
    slices: Collection[int] | None = None,
    horizon: timedelta = HORIZON,
) -> Claim:
    """Return up to `limit` due messages that are ours until the transaction ends.

    Messages first, so that two claimers never reach for the same ones; then the actors of
    their contacts and accounts, so that no other claim can count in the same caps and the
    histories read afterwards are complete. Every lock is taken with `SKIP LOCKED`, so that
    there is nothing to wait for and no deadlock: what somebody else holds is left for the
    next round. Nothing is changed but that an account without a row gets one, to lock.

    At most eight statements, whatever the limit, and a few more when an account is met for
    the first time. On SQLite the transaction has the write lock from its start, and there is
    nothing more to lock.
    """
    rows = conn.execute(
        _due(sa.select(*COLUMNS), now, slices)
        .limit(min(limit, CLAIM_MAX))
        .with_for_update(skip_locked=True)
    )
    candidates = [claimed(row) for row in rows]
    if not candidates:
        return Claim()
    locked = _lock_actors(conn, candidates)
    messages = tuple(each for each in candidates if all(key in locked for key in _lockable([each])))
    if not messages:
        return Claim(left=len(candidates))
    runs = runs_of(conn, messages)
    return Claim(
        messages=messages,
        recipients=recipients(conn, messages, locked, since=now - horizon),
        runs=runs,
        asks=ask_statuses(conn, messages),
        actors=other_actors(conn, messages, runs.values(), locked),
        left=len(candidates) - len(messages),
    )


def _due(
    what: sa.Select[*tuple[Any, ...]], now: datetime, slices: Collection[int] | None
) -> sa.Select[*tuple[Any, ...]]:
    return what.where(
        _outbox.c.slice.in_(ALL_SLICES if slices is None else slices),
        _outbox.c.status == sa.literal_column("'pending'"),  # the partial index wants it literal
        _outbox.c.due_at <= now,
    ).order_by(_outbox.c.planned_at, _outbox.c.key)


def _lockable(messages: Iterable[Claimed]) -> set[str]:
    """Return whose rows bind these messages. Colleagues have no caps, and no row to lock."""
    keys = {account_key(each.account) for each in messages if each.account}
    return keys | {each.to for each in messages if not each.to.startswith("staff/")}


def _lock_actors(conn: Connection, messages: Sequence[Claimed]) -> dict[str, sa.Row[Any]]:
    """Lock the actors that bind these messages, as far as they are free."""
    keys = _lockable(messages)
    if not keys:
        return {}
    free = (
        sa.select(_actor)
        .where(*actors_in(_actor, keys))
        .order_by(_actor.c.slice, _actor.c.key)
        .with_for_update(key_share=True, skip_locked=True)
    )
    locked = {row.key: row for row in conn.execute(free)}
    if others := keys - set(locked):
        there = sa.select(_actor.c.key).where(*actors_in(_actor, others))
        if missing := others - set(conn.scalars(there)):
            locked.update((row.key, row) for row in _create_actors(conn, missing))
    return locked


def _create_actors(conn: Connection, keys: Collection[str]) -> list[sa.Row[Any]]:
    """Insert actors that have no row yet, to lock: it happens once an account.

    Somebody else may be inserting the same one, and an insert waits for that one's commit.
    So it gives up at once, and these messages are left for the next round.
    """
    blank = {"email": "", "phone": "", "account": "", "doc": {}}
    rows = [{"slice": slice_of(key), "key": key, **blank} for key in sorted(keys)]
    create = insert(conn, _actor).values(rows).on_conflict_do_nothing().returning(_actor)
    if not is_postgres(conn):
        return list(conn.execute(create))
    try:
        with conn.begin_nested():
            conn.execute(sa.text(f"SET LOCAL lock_timeout = '{_INSERT_MS_MAX}ms'"))
            created = list(conn.execute(create))
            conn.execute(sa.text("SET LOCAL lock_timeout TO DEFAULT"))
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        return []
    return created
