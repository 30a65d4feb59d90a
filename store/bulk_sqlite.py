"""The hot statements on SQLite: one writer, so reading first and writing then is safe."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from store import sql_sqlite as sql
from store.driver import fetch, run_many
from store.keys import refuse_revoked, revoked
from store.rows import (
    ABSORBED,
    COLUMNS,
    NUMBERED,
    OPEN_ASKS,
    OWNED,
    Accepted,
    Loaded,
    Row,
    Writes,
    account_key,
    columns_of,
    loaded_columns,
    share_of,
)
from store.types import UTCDateTime, as_json, sortable
from workflows.state import slice_of

_NOWHERE = -1
"""A slice that is none."""
_STATUS_PLACE = COLUMNS["ask"].index("status")


def accept(conn: sa.Connection, offered: Accepted) -> set[int]:
    """Store events not seen before and return their places in the list offered.

    Raises:
        RevokedKeysError: A key of theirs was revoked; nothing is stored.
    """
    refuse_revoked(revoked(conn, offered.keys) if offered.keys else ())
    fresh = _not_seen(conn, offered.events)
    inbox: list[Row] = []
    for place, slice_, actor in offered.actors:
        if place in fresh:
            event = offered.events[place]
            inbox.append((slice_, actor, *event[-2:]))
    events = [offered.events[place] for place in sorted(fresh)]
    if events:
        first = _numbers(conn, len(events) + len(inbox))
        _insert_numbered(conn, "event", events, first)
        _insert_numbered(conn, "inbox", inbox, first + len(events))
    consents = [row[1:] for row in offered.consents if row[0] in fresh]
    run_many(conn, sql.CONSENT, _adapt("consent", consents))
    return fresh


def _not_seen(conn: sa.Connection, events: Sequence[Row]) -> set[int]:
    """Return the places of events that no event in the database or before them equals."""
    keys = [event[:4] for event in events]  # slice, source, id, natural key
    rows = _all(conn, sql.SEEN, as_json(keys), as_json(keys))
    seen = {(row[0], row[1], row[2], row[3]) for row in rows}
    fresh = set()
    for place, (slice_, source, id_, natural_key) in enumerate(keys):
        names = {(slice_, source, "id", id_)}
        if natural_key:
            names.add((slice_, source, "natural key", natural_key))
        if seen.isdisjoint(names):
            fresh.add(place)
            seen |= names
    return fresh


def left_over(conn: sa.Connection, slices: Collection[int], now: datetime) -> list[int]:
    """Return nothing: who wants a slice waits for the write lock, and nobody is turned away."""
    del conn, slices, now
    return []


def begin_try(
    conn: sa.Connection, want: Collection[int], now: datetime, limit: int, most: int
) -> list[int]:
    """Count a try, up to `most`, of slices that have input, those waiting longest first."""
    slices = lock_slices(conn, want, now, limit)
    run_many(conn, sql.COUNT_TRY, [(most, slice_) for slice_ in slices])
    return slices


def lock_slices(conn: sa.Connection, want: Collection[int], now: datetime, limit: int) -> list[int]:
    """Return slices that have input, those waiting longest first; the write lock is the lock."""
    rows = _all(conn, sql.HEADS, sortable(now), as_json(list(want)))
    heads = [(min(filter(None, row[1:])), row[0]) for row in rows if row[1] or row[2]]
    return [slice_ for _, slice_ in sorted(heads)[:limit]]


def read(
    conn: sa.Connection,
    slices: Collection[int],
    now: datetime,
    limit: int,
    without: Collection[str],
) -> Loaded:
    """Read the next inputs of slices, some actors' left out, and the state of their actors."""
    tries = {row[0]: row[1] for row in _all(conn, sql.TRIES, as_json(list(slices)))}
    inputs = _inputs(conn, slices, now, limit, without)
    who = as_json(list({(row[0], row[1]) for row in inputs}))
    actors = _all(conn, sql.ACTORS, who)
    return Loaded(
        tries=tries,
        inputs=inputs,
        actors=[[row[0], orjson.loads(row[2])] for row in actors],
        accounts=_accounts(conn, inputs, {row[0]: row[1] for row in actors}),
        values={table: _load(conn, table, who) for table in sql.STATES},
    )


