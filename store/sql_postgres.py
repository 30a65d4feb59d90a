"""Postgres's statements of the hot path, put together from the names of our own tables.

Data-modifying CTEs of one statement see the same snapshot and run in no order one may
count on; no two of them touch the same row.
"""

# ruff: noqa: S608

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count

import sqlalchemy as sa

from store.rows import (
    ABSORBED,
    AGAIN,
    COLUMNS,
    CONSTANTS,
    KEYS,
    NUMBERED,
    OWNED,
    TABLES,
    columns_of,
    loaded_columns,
)
from store.types import Json

STATES = {
    "run": "status = 'live'",
    "ask": "status in ('pending', 'open')",
    "task": "status = 'open'",
    "timer": "true",
    "consent": "true",
}


def _quoted(names: Iterable[str], alias: str = "") -> str:
    return ", ".join(alias + _DIALECT.identifier_preparer.quote(name) for name in names)


def _type_of(table: str, name: str) -> str:
    kind = TABLES[table].c[name].type.compile(_DIALECT)
    return _BRIEF.get(kind, kind)


def _given(name: str, table: str, columns: Sequence[str], extra: str = "") -> str:
    """Return a JSON array's rows, with the columns' types."""
    typed = ", ".join(f"{_quoted([n])} {_type_of(table, n)}" for n in columns)
    return f"json_to_recordset(cast(%({name})s AS json)) AS g({extra}{typed})"


def _rows(table: str) -> str:
    """Return the rows given for a table: an array a column, all but documents in one array.

    A parameter a column would be eighty of them, and the driver remembers no statement of more
    than fifty, or of more than 4,096 characters.
    """
    place = count(1)
    arrays = ", ".join(
        f"%({table}_{n})b::json[]"
        if n in DOCUMENTS[table]
        else f"a[{next(place)}]::{_type_of(table, n)}[]"
        for n in COLUMNS[table]
    )
    return f"(SELECT %({table})b::text[] AS a) one, unnest({arrays})"


def _insert(table: str, numbered: str = "") -> str:
    same = CONSTANTS.get(table, {})
    columns = _quoted((*COLUMNS[table], *same, *(["seq"] if numbered else [])))
    values = ", ".join(["g.*", *same.values(), *([numbered] if numbered else [])])
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {_rows(table)} g"


def _upsert(table: str) -> str:
    insert = _insert(table)
    if table == "ask":
        # A contact has one open ask at most: what is closed makes room for what is opened.
        insert += f"({_quoted(COLUMNS[table])}) ORDER BY status IN ('pending', 'open')"
    return f"{insert} {_replace(table)}"


def _replace(table: str) -> str:
    changes = ", ".join(
        f"{name} = excluded.{name}"
        for name in map(_DIALECT.identifier_preparer.quote, COLUMNS[table])
        if name not in KEYS[table]
    )
    return f"ON CONFLICT ({_quoted(KEYS[table])}) DO UPDATE SET {changes}"


def _delete(name: str, table: str, key: str) -> str:
    source = _given(name, table, ("slice", key))
    return f"DELETE FROM {table} t USING {source} WHERE t.slice = g.slice AND t.{key} = g.{key}"


@lru_cache(maxsize=1024)
def write(parts: frozenset[str]) -> str:
    """Return the statement that writes these parts: planning those it lacks would cost time."""
    ctes = [f"w_{part} AS ({WRITES[part]})" for part in sorted(parts)]
    head = f"WITH {', '.join(ctes)} " if ctes else ""
    mine = "slice = ANY(cast(%(slices)s AS int[])) AND tries <> 0"
    return f"{head}UPDATE slice SET tries = 0 WHERE {mine}"


_BRIEF = {
    "INTEGER": "int",
    "VARCHAR": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "BOOLEAN": "bool",
}
_DIALECT = sa.create_engine("postgresql+psycopg://").dialect
DOCUMENTS = {table: columns_of(table, Json) for table in COLUMNS}
_NEWER = "WHERE (excluded.at, NOT excluded.granted) > (consent.at, NOT consent.granted)"
WRITES = (
    {table: _upsert(table) for table in OWNED}
    | {
        table: f"{_insert(table)} ON CONFLICT {AGAIN.get(table, 'DO NOTHING')}"
        for table in ABSORBED
    }
    | {table: _insert(table, "nextval('vouch_seq')") for table in NUMBERED}
    | {
        "consent": f"{_upsert('consent')} {_NEWER}",
        "handled": _delete("handled", "inbox", "seq"),
        "timers_gone": _delete("timers_gone", "timer", "key"),
    }
)

