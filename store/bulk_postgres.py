"""The hot statements on Postgres: each does everything in one round trip, fed arrays of rows.

Rows come as arrays, one a column: Postgres takes half as long for them as for a JSON array of
objects. Documents are sent in binary (the driver's `%b`), since as text most of what they hold
would have to be quoted once more.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from store import sql_postgres as sql
from store.driver import fetch
from store.keys import refuse_revoked
from store.rows import COLUMNS, Accepted, Loaded, Row, Writes, share_of
from store.types import as_json

_NUL = r"\u0000"
_NO_NUL = "Unicode NUL, which no text can hold on Postgres"


def accept(conn: sa.Connection, offered: Accepted) -> set[int]:
    """Store events not seen before and return their places in the list offered.

    Raises:
        RevokedKeysError: A key of theirs was revoked; nothing is stored.
    """
    places, slices, actors = zip(*offered.actors, strict=True)
    given = {
        **_arrays("event", offered.events),
        "keys": _array(offered.keys),
        "places": _array(places),
        "slices": _array(slices),
        "actors": _array(actors),
        "consents": _json(
            dict(zip(("place", *COLUMNS["consent"]), row, strict=True)) for row in offered.consents
        ),
    }
    rows = fetch(conn, sql.ACCEPT, given)
    refuse_revoked(name for _, name in rows if name is not None)
    return {place for place, _ in rows}


def left_over(conn: sa.Connection, slices: Collection[int], now: datetime) -> list[int]:
    """Return which of these slices have input, when a drain has let them go."""
    return [slice_ for (slice_,) in fetch(conn, sql.WAITING, {"slices": list(slices), "now": now})]


def begin_try(
    conn: sa.Connection, want: Collection[int], now: datetime, limit: int, most: int
) -> list[int]:
    """Count a try, up to `most`, of free slices with input, those waiting longest first."""
    given = {**_claim(want, now, limit), "most": most}
    return [slice_ for (slice_,) in fetch(conn, sql.BEGIN_TRY, given)]


def lock_slices(conn: sa.Connection, want: Collection[int], now: datetime, limit: int) -> list[int]:
    """Lock free slices that have input, those waiting longest first."""
    return [slice_ for (slice_,) in fetch(conn, sql.HEADS, _claim(want, now, limit))]


def _claim(want: Collection[int], now: datetime, limit: int) -> dict[str, Any]:
    return {"slices": list(want), "now": now, "limit": limit}


def read(
    conn: sa.Connection,
    slices: Collection[int],
    now: datetime,
    limit: int,
    without: Collection[str],
) -> Loaded:
    """Read the next inputs of locked slices, some actors' left out, and their actors' state."""
    share = share_of(limit, len(slices))
    given: dict[str, Any] = {"slices": list(slices), "now": now, "limit": limit, "share": share}
    given["without"] = list(without)
    rows = fetch(conn, sql.READ, given)
    loaded = {kind: orjson.loads(text) if text else [] for kind, text in rows}
    return Loaded(
        tries=dict(loaded["tries"]),
        inputs=loaded["input"],
        actors=loaded["actor"],
        accounts=loaded["account"],
        values={table: loaded[table] for table in sql.STATES},
    )


def write(conn: sa.Connection, writes: Writes) -> None:
    """Write everything."""
    given: dict[str, Any] = {"slices": writes.slices}
    parts = {table for table, rows in writes.rows.items() if rows}
    for table in parts:
        given |= _arrays(table, writes.rows[table])
    if writes.handled:
        parts.add("handled")
        given["handled"] = _json({"slice": s, "seq": seq} for s, seq in writes.handled)
    if writes.timers_gone:
        parts.add("timers_gone")
        given["timers_gone"] = _json({"slice": s, "key": key} for s, key in writes.timers_gone)
    fetch(conn, sql.write(frozenset(parts)), given)


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return as_json(list(rows))


def _arrays(table: str, rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return rows column by column, as `sql_postgres` names them."""
    plain: list[str] = []
    given = {table: plain}
    for name, values in zip(COLUMNS[table], zip(*rows, strict=True), strict=True):
        if name in sql.DOCUMENTS[table]:
            given[f"{table}_{name}"] = _documents(values)
        else:
            plain.append(_array(values))
    return given


def _documents(texts: Sequence[str]) -> list[str]:
    if any(_NUL in each and _NUL in each.replace(r"\\", "") for each in texts):
        # `json` would hold it, and no query could ever look inside again.
        raise UnicodeError(_NO_NUL)
    return list(texts)


def _array(values: Sequence[Any]) -> str:
    """Return an array as Postgres writes it: like JSON's, but for braces and what is escaped."""
    text = as_json(values)[1:-1]
    if "\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
    return f"{{{text}}}"


def _unescaped(found: re.Match[str]) -> str:
    """Return what JSON says by an escape, in Postgres's words: any character may stand there."""
    char: str = orjson.loads(f'"{found[0]}"')
    if char == "\0":
        raise UnicodeError(_NO_NUL)
    return rf"\{char}" if char in _QUOTED else char


_QUOTED = '"\\'
_ESCAPED = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
