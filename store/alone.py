"""A SQLite file that nobody else writes to: one connection that stays, for trials.

A trial commits tens of thousands of times and looks as often whether anything is due. Nothing
is to survive a crash of it, so it does without a log beside the file, and without a connection
out of the pool each time. A commit costs a third (0.35 and 0.12 ms of eight rows).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import sqlalchemy as sa

from store.db import Store
from store.engines import sqlite_engine

_ALONE = (
    "PRAGMA journal_mode=MEMORY",
    "PRAGMA synchronous=OFF",
    "PRAGMA locking_mode=EXCLUSIVE",
    "PRAGMA cache_size=-65536",
)


class LoneStore(Store):
    """A database of one process, which is gone with it; its threads take turns."""

    def __init__(self, path: Path) -> None:
        engine = sqlite_engine(sa.make_url(f"sqlite:///{path}"), durable=False, writes=True)

        @sa.event.listens_for(engine, "connect")
        def alone(raw: sa.engine.interfaces.DBAPIConnection, record: object) -> None:
            del record
            cursor = raw.cursor()
            for pragma in _ALONE:
                cursor.execute(pragma)
            cursor.close()

        super().__init__(engine, engine, engine, durable=False)
        self._turn = RLock()
        self._conn: sa.Connection | None = None

    @contextmanager
    def transaction(
        self, *, hot: bool = False, single: bool = False, redone: bool = False
    ) -> Iterator[sa.Connection]:
        """Give the connection in a transaction, as every store does."""
        del hot, single, redone
        with self._turn, self._one().begin():
            yield self._one()

    @contextmanager
    def reader(self) -> Iterator[sa.Connection]:
        """Give the connection; whoever reads within a transaction sees what it wrote so far."""
        with self._turn:
            conn = self._one()
            nested = conn.in_transaction()
            try:
                yield conn
            finally:
                if not nested and conn.in_transaction():
                    conn.rollback()

    def close(self) -> None:
        """Close the connection; the store must not be used afterwards."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
        super().close()

    def _one(self) -> sa.Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self.engine.connect()
        return self._conn
