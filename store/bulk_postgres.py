"""The hot statements on Postgres: each does everything in one round trip, fed arrays of rows.

Rows come as JSON, their documents beside it as an array of text: within the JSON Postgres would
read a document three times over, which was a sixth of all it did. Statements with such arrays go
straight to the driver, whose `%b` sends them in binary; as text, quoting costs more than it saves.

Data-modifying CTEs of one statement see the same snapshot and run in no order one may
count on; no two of them touch the same row.
"""

# ruff: noqa: S608 - the statements are put together from the names of our own tables

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from string import ascii_lowercase
from typing import Any

import orjson
import sqlalchemy as sa

from store.driver import fetch
from store.rows import (
    ABSORBED,
    COLUMNS,
    CONSTANTS,
    KEYS,
    NUMBERED,
    OWNED,
    TABLES,
    Accepted,
    Loaded,
    Writes,
    loaded_columns,
    share_of,
)

_NUL = r"\u0000"
_STATES = {
    "run": "status = 'live'",
    "ask": "status in ('pending', 'open')",
    "task": "status = 'open'",
    "timer": "true",
    "consent": "true",
}


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
    return {place for (place,) in fetch(conn, _ACCEPT, given)}


def left_over(conn: sa.Connection, slices: Collection[int], now: datetime) -> list[int]:
    """Return which of these slices have input, when a drain has let them go."""
    return [slice_ for (slice_,) in fetch(conn, _WAITING, {"slices": list(slices), "now": now})]


def begin_try(
    conn: sa.Connection, want: Collection[int], now: datetime, limit: int, most: int
) -> list[int]:
    """Count a try, up to `most`, of free slices with input, those waiting longest first."""
    given = {**_claim(want, now, limit), "most": most}
    return [slice_ for (slice_,) in fetch(conn, _BEGIN_TRY, given)]


def lock_slices(conn: sa.Connection, want: Collection[int], now: datetime, limit: int) -> list[int]:
    """Lock free slices that have input, those waiting longest first."""
    return [slice_ for (slice_,) in fetch(conn, _HEADS, _claim(want, now, limit))]


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
    rows = fetch(conn, _READ, given)
    loaded = {kind: orjson.loads(text) if text else [] for kind, text in rows}
    return Loaded(
        tries=dict(loaded["tries"]),
        inputs=loaded["input"],
        actors=loaded["actor"],
        accounts=loaded["account"],
        values={table: loaded[table] for table in _STATES},
    )


def write(conn: sa.Connection, writes: Writes) -> None:
    """Write everything."""
    given: dict[str, Any] = {}
    for table, rows in writes.rows.items():
        if rows and table in _WITH_DOC:
            given[table], given[f"{table}_doc"] = _apart(table, rows)
        elif rows:
            given[table] = _json(dict(zip(_SHORT[table], row, strict=True)) for row in rows)
    if writes.handled:
        given["handled"] = _json({"slice": s, "seq": seq} for s, seq in writes.handled)
    if writes.timers_gone:
        given["timers_gone"] = _json({"slice": s, "key": key} for s, key in writes.timers_gone)
    parts = frozenset(name for name in given if name in _WRITES)
    fetch(conn, _write(parts), {**given, "slices": writes.slices})


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps(list(rows)).decode()


def _apart(table: str, rows: Iterable[Sequence[Any]]) -> tuple[str, list[str]]:
    """Return rows as JSON without their documents, and the documents."""
    names, doc = _SHORT[table], _WITH_DOC[table]
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    docs = [orjson.dumps(row.pop(doc)).decode() for row in listed]
    if any(_NUL in each and _NUL in each.replace(r"\\", "") for each in docs):
        # `json` would hold it, and no query could ever look inside again.
        raise UnicodeError("Unicode NUL, which no document can hold on Postgres")
    return orjson.dumps(listed).decode(), docs


def _quoted(names: Iterable[str], alias: str = "") -> str:
    return ", ".join(f'{alias}"{name}"' for name in names)


def _typed(table: str, *names: str) -> str:
    """Return columns with their types, as a JSON array's own columns are declared."""
    types = {c.name: c.type.compile(_DIALECT) for c in TABLES[table].c}
    return ", ".join(f'"{name}" {types[name]}' for name in names)


def _given(name: str, table: str, columns: Sequence[str], extra: str = "") -> str:
    return f"json_to_recordset(cast(%({name})s AS json)) AS g({extra}{_typed(table, *columns)})"


def _rows(table: str) -> str:
    """Return the rows given for a table: their columns have names of a letter or two.

    Their names stand in the JSON once a row, and would be half of what is sent.
    """
    types = {c.name: c.type.compile(_DIALECT) for c in TABLES[table].c}
    doc = _WITH_DOC.get(table)
    names = zip(_SHORT[table], COLUMNS[table], strict=True)
    columns = ", ".join(f'"{short}" {types[name]}' for short, name in names if short != doc)
    rows = f"json_to_recordset(cast(%({table})s AS json)) AS"
    if doc is None:
        return f"{rows} g({columns})"
    order = _quoted((*(short for short in _SHORT[table] if short != doc), doc))
    docs = f"unnest(cast(%({table}_doc)b AS text[]))"
    return f"ROWS FROM ({rows} ({columns}), {docs}) WITH ORDINALITY AS g({order}, place)"


