"""Years of a company, made up within the database: rows like those that a bench left there.

A sample of each table's own rows is multiplied, so that every column has the size and the
spread that Vouch gives it; only names and instants differ. Within the server that is as quick
as COPY, and nothing has to be rendered outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

SAMPLE = 2_000
"""Rows of each table that are multiplied."""

LATER = "interval '60 days'"
"""Nothing that is made up comes due while a bench runs."""

N = "(%(first)s + n)"
KEY = f"'grown-' || {N}"
_WHOSE = f"floor(({N} - 1) / %(a_run)s)::bigint"
CONTACT = f"'grown-' || {_WHOSE}"
ACTOR = f"'contact/grown-' || {_WHOSE}"
SLICE = f"{_WHOSE} %% 64"


@dataclass(frozen=True, slots=True)
class Grown:
    """How one table grows.

    Attributes:
        a_run: Rows for every run; what share of a run, where it is below one.
        given: Expressions of columns that differ from the sample's.
    """

    a_run: float
    given: Mapping[str, str] = field(default_factory=dict)


_KEYED = {"key": KEY, "actor": ACTOR}
TABLES: Mapping[str, Grown] = {
    "actor": Grown(1, {"key": ACTOR, "email": "''", "phone": "''", "account": "''"}),
    # Before everything that a bench numbers: the sequence need not be moved.
    "event": Grown(5, {"seq": f"-{N}", "id": KEY, "natural_key": "''", "contact": CONTACT}),
    "decision": Grown(5, {"seq": f"-{N}", "actor": ACTOR}),
    "run": Grown(1, {"id": KEY, "actor": ACTOR}),
    "timer": Grown(1, {**_KEYED, "run": KEY, "due_at": f"x.due_at + {LATER}"}),
    "task": Grown(0.8, {**_KEYED, "run": KEY}),
    "outbox": Grown(
        0.8,
        {
            **_KEYED, "to": ACTOR, "run": KEY, "planned_at": f"x.planned_at + {LATER}",
            "due_at": f"x.due_at + {LATER}",
        },
    ),
    "ledger": Grown(0.4, {"key": KEY, "txn": KEY}),
}  # fmt: skip


def grow(conn: psycopg.Connection[Any], before: int, runs: int) -> None:
    """Add rows until there are so many made-up runs, where there are `before` already.

    Five events and five decisions a run, a contact a run, and of the other tables what a run
    of the bench leaves. Then the tables are cleaned and counted, as time would have it done.
    """
    for table, grown in TABLES.items():
        first, last = int(before * grown.a_run), int(runs * grown.a_run)
        values = {"first": first, "last": last - first, "a_run": grown.a_run, "sample": SAMPLE}
        conn.execute(_statement(conn, table, grown), values)
        conn.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
    conn.execute("CHECKPOINT")


def _statement(conn: psycopg.Connection[Any], table: str, grown: Grown) -> sql.Composed:
    asked = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    given = {"slice": SLICE, **grown.given}
    names = [row[0] for row in conn.execute(f"{asked} AND NOT attisdropped", [table])]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    values = sql.SQL(", ").join(
        sql.SQL(given[name]) if name in given else sql.Identifier("x", name) for name in names
    )
    return sql.SQL(
        "WITH x AS MATERIALIZED (SELECT *, row_number() OVER () - 1 AS place FROM "
        "(SELECT * FROM {table} ORDER BY slice DESC LIMIT %(sample)s) s), "
        "size AS MATERIALIZED (SELECT greatest(count(*), 1) AS rows FROM x) "
        "INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1, %(last)s) n "
        "CROSS JOIN size JOIN x ON x.place = n %% size.rows"
    ).format(table=sql.Identifier(table), columns=columns, values=values)
