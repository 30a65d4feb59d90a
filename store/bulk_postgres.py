"""The hot statements on Postgres: each does everything in one round trip, fed arrays of rows.

Rows come as JSON, their documents beside it as an array of text: within the JSON Postgres would
read a document three times over, which was a sixth of all it did. Statements with such arrays go
straight to the driver, whose `%b` sends them in binary; as text, quoting costs more than it saves.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from store import sql_postgres as sql
from store.driver import fetch
from store.rows import COLUMNS, Accepted, Loaded, Writes, share_of

_NUL = r"\u0000"


def accept(conn: sa.Connection, offered: Accepted) -> set[int]:
    """Store events not seen before and return their places in the list offered."""
    events, docs = _apart("event", offered.events)
    given = {
        "event": events,
        "event_doc": docs,
        "actors": _json(
            dict(zip(("place", "slice", "actor"), row, strict=True)) for row in offered.actors
        ),
        "consents": _json(
            dict(zip(("place", *COLUMNS["consent"]), row, strict=True)) for row in offered.consents
        ),
    }
    return {place for (place,) in fetch(conn, sql.ACCEPT, given)}


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
    given: dict[str, Any] = {}
    for table, rows in writes.rows.items():
        if rows and table in sql.WITH_DOC:
            given[table], given[f"{table}_doc"] = _apart(table, rows)
        elif rows:
            given[table] = _json(dict(zip(sql.SHORT[table], row, strict=True)) for row in rows)
    if writes.handled:
        given["handled"] = _json({"slice": s, "seq": seq} for s, seq in writes.handled)
    if writes.timers_gone:
        given["timers_gone"] = _json({"slice": s, "key": key} for s, key in writes.timers_gone)
    parts = frozenset(name for name in given if name in sql.WRITES)
    fetch(conn, sql.write(parts), {**given, "slices": writes.slices})


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps(list(rows)).decode()


def _apart(table: str, rows: Iterable[Sequence[Any]]) -> tuple[str, list[str]]:
    """Return rows as JSON without their documents, and the documents."""
    names, doc = sql.SHORT[table], sql.WITH_DOC[table]
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    docs = [orjson.dumps(row.pop(doc)).decode() for row in listed]
    if any(_NUL in each and _NUL in each.replace(r"\\", "") for each in docs):
        # `json` would hold it, and no query could ever look inside again.
        raise UnicodeError("Unicode NUL, which no document can hold on Postgres")
    return orjson.dumps(listed).decode(), docs
