"""Take due messages, with all that the guard asks about, under locks that nobody waits for."""

# ruff: noqa: S608 - a statement is put together from two constants of this module

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, insert, is_postgres, table_of
from store.erasure import Fingerprint, no_fingerprints
from store.outbox import CLAIM_MAX, HORIZON, Claim, Claimed, Status
from store.outbox_context import (
    actors_in,
    ask_statuses,
    other_actors,
    recipients,
    runs_of,
    with_accounts,
)
from store.rows import account_key
from store.tables import ActorRow, OutboxRow
from store.types import UTCDateTime
from workflows.state import slice_of
from workflows.steps.calling import is_call
from workflows.syncs import is_sync

_outbox = table_of(OutboxRow)
_actor = table_of(ActorRow)

CLAIMERS_AT_ONCE = 16
"""How many claimers find messages of their own at the same time."""

_INSERT_MS_MAX = 5
_LOCK_NOT_AVAILABLE = "55P03"

_FIRST_OF_SLICE = """
  FROM outbox i WHERE i.slice = s.value AND i.status = 'pending' AND i.due_at <= :now
  ORDER BY i.due_at LIMIT :of_each
"""
_HEADS_SQL = {
    "postgresql": f"""
SELECT h.slice, h.key FROM unnest(CAST(:slices AS integer[])) s(value)
CROSS JOIN LATERAL (SELECT i.slice, i.key, i.due_at {_FIRST_OF_SLICE}) h
ORDER BY h.due_at, h.key LIMIT :of_all
""",
    "sqlite": f"""
SELECT o.slice, o.key FROM json_each(:slices) s
CROSS JOIN outbox o ON o.rowid IN (SELECT i.rowid {_FIRST_OF_SLICE})
ORDER BY o.due_at, o.key LIMIT :of_all
""",
}
_HEADS = {
    dialect: sa.text(sql).bindparams(sa.bindparam("now", type_=UTCDateTime()))
    for dialect, sql in _HEADS_SQL.items()
}

COLUMNS = [_outbox.c[name.rstrip("_")].label(name) for name in Claimed.__slots__]
"""What a `Claimed` is made from, under its names."""


def claimed(row: sa.Row[Any]) -> Claimed:
    """Return a row of `COLUMNS` as a value."""
    values = row._asdict()
    return Claimed(**{**values, "by": tuple(values["by"])})


def due(
    conn: Connection, *, now: datetime, slices: Collection[int] | None = None, limit: int = 100
) -> list[str]:
    """Return the keys of up to `limit` messages due longest, the oldest planned of them first."""
    return list(conn.scalars(_due(conn, [_outbox.c.key], now, slices, of_each=limit, of_all=limit)))


def claim(
    conn: Connection,
    *,
    now: datetime,
    limit: int = 10,
    slices: Collection[int] | None = None,
    horizon: timedelta = HORIZON,
    fingerprint: Fingerprint = no_fingerprints,
) -> Claim:
    """Return up to `limit` messages due longest; they are ours until the transaction ends.

    Messages first, so that two claimers never reach for the same ones; then the actors of
    their contacts and accounts, so that no other claim can count in the same caps and the
    histories read afterwards are complete. Every lock is taken with `SKIP LOCKED`, so that
    there is nothing to wait for and no deadlock: what somebody else holds is left for the
    next round. Nothing is changed but that an account without a row gets one, to lock.

    At most ten statements, whatever the limit, and a few more when an account is met for
    the first time. On SQLite the transaction has the write lock from its start, and there is
    nothing more to lock.
    """
    limit = min(limit, CLAIM_MAX)
    wanted = _due(conn, COLUMNS, now, slices, of_each=2 * limit, of_all=CLAIMERS_AT_ONCE * limit)
    rows = conn.execute(wanted.limit(limit).with_for_update(of=_outbox, skip_locked=True))
    candidates = [claimed(row) for row in rows]
    if not candidates:
        return Claim()
    locked = _lock_actors(conn, candidates)
    messages = tuple(each for each in candidates if all(key in locked for key in _lockable([each])))
    if not messages:
        return Claim(left=len(candidates))
    runs = runs_of(conn, messages)
    letters = [each for each in messages if not _is_outward(each)]
    told = with_accounts(conn, {each.actor for each in messages if is_sync(each.to)})
    if not letters:
        left = len(candidates) - len(messages)
        return Claim(messages=messages, runs=runs, actors=told, left=left)
    return Claim(
        messages=messages,
        recipients=recipients(conn, letters, locked, since=now - horizon, fingerprint=fingerprint),
        runs=runs,
        asks=ask_statuses(conn, letters),
        actors=told | other_actors(conn, letters, runs.values(), locked),
        left=len(candidates) - len(messages),
    )


def _due(
    conn: Connection,
    columns: Sequence[sa.ColumnElement[Any]],
    now: datetime,
    slices: Collection[int] | None,
    *,
    of_each: int,
    of_all: int,
) -> sa.Select[Any]:
    """Return a select of due messages: the first of each slice, then the first of those.

    A slice's first are the head of its index, so that a slot at which a hundred thousand
    messages come due costs no more than a quiet hour. Sorting those of one instant by key
    would cost just that, so they come as the index has them: as they were written.
    """
    chosen = sorted(ALL_SLICES if slices is None else slices)
    heads = _HEADS[conn.dialect.name].bindparams(
        slices=chosen if is_postgres(conn) else orjson.dumps(chosen).decode(),
        now=now,
        of_each=of_each,
        of_all=of_all,
    )
    head = heads.columns(slice=sa.Integer, key=sa.String).subquery("head")
    return (
        sa.select(*columns)
        .join(head, sa.and_(_outbox.c.slice == head.c.slice, _outbox.c.key == head.c.key))
        .where(_outbox.c.status == Status.PENDING, _outbox.c.due_at <= now)
        .order_by(_outbox.c.planned_at, _outbox.c.key)
    )


def _is_outward(message: Claimed) -> bool:
    """Tell whether no person gets it: a call, or what another system is told."""
    return is_call(message.to) or is_sync(message.to)


def _lockable(messages: Iterable[Claimed]) -> set[str]:
    """Return whose rows bind these messages. Colleagues and endpoints have no row to lock."""
    keys = {account_key(each.account) for each in messages if each.account}
    people = (each.to for each in messages if not _is_outward(each))
    return keys | {to for to in people if not to.startswith("staff/")}


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
