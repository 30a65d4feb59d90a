"""Migrating: one process at a time, giving way to those that work, until it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import sqlalchemy as sa

from store import schema
from store.errors import StillMigratingError, is_lock_timeout

if TYPE_CHECKING:
    from store.db import Store

MIGRATE_ATTEMPTS_MAX = 60
MIGRATE_PAUSE_SECONDS = 1.0
ALONE_PAUSE_SECONDS = 0.1
ALONE_ATTEMPTS_MAX = 36_000
"""How often somebody who migrates already is waited for: building an index may take an hour."""

# Any number nobody else uses: two processes that start together migrate one after the other.
_MIGRATION_LOCK = 0x766F756368


def migrate(store: "Store") -> None:
    """Bring the schema to the newest revision; does nothing where it is there already.

    Raises:
        sqlalchemy.exc.OperationalError: A table stayed busy for `MIGRATE_ATTEMPTS_MAX` times.
        StillMigratingError: Somebody else migrates and does not end.
    """
    with _alone(store):
        while revision := _in_transactions(store):
            with store.at_once() as conn:
                schema.migrate_beside(conn, revision)


def _in_transactions(store: "Store") -> str:
    """Migrate as far as a transaction can; return the revision that cannot."""
    attempts = 0
    while True:
        try:
            with store.transaction() as conn:
                return schema.migrate(conn)
        except sa.exc.OperationalError as error:
            attempts += 1
            if not is_lock_timeout(error) or attempts == MIGRATE_ATTEMPTS_MAX:
                raise
            Event().wait(MIGRATE_PAUSE_SECONDS)


@contextmanager
def _alone(store: "Store") -> Iterator[None]:
    """Hold the lock of those who migrate; SQLite's transaction is one already.

    Whoever waited for it inside a statement would be waited for by the index that is built.
    """
    if store.dialect != "postgresql":
        yield
        return
    with store.at_once() as conn:
        for _ in range(ALONE_ATTEMPTS_MAX):
            if conn.scalar(sa.select(sa.func.pg_try_advisory_lock(_MIGRATION_LOCK))):
                break
            Event().wait(ALONE_PAUSE_SECONDS)
        else:
            raise StillMigratingError(
                "another process has been migrating all the time",
                hint="let it end, or end it, then: vouch migrate",
            )
        try:
            yield
        finally:
            conn.execute(sa.select(sa.func.pg_advisory_unlock(_MIGRATION_LOCK)))