_EVENT = _quoted(COLUMNS["event"])
_CONSENT = _quoted(COLUMNS["consent"])
# With a key among theirs that was revoked, nothing of it enters, and whoever asks hears its name.
ACCEPT = f"""
WITH gone AS MATERIALIZED (
  SELECT name FROM api_key
  WHERE revoked_at IS NOT NULL AND name = ANY(cast(%(keys)s AS text[]))
), given AS MATERIALIZED (
  SELECT place - 1 AS place, {_EVENT}, nextval('vouch_seq') AS seq
  FROM {_rows("event")} WITH ORDINALITY AS g({_EVENT}, place)
  WHERE NOT EXISTS (SELECT FROM gone)
), fresh AS (
  INSERT INTO event ({_EVENT}, seq) SELECT {_EVENT}, seq FROM given ORDER BY seq
  ON CONFLICT DO NOTHING RETURNING seq
), accepted AS MATERIALIZED (
  SELECT place, arrived, doc FROM given JOIN fresh USING (seq)
), listed AS (
  INSERT INTO inbox (slice, seq, actor, accepted_at, doc)
  SELECT slice, nextval('vouch_seq'), actor, arrived, doc FROM (
    SELECT a.slice, a.actor, accepted.arrived, accepted.doc
    FROM unnest(
      cast(%(places)s AS int[]), cast(%(slices)s AS int[]), cast(%(actors)s AS text[])
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
SELECT place, NULL FROM accepted UNION ALL SELECT NULL, name FROM gone
"""

WAITING = """
SELECT s.slice FROM slice s CROSS JOIN LATERAL (SELECT least(
  (SELECT i.accepted_at FROM inbox i WHERE i.slice = s.slice ORDER BY i.seq LIMIT 1),
  (SELECT t.due_at FROM timer t WHERE t.slice = s.slice AND t.due_at <= %(now)s
   ORDER BY t.due_at LIMIT 1)
) AS since) head
WHERE s.slice = ANY(cast(%(slices)s AS int[])) AND head.since IS NOT NULL
"""
HEADS = f"{WAITING} ORDER BY head.since LIMIT %(limit)s FOR NO KEY UPDATE OF s SKIP LOCKED"
# Its own commit need not wait for the disk: it counts deaths of processes, not of machines.
BEGIN_TRY = f"""
WITH free AS MATERIALIZED ({HEADS}),
  quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE slice SET tries = greatest(tries, least(tries + 1, cast(%(most)s AS int)))
FROM free, quick WHERE slice.slice = free.slice
RETURNING slice.slice
"""

# Of a slice no event is picked before one with a lower `seq`, whatever the clocks of those who
# accepted them said: that one waits at least since this one does.
# A timer waits for the inbox rows that its actor accepted before it was due; those in this
# batch (up to the last `seq` of its slice) are handled before it. OFFSET 0 keeps the
# planner from turning the look-up of a few hundred actors into a scan of everybody's runs.
_INPUTS = """
chosen AS (SELECT unnest(cast(%(slices)s AS int[])) AS slice),
queued AS MATERIALIZED (
  SELECT i.*, min(i.accepted_at) OVER (PARTITION BY i.slice ORDER BY i.seq DESC) AS since
  FROM chosen CROSS JOIN LATERAL (
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
    SELECT slice, actor, accepted_at AS at, since, 0 AS late, seq, '' AS key, doc FROM queued
    UNION ALL SELECT slice, actor, due_at, due_at, 1, 0, key, NULL FROM due
  ) every ORDER BY since, late, seq, key COLLATE "C" LIMIT %(limit)s
)"""


def _state(table: str, condition: str) -> str:
    columns = _quoted(loaded_columns(table), "r.")
    return (
        f"SELECT '{table}', cast(json_agg(json_build_array({columns})) AS text)"
        f' FROM who CROSS JOIN LATERAL (SELECT * FROM "{table}" t'
        f" WHERE t.slice = who.slice AND t.actor = who.actor AND {condition} OFFSET 0) r"
    )


READ = f"""
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
SELECT 'input', cast(json_agg(json_build_array(slice, actor, at, seq, key, doc)
  ORDER BY since, late, seq, key COLLATE "C") AS text)
FROM picked
UNION ALL
SELECT 'actor', cast(json_agg(json_build_array(actor, doc)) AS text)
FROM own WHERE doc IS NOT NULL
UNION ALL
SELECT 'account', cast(json_agg(json_build_array(own.actor, r.doc)) AS text)
FROM own CROSS JOIN LATERAL (
  SELECT doc FROM actor a WHERE a.key NOT LIKE 'contact/%%' AND a.key =
    CASE WHEN own.account LIKE 'account/%%' THEN own.account
    ELSE 'account/' || own.account END OFFSET 0
) r
UNION ALL {" UNION ALL ".join(_state(table, condition) for table, condition in STATES.items())}
"""
