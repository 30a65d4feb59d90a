"""What a migration does to tables that others work on meanwhile: nothing that takes long."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import sqlalchemy as sa

from store import schema
from store.db import Store
from tests.conformance import revisions, rows, values
from tests.conformance.rows import NOW
from tests.services import new_database

BEFORE_AN_INDEX = "0004"
INDEX = "ix_outbox_doubt"

_PLAIN = r"(?i:(?!.*(NOT NULL|UNIQUE|REFERENCES|DEFAULT|GENERATED))[\w ]+)"
_CONSTANT = r"[\w ]+? DEFAULT ('[^']*'|\d+|true|false)( NOT NULL)?"

BESIDE = (
    r"(CREATE( UNIQUE)?|DROP) INDEX CONCURRENTLY (IF EXISTS )?\w+.*",
    r"ALTER INDEX (IF EXISTS )?\w+ RENAME TO \w+",
)
"""Holds up nobody: no reader, no writer."""

CATALOGUE = (
    r"CREATE TABLE (?P<made>\w+).*",
    rf"ALTER TABLE \w+ ADD COLUMN \w+ ({_PLAIN}|{_CONSTANT})",
    r"ALTER TABLE \w+ ALTER COLUMN \w+ (SET|DROP) DEFAULT.*",
    r"ALTER TABLE \w+ SET \((autovacuum|fillfactor).*",
    r"CREATE (OR REPLACE )?FUNCTION .*",
    r"CREATE TRIGGER .*",
    r"CREATE SEQUENCE .*",
    r"(INSERT INTO|UPDATE) alembic_version .*",
)
"""Changes what the database knows of a table, and reads no row of one."""

NEVER_MIND = r"(SELECT|SET LOCAL|SHOW|RELEASE|SAVEPOINT)\b.*"


@pytest.fixture
def old(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a Postgres store as an earlier revision left it: the parameter, or the fourth."""
    to = getattr(request, "param", BEFORE_AN_INDEX)
    with new_database(postgres_url, f"vouch_old_{os.getpid()}") as address:
        store = Store.open(address, durable=False)
        with store.transaction() as conn:
            revisions.upgrade(conn, to)
        yield store
        store.close()


def held_up(statements: list[str]) -> list[str]:
    """Return the statements of one revision that could hold up those who work meanwhile.

    A table that the revision makes itself has nobody who works on it: it may be indexed and
    filled as one likes.
    """
    made: set[str] = set()
    found = []
    for statement in statements:
        words = " ".join(statement.split())
        matches = (re.fullmatch(one, words) for one in (*BESIDE, *CATALOGUE))
        allowed = next(filter(None, matches), None)
        if allowed:
            made |= {name for name in (allowed.groupdict().get("made"),) if name}
        elif not re.match(NEVER_MIND, words) and not _is_about(words, made):
            found.append(words)
    return found


def _is_about(words: str, made: set[str]) -> bool:
    on = re.match(r"(?:CREATE (?:UNIQUE )?INDEX \w+ ON|INSERT INTO|ALTER TABLE) (\w+)", words)
    return on is not None and on[1] in made