def _values(table: str) -> str:
    """Return what a table's columns are in the rows given for it."""
    doc = _WITH_DOC.get(table)
    return ", ".join(f'cast("{n}" AS json)' if n == doc else f'"{n}"' for n in _SHORT[table])


def _values_as(table: str) -> str:
    """Return the same under their own names."""
    values = zip(_values(table).split(", "), COLUMNS[table], strict=True)
    return ", ".join(f'{value} AS "{name}"' for value, name in values)


def _insert(table: str, order: str = "") -> str:
    same = CONSTANTS.get(table, {})
    values = ", ".join([_values(table), *same.values()])
    columns = _quoted((*COLUMNS[table], *same))
    return f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM {_rows(table)}{order}'


def _upsert(table: str) -> str:
    # A contact has one open ask at most: what is closed makes room for what is opened.
    status = dict(zip(COLUMNS[table], _SHORT[table], strict=True)).get("status")
    order = f" ORDER BY \"{status}\" IN ('pending', 'open')" if table == "ask" else ""
    return f"{_insert(table, order)} {_replace(table)}"


def _replace(table: str) -> str:
    changes = ", ".join(f'"{n}" = excluded."{n}"' for n in COLUMNS[table] if n not in KEYS[table])
    return f"ON CONFLICT ({_quoted(KEYS[table])}) DO UPDATE SET {changes}"


def _numbered(table: str) -> str:
    names = _quoted(COLUMNS[table])
    return (
        f'INSERT INTO "{table}" ({names}, seq)'
        f" SELECT {_values(table)}, nextval('vouch_seq') FROM {_rows(table)}"
    )


def _delete(name: str, table: str, key: str) -> str:
    source = _given(name, table, ("slice", key))
    return (
        f'DELETE FROM "{table}" t USING {source} WHERE t.slice = g.slice AND t."{key}" = g."{key}"'
    )


@lru_cache(maxsize=1024)
def _write(parts: frozenset[str]) -> str:
    """Return the statement that writes these parts: planning those it lacks would cost time."""
    ctes = [f"w_{part} AS ({_WRITES[part]})" for part in sorted(parts)]
    head = f"WITH {', '.join(ctes)} " if ctes else ""
    mine = "slice = ANY(cast(%(slices)s AS int[])) AND tries <> 0"
    return f"{head}UPDATE slice SET tries = 0 WHERE {mine}"


_DIALECT = sa.create_engine("postgresql+psycopg://").dialect
_LETTERS = tuple(first + last for first in ("", *ascii_lowercase) for last in ascii_lowercase)
_SHORT = {table: _LETTERS[: len(columns)] for table, columns in COLUMNS.items()}
_WITH_DOC = {
    table: short
    for table, columns in COLUMNS.items()
    for short, name in zip(_SHORT[table], columns, strict=True)
    if name == "doc"
}
"""What the document is called in the rows given for a table; without one it is not here."""
_NEWER = "WHERE (excluded.at, NOT excluded.granted) > (consent.at, NOT consent.granted)"
_WRITES = (
    {table: _upsert(table) for table in OWNED}
    | {table: f"{_insert(table)} ON CONFLICT DO NOTHING" for table in ABSORBED}
    | {table: _numbered(table) for table in NUMBERED}
    | {
        "consent": f"{_upsert('consent')} {_NEWER}",
        "handled": _delete("handled", "inbox", "seq"),
        "timers_gone": _delete("timers_gone", "timer", "key"),
    }
)

_EVENT = _quoted(COLUMNS["event"])
_CONSENT = _quoted(COLUMNS["consent"])
_ACCEPT = f"""
WITH given AS MATERIALIZED (
  SELECT place - 1 AS place, {_values_as("event")}, nextval('vouch_seq') AS seq
  FROM {_rows("event")}
), fresh AS (
  INSERT INTO event ({_EVENT}, seq) SELECT {_EVENT}, seq FROM given ORDER BY seq
  ON CONFLICT DO NOTHING RETURNING seq
), accepted AS MATERIALIZED (
  SELECT place, arrived, doc FROM given JOIN fresh USING (seq)
), listed AS (
  INSERT INTO inbox (slice, seq, actor, accepted_at, doc)
  SELECT slice, nextval('vouch_seq'), actor, arrived, doc FROM (
    SELECT a.slice, a.actor, accepted.arrived, accepted.doc
    FROM ROWS FROM (
      json_to_recordset(cast(%(actors)s AS json)) AS (place int, slice int, actor text)
    ) WITH ORDINALITY AS a(place, slice, actor, number)
    JOIN accepted USING (place) ORDER BY a.number
  ) ordered
), consented AS (
  INSERT INTO consent ({_CONSENT})
  SELECT DISTINCT ON (slice, actor, channel, topic) {_CONSENT}
  FROM {_given("consents", "consent", COLUMNS["consent"], "place int, ")}
  JOIN accepted USING (place)
  ORDER BY slice, actor, channel, topic, at DESC, granted
  {_replace("consent")} {_NEWER}
)
SELECT place FROM accepted
"""

