"""Which errors of a database pass with time, and which have a culprit in the batch."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from store.db import Store
from store.driver import fetch
from store.errors import DatabaseUnavailableError, is_data_error, is_transient, why_unavailable
from tests.conformance.values import arrival, publish

TRANSIENT = {
    "connection_failure": "08006",
    "serialization_failure": "40001",
    "deadlock_detected": "40P01",
    "disk_full": "53100",
    "too_many_connections": "53300",
    "lock_not_available": "55P03",
    "admin_shutdown": "57P01",
    "io_error": "58030",
    "read_only_sql_transaction": "25006",
}
DATA = {"numeric_value_out_of_range": "22003", "not_null_violation": "23502"}
NEITHER = {"undefined_table": "42P01", "internal_error": "XX000"}


def verdict(error: BaseException) -> tuple[bool, bool]:
    return is_transient(error), is_data_error(error)


def raised_by(store: Store, *statements: str) -> BaseException:
    """Return the error that statements in a transaction raise."""

    def run() -> None:
        with store.transaction() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    with pytest.raises(sa.exc.SQLAlchemyError) as raised:
        run()
    return raised.value


@pytest.mark.parametrize("state", [*TRANSIENT.values(), *DATA.values(), *NEITHER.values()])
def test_postgres_errors_are_told_apart_by_sqlstate(pg: str, state: str) -> None:
    """Each class of errors is transient, a data error or neither, as Postgres raises it."""
    store = Store.open(pg)

    error = raised_by(store, f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")

    store.close()
    assert verdict(error) == (state in TRANSIENT.values(), state in DATA.values())


def test_a_lost_connection_is_transient(pg: str) -> None:
    """A session ended by an operator fails its transaction; the next one works."""
    store = Store.open(pg)

    error = raised_by(store, "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")
    publish(store, arrival("e-1"))

    store.close()
    assert verdict(error) == (True, False)


def test_no_connection_is_transient() -> None:
    """A database that is down costs patience, never an input."""
    store = Store.open("postgresql://vouch@127.0.0.1:1/vouch")

    with pytest.raises(DatabaseUnavailableError) as raised:
        store.migrate()

    assert verdict(raised.value) == (True, False)


def test_no_connection_says_what_helps(postgres_url: str, tmp_path: Path) -> None:
    """Nobody there, another password, no such database, no folder: each has its own remedy."""
    address = make_url(postgres_url).set(drivername="postgresql")
    with closing(Store.open(f"sqlite:///{tmp_path}/nowhere/vouch.db")) as store:
        assert "folder" in _remedy(store)
    for wrong, helps in [
        (address.set(username="nobody"), "the user"),
        (address.set(database="nowhere"), "no such database"),
        (address.set(port=1), "nothing listens"),
    ]:
        with closing(Store.open(wrong.render_as_string(hide_password=False))) as store:
            assert helps in _remedy(store)


def _remedy(store: Store) -> str:
    with pytest.raises(DatabaseUnavailableError) as raised, store.reader():
        pass
    return raised.value.hint


def test_a_disk_that_became_read_only_is_transient_on_sqlite(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """As a disk does by itself that has errors: nobody's input is to blame, and it says so."""
    path = tmp_path / "vouch.db"
    path.write_bytes(sqlite_template.read_bytes())

    with closing(Store.open(f"sqlite:///{path}")) as store:
        error = raised_by(store, "PRAGMA query_only = ON", "CREATE TABLE x (y)")

    assert verdict(error) == (True, False)
    assert "read-only" in why_unavailable(error)


def test_a_full_disk_is_transient_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    """SQLite without room rolls back, and works again when there is room."""
    path = tmp_path / "vouch.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{path}")
    with store.transaction() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    large = arrival("e-1", doc={"words": "x" * 100_000})

    with pytest.raises(sa.exc.OperationalError) as raised:
        publish(store, large)
    with store.transaction() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1000000")

    assert verdict(raised.value) == (True, False)
    assert publish(store, large) == [True]
    store.close()


def test_a_locked_file_is_transient(tmp_path: Path) -> None:
    """SQLite's BUSY means that another process writes; nobody's input is to blame."""
    path = tmp_path / "vouch.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    other = sqlite3.connect(path, timeout=0)

    with pytest.raises(sqlite3.OperationalError) as raised:
        other.execute("CREATE TABLE t (x)")

    holder.close()
    other.close()
    assert verdict(raised.value) == (True, False)


def test_a_broken_constraint_is_a_data_error(store: Store) -> None:
    """A null where none may be is blamed on the batch, on both databases."""
    error = raised_by(store, "UPDATE slice SET tries = NULL")

    assert verdict(error) == (False, True)


def test_a_bug_is_neither(store: Store) -> None:
    """A statement that fits no table is ours to mend; an exception of the engine is no SQL."""
    assert verdict(raised_by(store, "SELECT * FROM nowhere")) == (False, False)
    assert verdict(KeyError("x")) == (False, False)


def test_a_connection_lost_between_hot_statements_is_transient(pg: str) -> None:
    """What goes straight to the driver fails like all else, and nobody gets that one again."""
    store = Store.open(pg)
    with pytest.raises(sa.exc.DBAPIError) as raised, store.transaction(hot=True) as conn:
        fetch(conn, "SELECT pg_terminate_backend(pg_backend_pid())", ())

    with store.transaction(hot=True) as conn:
        rows = fetch(conn, "SELECT 1", ())

    store.close()
    assert is_transient(raised.value)
    assert list(rows) == [(1,)]
