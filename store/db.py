"""A database, opened: the only place where transactions begin and commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from store import migrating, schema
from store.engines import address_of, postgres_engines, sqlite_engine, synchronous
from store.errors import DatabaseUnavailableError, is_transient, why_unavailable

Connection = sa.Connection
"""What store functions take first: inside a transaction that the store opened and commits."""

IDLE_SECONDS_MAX = 60
"""How long a transaction may say nothing before Postgres ends it and frees what it locked."""

LARGE = 50
"""Events of a batch from which on planning it anew costs little, and a table grows quickly."""


class Store:
    """One database: SQLite for a small company, Postgres for any.

    Threads share it; each transaction has a connection of its own. On SQLite writers of
    one process queue for the single write connection instead of polling a locked file.

    Attributes:
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, write: sa.Engine, read: sa.Engine, hot: sa.Engine, *, durable: bool) -> None:
        self.dialect: str = write.dialect.name
        self._write = write
        self._read = read
        self._hot = hot
        self._alone = hot.execution_options(isolation_level="AUTOCOMMIT")
        self._single = write.execution_options(isolation_level="AUTOCOMMIT")
        self._is_synchronous = durable and self.dialect == "sqlite"

    @classmethod
    def open(
        cls, url: str, *, durable: bool = True, idle_seconds: int = IDLE_SECONDS_MAX
    ) -> "Store":
        """Open the database of an address, `sqlite:///path` or `postgresql+psycopg://...`.

        Nothing is connected yet. With `durable`, a commit returns when the disk has it, so
        that the answer a publisher gets survives a power cut; trials do without. A process
        that is frozen in the middle of a transaction loses it after `idle_seconds`, so that
        its slices go to others (Postgres; on SQLite a frozen writer holds the file).

        Raises:
            DatabaseAddressError: Neither a SQLite file nor a Postgres.
        """
        address = address_of(url)
        if address.get_backend_name() == "sqlite":
            write = sqlite_engine(address, durable=durable, writes=True)
            read = sqlite_engine(address, durable=durable, writes=False)
            return cls(write, read, write, durable=durable)
        engine, hot = postgres_engines(address, durable=durable, idle_seconds=idle_seconds)
        return cls(engine, engine, hot, durable=durable)

    @property
    def engine(self) -> sa.Engine:
        """The engine that writes, for those who open connections of their own."""
        return self._write

    @property
    def engines(self) -> frozenset[sa.Engine]:
        """All engines that write, for those who watch them: tracing, counting statements."""
        return frozenset({self._write, self._hot})

    @contextmanager
    def transaction(
        self, *, hot: bool = False, single: bool = False, redone: bool = False
    ) -> Iterator[sa.Connection]:
        """Give a connection in a transaction: committed at the end, rolled back on an error.

        On SQLite the write lock is taken first (`BEGIN IMMEDIATE`), so that what was read
        is still true at the write. Never nest two: SQLite has one writer.

        With `hot` Postgres plans a statement once in `PLAN_SECONDS_MAX`, not each time: for
        the batches of a quiet installation, smaller than `LARGE`.

        With `single` at most one statement of the block has to be whole, and what comes after
        it may be lost: on Postgres each commits by itself, without the round trips of a
        beginning and an end.

        With `redone` SQLite does not wait for the disk. What a power cut then takes is done
        again from what was committed before, and the next commit that waits, of an event
        accepted or a message about to leave, puts this one on the disk with it.

        Raises:
            DatabaseUnavailableError: No connection could be had.
        """
        if redone and self._is_synchronous:
            with self._without_waiting() as conn:
                yield conn
            return
        engine = self._hot if hot else self._write
        if single and self.dialect == "postgresql":
            engine = self._alone if hot else self._single
        with self._connection(engine) as conn, conn.begin():
            yield conn

    @contextmanager
    def reader(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the database and can change nothing.

        Raises:
            DatabaseUnavailableError: No connection could be had.
        """
        with self._connection(self._read) as conn:
            if self.dialect == "postgresql":
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield conn

    @contextmanager
    def at_once(self) -> Iterator[sa.Connection]:
        """Give a connection for one hot statement, committed without waiting for the disk.

        What it wrote survives this process, which is all a count of tries needs, and costs
        one round trip on Postgres and no fsync on SQLite.

        Raises:
            DatabaseUnavailableError: No connection could be had.
        """
        if self.dialect == "postgresql":
            with self._connection(self._alone) as conn:
                yield conn
            return
        with self._without_waiting() if self._is_synchronous else self.transaction() as conn:
            yield conn

    @contextmanager
    def _without_waiting(self) -> Iterator[sa.Connection]:
        """Give a transaction of SQLite whose commit is in the log, and not yet on the disk."""
        with self._connection(self._write) as conn:
            raw: Any = conn.connection.dbapi_connection
            raw.execute("PRAGMA synchronous=NORMAL")
            try:
                with conn.begin():
                    yield conn
            finally:
                if not conn.invalidated:  # by an interruption: then there is nothing to set back
                    raw.execute(f"PRAGMA synchronous={synchronous(durable=True)}")

    def migrate(self) -> None:
        """Bring the schema to the newest revision; does nothing where it is there already.

        Others work meanwhile: a table that they keep busy is waited for briefly, so that they
        are not held up, and again and again.

        Raises:
            sqlalchemy.exc.OperationalError: It stayed busy for `MIGRATE_ATTEMPTS_MAX` times.
            StillMigratingError: Somebody else migrates and does not end.
        """
        migrating.migrate(self)

    def schema_state(self) -> schema.SchemaState:
        """Return the revision the database has and the one that this code needs."""
        with self.reader() as conn:
            return schema.schema_state(conn)

    def close(self) -> None:
        """Close every idle connection; the store must not be used afterwards."""
        for engine in {self._read, self._write, self._hot}:
            engine.dispose()

    @contextmanager
    def _connection(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            conn = engine.connect()
        except sa.exc.SQLAlchemyError as error:
            if not is_transient(error):
                raise
            where = engine.url.render_as_string(hide_password=True)
            raise DatabaseUnavailableError(
                f"no connection to {where}", hint=why_unavailable(error)
            ) from error
        with conn:
            yield conn
