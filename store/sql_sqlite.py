"""SQLite's statements of the hot path, put together from the names of our own tables."""

# ruff: noqa: S608

from collections.abc import Iterable, Sequence
from functools import cache

from store.rows import ABSORBED, AGAIN, COLUMNS, CONSTANTS, KEYS, OWNED, loaded_columns


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def insert(table: str, columns: Sequence[str]) -> str:
    """Return the insert of a row with these columns."""
    same = CONSTANTS.get(table, {})
    values = ", ".join(["?"] * len(columns) + list(same.values()))
    return f'INSERT INTO "{table}" ({_quoted((*columns, *same))}) VALUES ({values})'


def _upsert(table: str) -> str:
    columns = COLUMNS[table]
    changes = ", ".join(f'"{n}" = excluded."{n}"' for n in columns if n not in KEYS[table])
    return f"{insert(table, columns)} ON CONFLICT ({_quoted(KEYS[table])}) DO UPDATE SET {changes}"


def delete(table: str, *key: str) -> str:
    """Return the delete of the row with this key."""
    return f'DELETE FROM "{table}" WHERE ' + " AND ".join(f'"{name}" = ?' for name in key)


def _select(table: str, condition: str = "true") -> str:
    """Return the rows of the actors given as JSON pairs of slice and actor.

    CROSS JOIN fixes SQLite's order of the loops: for each actor, look it up.
    """
    columns = ", ".join(f't."{name}"' for name in loaded_columns(table))
    return (
        f'SELECT {columns} FROM json_each(?) w CROSS JOIN "{table}" t'
        f" WHERE t.slice = w.value ->> 0 AND t.actor = w.value ->> 1 AND {condition}"
    )


INSERTS = {table: _upsert(table) for table in OWNED} | {
    table: f"{insert(table, COLUMNS[table])} ON CONFLICT {AGAIN.get(table, 'DO NOTHING')}"
    for table in ABSORBED
}
CONSENT = (
    f"{_upsert('consent')}"
    " WHERE (excluded.at, NOT excluded.granted) > (consent.at, NOT consent.granted)"
)
STATES = {
    "run": _select("run", "t.status = 'live'"),
    "ask": _select("ask", "t.status in ('pending', 'open')"),
    "task": _select("task", "t.status = 'open'"),
    "timer": _select("timer"),
    "consent": _select("consent"),
}
ACTORS = (
    "SELECT t.key, t.account, t.doc FROM json_each(?) w CROSS JOIN actor t"
    " WHERE t.slice = w.value ->> 0 AND t.key = w.value ->> 1"
)
COUNT_TRY = "UPDATE slice SET tries = max(tries, min(tries + 1, ?)) WHERE slice = ?"
TRIES = "SELECT slice, tries FROM slice WHERE slice IN (SELECT value FROM json_each(?))"
RESET = """
UPDATE slice SET tries = 0 WHERE tries <> 0 AND slice IN (SELECT value FROM json_each(?))
"""
NUMBERS = "UPDATE sequence SET next = next + ? WHERE name = 'vouch_seq' RETURNING next"
SEEN = """
SELECT e.slice, e.source, 'id', e.id FROM json_each(?) w CROSS JOIN event e
WHERE e.slice = w.value ->> 0 AND e.source = w.value ->> 1 AND e.id = w.value ->> 2
UNION ALL
SELECT e.slice, e.source, 'natural key', e.natural_key FROM json_each(?) w CROSS JOIN event e
WHERE e.slice = w.value ->> 0 AND e.source = w.value ->> 1
  AND e.natural_key = w.value ->> 3 AND e.natural_key <> ''
"""
_OTHERS = " AND {} NOT IN (SELECT value FROM json_each(?))"
_DUE = """
SELECT t.slice, t.key, t.actor, t.due_at FROM timer t
WHERE t.slice = ? AND t.due_at <= ?{others} AND NOT EXISTS (
  SELECT 1 FROM inbox i WHERE i.slice = t.slice AND i.actor = t.actor
    AND i.accepted_at <= t.due_at AND i.seq > ?
) ORDER BY t.due_at, t.key LIMIT ?
"""
# The older of its first event and its first due timer says how long a slice has waited.
HEADS = """
SELECT s.slice,
  (SELECT i.accepted_at FROM inbox i WHERE i.slice = s.slice ORDER BY i.seq LIMIT 1),
  (SELECT t.due_at FROM timer t WHERE t.slice = s.slice AND t.due_at <= ?
   ORDER BY t.due_at LIMIT 1)
FROM slice s WHERE s.slice IN (SELECT value FROM json_each(?))
"""


def padded(slices: int) -> int:
    """Return for how many slices a statement is written that is to serve so many.

    A text for each number would be prepared again and again: that takes longer than running it.

    >>> [padded(slices) for slices in (1, 2, 3, 5, 32)]
    [1, 2, 4, 8, 32]
    """
    return 1 << (slices - 1).bit_length()


@cache
def queued(slices: int, *, others: bool) -> str:
    """Return the next inbox rows: only keys are sorted, and documents fetched at the end.

    With `others` those of some actors are left out, which takes a list of them a slice.
    """
    one = (
        "SELECT * FROM (SELECT slice, seq FROM inbox WHERE slice = ?"
        f"{_OTHERS.format('actor') if others else ''} ORDER BY seq LIMIT ?)"
    )
    every = " UNION ALL ".join([one] * slices)
    return (
        "SELECT i.slice, i.seq, i.actor, i.accepted_at, i.doc"
        f" FROM ({every} ORDER BY seq LIMIT ?) k"
        " CROSS JOIN inbox i ON i.slice = k.slice AND i.seq = k.seq ORDER BY i.seq"
    )


@cache
def due(slices: int, *, others: bool) -> str:
    """Return the timers due that no event of their actor outside the batch holds back."""
    one = _DUE.format(others=_OTHERS.format("t.actor") if others else "")
    every = " UNION ALL ".join([f"SELECT * FROM ({one})"] * slices)
    return f"{every} ORDER BY due_at, key LIMIT ?"
