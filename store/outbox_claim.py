"""Take due messages, with all that the guard asks about, under locks that nobody waits for."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.contacts import resolve
from store.dialect import ALL_SLICES, insert, is_postgres, table_of
from store.erasure import Fingerprint, no_fingerprints
from store.outbox import CLAIM_MAX, HORIZON, Claim, Claimed, Ref, RunSeen
from store.outbox_context import (
    Known,
    ask_statuses,
    gone_on,
    other_actors,
    places,
    recipients,
    runs_of,
    with_accounts,
)
from store.outbox_sql import CLAIM, DOCS, DUE, LOCK_ACTORS
from store.rows import account_key
from store.tables import ActorRow, OutboxRow
from workflows.state import MOVED, slice_of
from workflows.steps.calling import is_call
from workflows.syncs import is_sync

_outbox = table_of(OutboxRow)
_actor = table_of(ActorRow)

CLAIMERS_AT_ONCE = 16
"""How many claimers find messages of their own at the same time, where many are due."""

OF_SLICE_PART, OF_SLICE_MIN = 4, 8
"""Of one slice a claim looks at a fourth of what it may take, or at so many: there are 64."""

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
    """Return the keys of up to `limit` messages due longest, the oldest planned of them first."""
    rows = DUE.rows(conn, *_due(slices, now, of_each=limit, of_all=limit), limit)
    return [key for _, key in sorted(map(tuple, rows))]


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

    At most eleven statements, whatever the limit, and a few more when an account is met for
    the first time, or for each run that a merge took along. On SQLite the transaction has the
    write lock from its start, and there is nothing more to lock.
    """
    limit = min(limit, CLAIM_MAX)
    candidates = _candidates(conn, now, limit, slices)
    if not candidates:
        return Claim()
    full = len(candidates) == limit
    locked = _lock_actors(conn, candidates)
    remains = _remains(conn, candidates, locked)
    messages = tuple(
        each for each in candidates if all(key in locked for key in _lockable([each], remains))
    )
    if not messages:
        return Claim(left=len(candidates), full=full)
    runs = runs_of(conn, messages)
    messages = _in_turn(messages, runs)
    moved = gone_on(conn, runs)
    letters = [each for each in messages if not _is_outward(each)]
    told = with_accounts(conn, {m.actor for m in messages if is_sync(m.to) or _moved(m, runs)})
    if not letters:
        left = len(candidates) - len(messages)
        return Claim(messages, runs=runs, moved=moved, actors=told, left=left, full=full)
    return Claim(
        messages=messages,
        recipients=recipients(
            conn, letters, locked, remains, since=now - horizon, fingerprint=fingerprint
        ),
        runs=runs,
        moved=moved,
        asks=ask_statuses(conn, letters),
        actors=told | other_actors(conn, letters, (*runs.values(), *moved.values()), locked),
        left=len(candidates) - len(messages),
        full=full,
        remains=remains,
    )


def _remains(
    conn: Connection, messages: Sequence[Claimed], locked: dict[str, Known]
) -> dict[str, str]:
    """Lock whoever remains of recipients that were merged, with their accounts; return who.

    What needs consent is judged by who remains. Nobody is asked where nobody was merged.
    """
    gone = {m.to for m in messages if m.to in locked and "merged_into" in locked[m.to].doc}
    if not gone:
        return {}
    remains = {alias: resolve(conn, alias) for alias in sorted(gone)}
    wanted = set(remains.values()) - set(locked)
    people = [Known(*row) for row in LOCK_ACTORS.rows(conn, places(wanted))] if wanted else []
    locked.update((each.key, each) for each in people)
    firms = {account_key(locked[key].account) for key in remains.values()
             if key in locked and locked[key].account} - set(locked)  # fmt: skip
    if firms:
        locked.update((row[0], Known(*row)) for row in LOCK_ACTORS.rows(conn, places(firms)))
    return remains