def _inputs(
    conn: sa.Connection,
    slices: Collection[int],
    now: datetime,
    limit: int,
    without: Collection[str],
) -> list[list[Any]]:
    """Return the next events and due timers, a share of each slice, oldest first."""
    if not slices:
        return []
    share = share_of(limit, len(slices))
    places = [*slices, *[_NOWHERE] * (sql.padded(len(slices)) - len(slices))]
    others, leave = bool(without), [as_json(sorted(without))] if without else []
    ends: list[Any] = [value for slice_ in places for value in (slice_, *leave, share)]
    events = _all(conn, sql.queued(len(places), others=others), *ends, limit)
    last = {row[0]: row[1] for row in events}  # in order of seq: the last one stays
    text = sortable(now)
    ends = [v for s in places for v in (s, text, *leave, last.get(s, 0), share)]
    timers = _all(conn, sql.due(len(places), others=others), *ends, limit)
    # since when it waits, timers after events of the same instant, seq, key
    found = [(at, 0, row[1], "", row[0], row[2], row[4], row[3]) for row, at in _since(events)]
    found += [(row[3], 1, 0, row[1], row[0], row[2], None, row[3]) for row in timers]
    found.sort(key=lambda row: row[:4])
    return [
        [slice_, actor, at, seq, key, doc and orjson.loads(doc)]
        for _, _, seq, key, slice_, actor, doc, at in found[:limit]
    ]


def _since(events: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    """Give events with since when they wait: of a slice none is picked before an earlier one.

    Whatever the clocks of those who accepted them said.
    """
    earliest: dict[int, str] = {}
    for row in reversed(events):
        earliest[row[0]] = at = min(row[3], earliest.get(row[0], row[3]))
        yield row, at


def _accounts(
    conn: sa.Connection, inputs: list[list[Any]], known: dict[str, str]
) -> list[list[Any]]:
    """Return the accounts of actors: their own, or else the first that an event names."""
    account_of = {actor: account for actor, account in known.items() if account}
    for _, actor, _, _, _, doc in inputs:
        account = doc and doc.get("account")
        if account:
            account_of.setdefault(actor, account)
    keys = {actor: account_key(account) for actor, account in account_of.items()}
    who = as_json([(slice_of(key), key) for key in set(keys.values())])
    docs = {row[0]: row[2] for row in _all(conn, sql.ACTORS, who)}
    return [[actor, orjson.loads(docs[key])] for actor, key in keys.items() if key in docs]


def _load(conn: sa.Connection, table: str, who: str) -> list[list[Any]]:
    rows = [list(row) for row in _all(conn, sql.STATES[table], who)]
    if loaded_columns(table)[-1] == "doc":
        for row in rows:
            row[-1] = orjson.loads(row[-1])
    return rows


def write(conn: sa.Connection, writes: Writes) -> None:
    """Write everything, a statement a table."""
    run_many(conn, sql.delete("inbox", "slice", "seq"), writes.handled)
    run_many(conn, sql.delete("timer", "slice", "key"), writes.timers_gone)
    rows = writes.rows
    asks = rows.get("ask", [])
    # A contact has one open ask at most: what is closed makes room for what is opened.
    asks.sort(key=lambda row: row[_STATUS_PLACE] in OPEN_ASKS)
    for table in (*OWNED, *ABSORBED):
        if rows.get(table):
            run_many(conn, sql.INSERTS[table], _adapt(table, rows[table]))
    run_many(conn, sql.CONSENT, _adapt("consent", rows.get("consent", ())))
    append(conn, {table: rows[table] for table in NUMBERED if table in rows})
    if writes.slices:
        fetch(conn, sql.RESET, (as_json(writes.slices),))


def append(conn: sa.Connection, rows: dict[str, list[Row]]) -> None:
    """Insert rows into tables that are numbered as they are written; no rows are no statement."""
    count = sum(map(len, rows.values()))
    if not count:
        return
    first = _numbers(conn, count)
    for table, listed in rows.items():
        _insert_numbered(conn, table, listed, first)
        first += len(listed)


def _numbers(conn: sa.Connection, count: int) -> int:
    """Take `count` numbers of the sequence and return the first of them."""
    ((following,),) = fetch(conn, sql.NUMBERS, (count,))
    first: int = following - count
    return first


def _insert_numbered(conn: sa.Connection, table: str, rows: Iterable[Row], first: int) -> None:
    adapted = _adapt(table, rows)
    numbered = [(*row, seq) for seq, row in enumerate(adapted, start=first)]
    run_many(conn, sql.insert(table, (*COLUMNS[table], "seq")), numbered)


def _all(conn: sa.Connection, statement: str, *given: object) -> Sequence[Any]:
    return fetch(conn, statement, given)


def _adapt(table: str, rows: Iterable[Row]) -> list[Row]:
    """Return rows as SQLite stores them: instants as text."""
    places = _INSTANTS[table]
    adapted: list[Row] = []
    for row in rows:
        values = list(row)
        for place in places:
            at = values[place]
            if at is not None:
                values[place] = sortable(at)
        adapted.append(values)
    return adapted


_INSTANTS = {
    table: [place for place, name in enumerate(columns) if name in columns_of(table, UTCDateTime)]
    for table, columns in COLUMNS.items()
}
