"""Migrating beside running work: nobody is held up, and what was broken off is seen."""

from threading import Event, Thread

import pytest
import sqlalchemy as sa

from store import migrating, schema
from store.db import Store
from workers.compose import SchemaError, require_schema
from workers.settings import Settings


def test_a_migration_gives_way_and_tries_again(
    postgres: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that a long transaction uses is not waited for in the way of everybody else."""
    tries: list[int] = []
    ready, done = Event(), Event()
    migrate = schema.migrate

    def altering(conn: sa.Connection) -> str:
        tries.append(1)
        left = migrate(conn)
        conn.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        conn.execute(sa.text("ALTER TABLE run ADD COLUMN extra int"))
        return left

    def busy() -> None:
        with postgres.transaction() as conn:
            conn.execute(sa.text("SELECT count(*) FROM run"))
            ready.set()
            done.wait()

    monkeypatch.setattr(schema, "migrate", altering)
    monkeypatch.setattr(migrating, "MIGRATE_PAUSE_SECONDS", 0.01)
    worker = Thread(target=busy)
    worker.start()
    ready.wait()
    upgrade = Thread(target=postgres.migrate)
    upgrade.start()
    while len(tries) < 3:  # it gave way twice
        upgrade.join(0.01)
    done.set()
    upgrade.join()
    worker.join()

    with postgres.reader() as conn:
        assert "extra" in {column["name"] for column in sa.inspect(conn).get_columns("run")}


def test_a_migration_waits_for_no_lock_for_long(postgres: Store) -> None:
    """The time it may wait is the transaction's own setting."""
    with postgres.transaction() as conn:
        schema.migrate(conn)
        assert conn.scalar(sa.text("SHOW lock_timeout")) == f"{schema.LOCK_SECONDS_MAX}s"


def test_what_was_broken_off_is_seen(postgres: Store) -> None:
    """An index that was not finished and a second revision are told; a sound schema is not."""
    with postgres.transaction() as conn:
        assert schema.half_done(conn) == []
        conn.execute(sa.text("INSERT INTO alembic_version VALUES ('0001')"))
        conn.execute(
            sa.text(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'ix_actor_email'::regclass"
            )
        )
    with postgres.reader() as conn:
        first, second = schema.half_done(conn)

    assert "2 revisions" in first
    assert "ix_actor_email" in second


def test_an_old_version_says_that_the_database_is_newer(postgres: Store) -> None:
    """Whoever starts the old version after the migration is told to start the new one."""
    with postgres.transaction() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match="newer") as told:
        require_schema(postgres, Settings.from_env({"VOUCH_DATABASE_URL": "postgresql://x/x"}))

    assert "migrated it" in told.value.hint
