"""Where SQLite and Postgres differ in what they are told, the difference is here."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from store.types import UTCDateTime
from workflows.state import SLICES

ALL_SLICES = tuple(range(SLICES))
ANY_SLICE = sa.text(", ".join(map(str, ALL_SLICES)))
"""Names every slice: for a key whose actor is not known, still by the primary key.

As words, for `slice.in_(ANY_SLICE)`: 64 values to fill in are half of such a statement's cost.
"""


def is_postgres(conn: Connection) -> bool:
    """Return whether row locks, sequences and a clock of its own are there."""
    return conn.dialect.name == "postgresql"


def table_of(row: type[SQLModel]) -> sa.Table:
    """Return the Core table behind a row class."""
    table: sa.Table = row.__table__  # type: ignore[attr-defined]
    return table


def insert(conn: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert of this database's own kind, which knows `on_conflict_...`."""
    return postgresql.insert(table) if is_postgres(conn) else sqlite.insert(table)


def database_time(
    conn: Connection, now: datetime, *, plus: timedelta = timedelta()
) -> sa.ColumnElement[datetime]:
    """Return the instant that leases are counted in: the database's own, where it has a clock.

    Two workers' clocks differ; Postgres has one. On SQLite everything runs on one machine,
    and `now` is as good. A lease is therefore always given as a length, never as an end.
    """
    if is_postgres(conn):
        return sa.func.clock_timestamp(type_=UTCDateTime()) + sa.literal(plus, sa.Interval())
    return sa.literal(now + plus, UTCDateTime())


def json_text(conn: Connection, column: sa.ColumnElement[Any], *path: str) -> sa.ColumnElement[str]:
    """Return what stands at a path of a document, as text; NULL where nothing does."""
    if is_postgres(conn):
        return sa.func.json_extract_path_text(sa.cast(column, postgresql.JSON), *path)
    return sa.func.json_extract(sa.cast(column, sa.Text), "$." + ".".join(path))
