"""Statements written once for both databases: their words, what they are given, what they give.

A statement of SQLAlchemy is built, hashed and read again at every call; on the way of a message
that costs more than the database's own work. Here the words stand, and only values move.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from store.dialect import is_postgres
from store.driver import fetch
from store.types import Json, UTCDateTime, sortable

Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Values given as a relation: a row each, in the order of the relation's columns."""

    rows: Sequence[Sequence[Any]]


class Document(str):
    """A value's JSON. All of a column go as one text: an array would escape each quote of it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in the words of each database; its values have the same order in both.

    Attributes:
        sqlite: With `?` where values go.
        postgres: With `%s` where values go.
        readers: What makes Python's values of columns, by place.
    """

    sqlite: str
    postgres: str
    readers: tuple[tuple[int, Reader], ...] = ()

    def rows(self, conn: sa.Connection, *given: object) -> Sequence[Sequence[Any]]:
        """Run it and return its rows."""
        if is_postgres(conn):
            rows = fetch(conn, self.postgres, tuple(_for_postgres(given)))
        else:
            rows = fetch(conn, self.sqlite, [_for_sqlite(each) for each in given])
        return [self._read(row) for row in rows] if self.readers else rows

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, read in self.readers:
            values[place] = read(values[place])
        return values


def readers_of(table: sa.Table, names: Iterable[str]) -> tuple[tuple[int, Reader], ...]:
    """Return what reads the named columns of a table."""
    found = ((place, _READERS.get(type(table.c[name].type))) for place, name in enumerate(names))
    return tuple((place, read) for place, read in found if read is not None)


def selected(table: sa.Table, names: Iterable[str], *, postgres: bool) -> str:
    """Return the named columns as a statement lists them, of the table under the name `o`."""
    return ", ".join(
        f'o."{name}"::text' if postgres and isinstance(table.c[name].type, Json) else f'o."{name}"'
        for name in names
    )


def relation(*columns: str, postgres: bool) -> str:
    """Return where the rows of a `Rows` stand in a statement, under the name `g`.

    A column is `name type`, the type as Postgres calls it; `?` is where values go. The last
    may be `json`, given as a `Document` in each row.
    """
    pairs = [column.split() for column in columns]
    if postgres:
        arrays = ", ".join(f"CAST(? AS {kind}[])" for _, kind in pairs if kind != "json")
        source = f"unnest({arrays})"
        if pairs[-1][1] == "json":
            source = f"ROWS FROM ({source}, json_array_elements(CAST(? AS json)))"
        return f"{source} g({', '.join(name for name, _ in pairs)})"
    values = ", ".join(f"value ->> {place} AS {name}" for place, (name, _) in enumerate(pairs))
    return f"(SELECT {values} FROM json_each(?)) g"  # noqa: S608 - names of our own columns


def moment(conn: sa.Connection, now: datetime, plus: timedelta = timedelta()) -> Any:  # noqa: ANN401
    """Return what is given where a statement counts in database time.

    Postgres has one clock and adds a span to it (`clock_timestamp() + %s`); on SQLite
    everything runs on one machine, and `now` is as good.
    """
    return plus if is_postgres(conn) else now + plus


def _for_postgres(given: Iterable[object]) -> Iterable[object]:
    for each in given:
        if isinstance(each, Rows):
            yield from map(_column, zip(*each.rows, strict=True))
        else:
            yield each


def _column(values: Sequence[Any]) -> object:
    if isinstance(values[0], Document):
        return f"[{','.join(values)}]"
    return list(values)


def _for_sqlite(value: object) -> object:
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    if isinstance(value, Rows):
        return orjson.dumps([[_plain(each) for each in row] for row in value.rows]).decode()
    return _plain(value)


def _plain(value: object) -> object:
    return sortable(value) if isinstance(value, datetime) else value


def instant(value: Any) -> datetime | None:  # noqa: ANN401 - text or datetime, by the driver
    """Return an instant, in UTC, from what the driver gives for a column of one."""
    if value is None:
        return None
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(UTC)


def _document(value: str | None) -> Any:  # noqa: ANN401 - JSON
    return None if value is None else orjson.loads(value)


_READERS: dict[type[Any], Reader] = {UTCDateTime: instant, Json: _document, sa.Boolean: bool}
