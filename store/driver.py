"""Statements straight to the driver, where one costs a small part of SQLAlchemy's own.

SQLAlchemy spends some hundred microseconds on a statement, SQLite five: a drain has thirty. On
Postgres a drain has six, and on a quiet machine they were half of what it cost.
Its connection, pool, transactions and errors stay; only the way of a statement is shorter.
Whoever listens to statements (tests, tracing) still hears every one of them.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa

Given = Sequence[Any] | Mapping[str, Any]
"""A statement's values, by place or by name as it is written."""


def fetch(conn: sa.Connection, statement: str, given: Given) -> Sequence[Any]:
    """Return all rows of a statement, as the driver gives them.

    Raises:
        sqlalchemy.exc.DBAPIError: As if SQLAlchemy had run it, without the values.
    """
    if _is_watched(conn):
        given = given if isinstance(given, Mapping) else tuple(given)
        found = conn.exec_driver_sql(statement, given)
        return found.fetchall() if found.returns_rows else ()
    raw = _begun(conn)
    try:
        cursor = raw.execute(statement, given)
        rows: Sequence[Any] = cursor.fetchall() if cursor.description else ()
    except (sqlite3.Error, psycopg.Error) as error:
        raise _as_sqlalchemy(conn, statement, error) from error
    return rows


def run_many(conn: sa.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement for each row; none is none.

    Raises:
        sqlalchemy.exc.DBAPIError: As if SQLAlchemy had run it, without the values.
    """
    if not rows:
        return
    if _is_watched(conn):
        conn.exec_driver_sql(statement, [tuple(row) for row in rows])
        return
    raw = _begun(conn)
    try:
        raw.executemany(statement, rows)
    except sqlite3.Error as error:
        raise _as_sqlalchemy(conn, statement, error) from error


def _is_watched(conn: sa.Connection) -> bool:
    return bool(conn.dispatch.before_cursor_execute)


def _begun(conn: sa.Connection) -> Any:  # noqa: ANN401 - the driver's own
    """Return the driver's connection, in a transaction as SQLAlchemy would have begun one."""
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.dbapi_connection


def _as_sqlalchemy(conn: sa.Connection, statement: str, error: Exception) -> BaseException:
    """Return the error that SQLAlchemy would raise; a lost connection is not given out again."""
    kind = psycopg.Error if isinstance(error, psycopg.Error) else sqlite3.Error
    lost = conn.dialect.is_disconnect(error, conn.connection, None)  # type: ignore[arg-type]
    if lost:
        conn.invalidate(error)
        conn.engine.dispose()  # the idle ones went with the same server
    return sa.exc.DBAPIError.instance(
        statement, None, error, kind,
        dialect=conn.dialect, hide_parameters=True, connection_invalidated=lost,
    )  # fmt: skip
