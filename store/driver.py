"""Statements of SQLite straight to the driver, where one costs less than a tenth.

SQLAlchemy spends some hundred microseconds on a statement, SQLite five: a drain has thirty.
Its connection, pool, transactions and errors stay; only the way of a statement is shorter.
Whoever listens to statements (tests, tracing) still hears every one of them.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


def fetch(conn: sa.Connection, statement: str, given: Sequence[Any]) -> Sequence[Any]:
    """Return all rows of a statement, as the driver gives them.

    Raises:
        sqlalchemy.exc.DBAPIError: As if SQLAlchemy had run it, without the values.
    """
    if _is_watched(conn):
        found = conn.exec_driver_sql(statement, tuple(given))
        return found.fetchall() if found.returns_rows else ()
    raw = _begun(conn)
    try:
        rows: Sequence[Any] = raw.execute(statement, given).fetchall()
    except sqlite3.Error as error:
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


def _as_sqlalchemy(conn: sa.Connection, statement: str, error: sqlite3.Error) -> BaseException:
    return sa.exc.DBAPIError.instance(
        statement, None, error, sqlite3.Error, dialect=conn.dialect, hide_parameters=True
    )
