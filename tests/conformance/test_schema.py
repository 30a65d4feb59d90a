"""The migrations give exactly the schema that tables.py describes, on both databases."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from store import schema, tables  # noqa: F401 - tables fill SQLModel.metadata
from store.db import Store
from store.errors import DatabaseAddressError, DatabaseUnavailableError
from tests.conformance.values import rows
from tests.services import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give a store without tables."""
    with ExitStack() as stack:
        address = f"sqlite:///{tmp_path / 'empty.db'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_url")
            address = stack.enter_context(new_database(server, f"vouch_empty_{os.getpid()}"))
        opened = Store.open(address)
        stack.callback(opened.close)
        yield opened


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite shows none of them
def test_migrations_give_the_tables_as_described(store: Store) -> None:
    """Alembic finds nothing to change between the migrated database and tables.py."""
    with store.reader() as conn:
        difference = compare_metadata(MigrationContext.configure(conn), SQLModel.metadata)

    assert difference == []


def test_the_head_is_the_one_that_migrates_lead_to(store: Store) -> None:
    """The number read from file names is the revision that Alembic ends at, and the only head."""
    scripts = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))

    assert store.schema_state().head == scripts.get_current_head()
    assert store.schema_state().is_current


def test_a_partial_index_keeps_its_condition(store: Store) -> None:
    """The index that allows one open ask is unique and partial, which Alembic does not compare."""
    with store.reader() as conn:
        found = {index["name"]: index for index in sa.inspect(conn).get_indexes("ask")}

    index = found["ux_ask_open"]
    assert index["unique"]
    assert "pending" in str(index["dialect_options"][f"{store.dialect}_where"])


def test_every_slice_has_its_row(store: Store) -> None:
    """A migrated database has 64 slices, none of them tried."""
    assert rows(store, "slice", "slice", "tries") == [(number, 0) for number in range(64)]


def test_migrating_twice_changes_nothing(empty: Store) -> None:
    """An empty database is behind, a migrated one current, also when it is migrated again."""
    before = empty.schema_state()
    empty.migrate()
    empty.migrate()

    assert (before.current, before.is_current) == (None, False)
    assert empty.schema_state().is_current


def test_two_processes_may_migrate_at_once(empty: Store) -> None:
    """Of two that start together one migrates and the other finds it done."""
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(empty.migrate) for _ in range(2)]:
            done.result()

    assert rows(empty, "slice", "slice")[-1] == (63,)


def test_a_failed_migration_leaves_nothing(empty: Store) -> None:
    """A migration inside a transaction that fails is rolled back whole."""

    def migrate_and_fail() -> None:
        with empty.transaction() as conn:
            schema.migrate(conn)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate_and_fail()

    assert empty.schema_state().current is None


def test_a_reader_can_change_nothing(store: Store) -> None:
    """A reader's write is refused by the database itself."""
    with store.reader() as conn, pytest.raises(sa.exc.DBAPIError, match=r"(?i)read.?only"):
        conn.exec_driver_sql("UPDATE slice SET tries = 9")


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    """An exception inside a transaction rolls back what was written before it."""

    def write_and_fail() -> None:
        with store.transaction() as conn:
            conn.exec_driver_sql("UPDATE slice SET tries = 9")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert rows(store, "slice", "tries")[-1] == (0,)


def test_only_a_durable_store_waits_for_the_disk(database_url: str) -> None:
    """By default a commit waits for the disk; a trial's does not."""
    setting = "synchronous" if database_url.startswith("sqlite") else "synchronous_commit"
    show = "PRAGMA " if database_url.startswith("sqlite") else "SHOW "
    found = []
    for durable in (True, False):
        opened = Store.open(database_url, durable=durable)
        with opened.at_once() as conn:
            conn.exec_driver_sql("UPDATE slice SET tries = 1 WHERE slice = 0")
        with opened.transaction() as conn:
            found.append(str(conn.exec_driver_sql(show + setting).scalar()))
        opened.close()

    assert found in (["2", "1"], ["on", "off"])


def test_what_is_done_again_waits_for_no_disk_of_sqlite_and_the_next_commit_does(
    database_url: str,
) -> None:
    """A drain's commit goes to the disk with the next that waits, however the drain ended."""
    store = Store.open(database_url)
    is_sqlite = store.dialect == "sqlite"
    show = "PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit"

    def waits(*, redone: bool) -> str:
        with store.transaction(redone=redone) as conn:
            return str(conn.exec_driver_sql(show).scalar())

    def fail() -> None:
        with store.transaction(redone=True):
            raise ZeroDivisionError

    found = [waits(redone=True), waits(redone=False)]
    with pytest.raises(ZeroDivisionError):
        fail()
    found.append(waits(redone=False))
    store.close()

    assert found == (["1", "2", "2"] if is_sqlite else ["on", "on", "on"])


def test_an_unreachable_database_says_so_without_its_password() -> None:
    """No connection is one error of ours, naming the address and not the password."""
    opened = Store.open("postgresql://vouch:s3cret@127.0.0.1:1/vouch")

    with pytest.raises(DatabaseUnavailableError, match=r"127\.0\.0\.1:1") as raised:
        opened.migrate()

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///:memory:", "mysql://u:s3cret@host/db", "vouch.db s3cret"]
)
def test_an_address_we_cannot_work_on_is_refused_with_an_example(address: str) -> None:
    """What is neither a SQLite file nor a Postgres is refused at once, without its password."""
    with pytest.raises(DatabaseAddressError) as raised:
        Store.open(address)

    assert "sqlite:///vouch.db" in raised.value.hint
    assert "s3cret" not in str(raised.value)