_WAITING = """
SELECT s.slice FROM slice s CROSS JOIN LATERAL (SELECT least(
  (SELECT i.accepted_at FROM inbox i WHERE i.slice = s.slice ORDER BY i.seq LIMIT 1),
  (SELECT t.due_at FROM timer t WHERE t.slice = s.slice AND t.due_at <= %(now)s
   ORDER BY t.due_at LIMIT 1)
) AS since) head
WHERE s.slice = ANY(cast(%(slices)s AS int[])) AND head.since IS NOT NULL
"""
_HEADS = f"{_WAITING} ORDER BY head.since LIMIT %(limit)s FOR NO KEY UPDATE OF s SKIP LOCKED"
# Its own commit need not wait for the disk: it counts deaths of processes, not of machines.
_BEGIN_TRY = f"""
WITH free AS MATERIALIZED ({_HEADS}),
  quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE slice SET tries = greatest(tries, least(tries + 1, cast(%(most)s AS int)))
FROM free, quick WHERE slice.slice = free.slice
RETURNING slice.slice
"""

# A timer waits for the inbox rows that its actor accepted before it was due; those in this
# batch (up to the last `seq` of its slice) are handled before it. OFFSET 0 keeps the
# planner from turning the look-up of a few hundred actors into a scan of everybody's runs.
_INPUTS = """
chosen AS (SELECT unnest(cast(%(slices)s AS int[])) AS slice),
queued AS MATERIALIZED (
  SELECT i.* FROM chosen CROSS JOIN LATERAL (
    SELECT * FROM inbox WHERE inbox.slice = chosen.slice
      AND actor <> ALL(cast(%(without)s AS text[])) ORDER BY seq LIMIT %(share)s
  ) i ORDER BY i.seq LIMIT %(limit)s
),
reach AS MATERIALIZED (
  SELECT chosen.slice, coalesce(max(seq), 0) AS last
  FROM chosen LEFT JOIN queued USING (slice) GROUP BY chosen.slice
),
due AS MATERIALIZED (
  SELECT t.* FROM reach CROSS JOIN LATERAL (
    SELECT * FROM timer WHERE timer.slice = reach.slice AND due_at <= %(now)s
      AND actor <> ALL(cast(%(without)s AS text[])) AND NOT EXISTS (
      SELECT FROM inbox i WHERE i.slice = timer.slice AND i.actor = timer.actor
        AND i.accepted_at <= timer.due_at AND i.seq > reach.last
    ) ORDER BY due_at, key COLLATE "C" LIMIT %(share)s
  ) t ORDER BY due_at, key COLLATE "C" LIMIT %(limit)s
),
picked AS MATERIALIZED (
  SELECT * FROM (
    SELECT slice, actor, accepted_at AS at, 0 AS late, seq, '' AS key, doc FROM queued
    UNION ALL SELECT slice, actor, due_at, 1, 0, key, NULL FROM due
  ) every ORDER BY at, late, seq, key COLLATE "C" LIMIT %(limit)s
)"""


def _state(table: str, condition: str) -> str:
    columns = _quoted(loaded_columns(table), "r.")
    return (
        f"SELECT '{table}', cast(json_agg(json_build_array({columns})) AS text)"
        f' FROM who CROSS JOIN LATERAL (SELECT * FROM "{table}" t'
        f" WHERE t.slice = who.slice AND t.actor = who.actor AND {condition} OFFSET 0) r"
    )


_READ = f"""
WITH {_INPUTS},
who AS MATERIALIZED (
  SELECT slice, actor,
    (array_agg(doc ->> 'account' ORDER BY at, seq) FILTER (WHERE doc ->> 'account' <> ''))[1]
    AS named
  FROM picked GROUP BY slice, actor
), own AS MATERIALIZED (
  SELECT who.actor, r.doc, coalesce(nullif(r.account, ''), who.named) AS account
  FROM who LEFT JOIN LATERAL (
    SELECT account, doc FROM actor a WHERE a.slice = who.slice AND a.key = who.actor OFFSET 0
  ) r ON true
)
SELECT 'tries' AS kind, cast(json_agg(json_build_array(slice, tries)) AS text)
FROM slice WHERE slice = ANY(cast(%(slices)s AS int[]))
UNION ALL
SELECT 'input', cast(json_agg(json_build_array(slice, actor, at, seq, key, doc)) AS text)
FROM picked
UNION ALL
SELECT 'actor', cast(json_agg(json_build_array(actor, doc)) AS text)
FROM own WHERE doc IS NOT NULL
UNION ALL
SELECT 'account', cast(json_agg(json_build_array(own.actor, r.doc)) AS text)
FROM own CROSS JOIN LATERAL (
  SELECT doc FROM actor a WHERE a.key NOT LIKE 'contact/%%' AND a.key =
    CASE WHEN own.account LIKE '%%/%%' THEN own.account ELSE 'account/' || own.account END OFFSET 0
) r
UNION ALL {" UNION ALL ".join(_state(table, condition) for table, condition in _STATES.items())}
"""