def _candidates(
    conn: Connection, now: datetime, limit: int, slices: Collection[int] | None
) -> list[Claimed]:
    """Return messages due longest, locked, oldest planned first.

    A few of each slice are enough where all have some; where few have many, another look
    costs little.
    """
    of_each = max(OF_SLICE_MIN, limit // OF_SLICE_PART)
    found: list[Claimed] = []
    for most in (of_each, 2 * limit):
        due_now = _due(slices, now, of_each=most, of_all=CLAIMERS_AT_ONCE * limit)
        found = [_claimed(row) for row in CLAIM.rows(conn, *due_now, limit)]
        of_slices = Counter(each.slice for each in found)
        if len(found) == limit or max(of_slices.values(), default=0) < of_each:
            break
    return sorted(found, key=lambda each: (each.planned_at, each.key))


def _moved(message: Claimed, runs: Mapping[Ref, RunSeen]) -> bool:
    """Tell whether the message's run went on at another record, and its own may be forgotten."""
    run = runs.get((slice_of(message.actor), message.run))
    return run is not None and run.status == MOVED


def _in_turn(messages: Sequence[Claimed], runs: Mapping[Ref, RunSeen]) -> tuple[Claimed, ...]:
    """Return messages in order of planned time; of one slot's, whose run began first is first.

    Where a cap has room for one of two colleagues, it is whose turn came first, and not
    whose key is lower: people can say who that is before it happens.
    """

    def turn(each: Claimed) -> tuple[datetime, datetime, str]:
        run = runs.get((slice_of(each.actor), each.run))
        return each.planned_at, run.started_at if run else each.planned_at, each.key

    return tuple(sorted(messages, key=turn))


def _due(
    slices: Collection[int] | None, now: datetime, *, of_each: int, of_all: int
) -> tuple[object, ...]:
    """Return the values of `CLAIM` and `DUE`, without their limit."""
    chosen = sorted(ALL_SLICES if slices is None else slices)
    return chosen, now, of_each, of_all, now


def _claimed(row: Sequence[Any]) -> Claimed:
    message = Claimed(*row)
    return replace(message, by=tuple(message.by))


def _is_outward(message: Claimed) -> bool:
    """Tell whether no person gets it: a call, or what another system is told."""
    return is_call(message.to) or is_sync(message.to)


def _lockable(messages: Iterable[Claimed], remains: Mapping[str, str] | None = None) -> set[str]:
    """Return whose rows bind these messages. Colleagues and endpoints have no row to lock."""
    keys = {account_key(each.account) for each in messages if each.account}
    people = {each.to for each in messages if not _is_outward(each)}
    people |= {remains[to] for to in people if to in remains} if remains else set()
    return keys | {to for to in people if not to.startswith("staff/")}


def _lock_actors(conn: Connection, messages: Sequence[Claimed]) -> dict[str, Known]:
    """Lock the actors that bind these messages, as far as they are free."""
    keys = _lockable(messages)
    if not keys:
        return {}
    locked = {row[0]: Known(*row) for row in LOCK_ACTORS.rows(conn, places(keys))}
    if others := keys - set(locked):
        there = {row[0] for row in DOCS.rows(conn, places(others))}
        if missing := others - there:
            locked.update((each.key, each) for each in _create_actors(conn, missing))
    return locked


def _create_actors(conn: Connection, keys: Collection[str]) -> list[Known]:
    """Insert actors that have no row yet, to lock: it happens once an account.

    Somebody else may be inserting the same one, and an insert waits for that one's commit.
    So it gives up at once, and these messages are left for the next round.
    """
    blank = {"email": "", "phone": "", "account": "", "doc": {}}
    rows = [{"slice": slice_of(key), "key": key, **blank} for key in sorted(keys)]
    made = insert(conn, _actor).values(rows).on_conflict_do_nothing()
    create = made.returning(*(_actor.c[name] for name in Known._fields))
    if not is_postgres(conn):
        return [Known(*row) for row in conn.execute(create)]
    try:
        with conn.begin_nested():
            conn.execute(sa.text(f"SET LOCAL lock_timeout = '{_INSERT_MS_MAX}ms'"))
            created = [Known(*row) for row in conn.execute(create)]
            conn.execute(sa.text("SET LOCAL lock_timeout TO DEFAULT"))
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        return []
    return created