@pytest.mark.parametrize("old", [revisions.FIRST], indirect=True)
def test_no_revision_holds_up_those_who_work(old: Store) -> None:
    """After the first, each statement is built beside work or changes the catalogue alone.

    So the code of the version before also finds all that it knows: nothing is taken away.
    """
    with old.reader() as conn:
        waiting = revisions.after_the_first(conn)
    with values.statements(old) as seen:
        old.migrate()

    assert old.schema_state().is_current
    assert len(waiting) > 4
    assert any("CONCURRENTLY" in statement for statement in seen)
    assert held_up(list(seen)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ix_a ON outbox (slice)",
        "DROP INDEX ix_a",
        "ALTER TABLE run ADD COLUMN a integer NOT NULL",
        "ALTER TABLE run ADD COLUMN a timestamptz DEFAULT clock_timestamp()",
        "ALTER TABLE run ALTER COLUMN a TYPE bigint",
        "ALTER TABLE run ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE run ADD CONSTRAINT c CHECK (a > 0)",
        "ALTER TABLE run DROP COLUMN a",
        "ALTER TABLE run RENAME TO story",
        "DROP TABLE run",
        "UPDATE run SET a = 1",
        "INSERT INTO run VALUES (1)",
        "VACUUM FULL run",
    ],
)
def test_what_holds_up_others_or_takes_away_is_found(statement: str) -> None:
    """The list of what a revision may do leaves out what rewrites, reads or drops a table."""
    assert held_up(["CREATE TABLE fresh (a int)", statement]) == [statement]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE run ADD COLUMN a varchar",
        "ALTER TABLE run ADD COLUMN a integer DEFAULT 0 NOT NULL",
        "CREATE INDEX ix_a ON fresh (slice)",
        "INSERT INTO fresh VALUES (1)",
    ],
)
def test_what_is_at_once_is_allowed(statement: str) -> None:
    """A column with a constant default, and whatever is done to a new table, keep nobody."""
    assert held_up(["CREATE TABLE fresh (a int)", statement]) == []


def test_an_index_is_built_beside_writers(old: Store) -> None:
    """While a long transaction keeps a new index waiting, others write to its table."""
    with _somebody_writes(old) as done, ThreadPoolExecutor(1) as threads:
        upgrade = threads.submit(old.migrate)
        _builder(old)
        for number in range(3):
            with old.transaction() as conn:
                conn.execute(sa.text("SET LOCAL lock_timeout = '20s'"))
                rows.put_messages(conn, [f"meanwhile-{number}"], planned_at=NOW)
        assert not upgrade.done()
        done.set()
        upgrade.result()

    assert old.schema_state().is_current
    with old.reader() as conn:
        assert schema.half_done(conn) == []


def test_an_index_that_was_broken_off_is_seen_and_built_again(old: Store) -> None:
    """A migration ended in the middle leaves the old revision, is told, and is simply repeated."""
    with _somebody_writes(old) as done, ThreadPoolExecutor(1) as threads:
        upgrade = threads.submit(old.migrate)
        pid = _builder(old)
        with old.at_once() as conn:
            conn.execute(sa.select(sa.func.pg_terminate_backend(pid)))
        with pytest.raises(sa.exc.OperationalError):
            upgrade.result()
        done.set()
    with old.reader() as conn:
        left = schema.half_done(conn)
    assert left == [f"the index {INDEX} was not finished"]
    assert old.schema_state().current == BEFORE_AN_INDEX

    old.migrate()

    assert old.schema_state().is_current
    with old.reader() as conn:
        assert schema.half_done(conn) == []


@pytest.mark.parametrize("old", [revisions.FIRST], indirect=True)
def test_each_step_may_be_run_again(old: Store) -> None:
    """Broken off after its last statement, a revision beside work does the same once more."""
    with old.reader() as conn:
        waiting = revisions.after_the_first(conn)
    with old.at_once() as conn:
        schema.migrate_beside(conn, waiting[0])
        indexes = _indexes(conn)
        conn.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revisions.FIRST}'"))
        schema.migrate_beside(conn, waiting[0])
        assert _indexes(conn) == indexes


def _indexes(conn: sa.Connection) -> list[tuple[str, ...]]:
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    return [tuple(row) for row in conn.execute(sa.text(query))]


class _somebody_writes:  # noqa: N801 - used as a function
    """A transaction that wrote to the outbox and has not ended."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done, self._ready = Event(), Event()
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self) -> Event:
        self._running = self._threads.submit(self._write)
        self._ready.wait()
        return self._done

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._running.result()
        self._threads.shutdown()

    def _write(self) -> None:
        with self._store.transaction() as conn:
            rows.put_messages(conn, ["before"], planned_at=NOW)
            self._ready.set()
            self._done.wait()


def _builder(store: Store) -> int:
    """Return the process that builds the index, as soon as it waits for the others."""
    query = sa.text(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
        " AND wait_event_type = 'Lock'"
    )
    while True:
        with store.at_once() as conn:
            if pid := conn.scalar(query):
                return int(pid)
