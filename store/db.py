"""A database, opened: the only place where transactions begin and commit."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from store import migrating, schema
from store.compiling import COMPILED
from store.errors import (
    DatabaseAddressError,
    DatabaseUnavailableError,
    is_transient,
    why_unavailable,
)

Connection = sa.Connection
"""What store functions take first: inside a transaction that the store opened and commits."""

BUSY_SECONDS_MAX = 30
CACHE_KIB = 16_384
"""What a connection that writes to SQLite keeps of the file: a batch is held whole."""
CHECKPOINT_PAGES = 4_096
"""Pages of SQLite's log (16 MiB) before they go into the file, which waits for the disk twice; a
page that was written often goes once."""
CONNECTIONS_MAX = 24  # of one process: its threads, and the pages of its web server
CONNECT_SECONDS_MAX = 5
IDLE_SECONDS_MAX = 60
"""How long a transaction may say nothing before Postgres ends it and frees what it locked."""

# Generic plans made while tables were small chose sequential scans at a million rows.
# So everything is planned each time, but for the hot path's few statements while it is quiet.
# A bitmap scan never marks dead index entries, so the head of an inbox, whose rows all die
# young, would be searched through everything handled since the last vacuum.
# Instants are read as JSON text, so every session speaks UTC.
# A machine that is gone, or behind a cut wire, must not hold its locks for the two hours that
# TCP gives it: each side asks after the other.
_POSTGRES_SETTINGS = {
    "plan_cache_mode": "force_custom_plan",
    "enable_bitmapscan": "off",
    "jit": "off",
    "timezone": "UTC",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
# Planning the statements of a drain is more work than running them for a few events, and next
# to none beside a few hundred.
_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
PLAN_SECONDS_MAX = 10
"""How old a plan may be that is used again: it was made for the tables as they were then."""
LARGE = 50
"""Events of a batch from which on planning it anew costs little, and a table grows quickly."""
_KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


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
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            write = sqlite_engine(address, durable=durable, writes=True)
            read = sqlite_engine(address, durable=durable, writes=False)
            return cls(write, read, write, durable=durable)
        idle = {"idle_in_transaction_session_timeout": f"{idle_seconds}s"}
        settings = _POSTGRES_SETTINGS | idle | ({} if durable else {"synchronous_commit": "off"})
        engine = _postgres(address, settings)
        hot = _postgres(address, settings | _PLANNED_ONCE)
        sa.event.listen(hot, "checkout", _plan_anew)
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
                    raw.execute(f"PRAGMA synchronous={_synchronous(durable=True)}")

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


def _address(url: str) -> URL:
    hint = "sqlite:///vouch.db, or postgresql://user:password@host/database"
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise DatabaseAddressError("the database's address cannot be read", hint=hint) from error
    kind = address.get_backend_name()
    if kind not in {"sqlite", "postgresql"}:
        raise DatabaseAddressError(f'no database of the kind "{kind}" is supported', hint=hint)
    if kind == "sqlite" and address.drivername not in {"sqlite", "sqlite+pysqlite"}:
        # Without its own driver an encrypted file, for instance, would be opened as a plain one.
        raise DatabaseAddressError(f'no driver "{address.drivername}" is supported', hint=hint)
    if kind == "sqlite" and address.database in {None, "", ":memory:"}:
        # Each of our connections would see a database of its own.
        raise DatabaseAddressError("SQLite needs a file", hint=hint)
    return address


def _postgres(address: URL, settings: Mapping[str, str]) -> sa.Engine:
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        execution_options={"compiled_cache": COMPILED},
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS_MAX,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "application_name": "vouch",
            "connect_timeout": CONNECT_SECONDS_MAX,
            **_KEEPALIVES,
            "prepare_threshold": 3,  # parse the long statements of the drain once
        },
    )


def _plan_anew(raw: Any, record: Any, proxy: object) -> None:  # noqa: ANN401 - SQLAlchemy's
    """Have a connection forget its plans when they are old: tables grow."""
    del proxy
    now = monotonic()
    if now - record.info.setdefault("planned_at", now) >= PLAN_SECONDS_MAX:
        record.info["planned_at"] = now
        raw.autocommit, before = True, raw.autocommit
        raw.execute("DISCARD PLANS")
        raw.autocommit = before


def sqlite_engine(address: URL, *, durable: bool, writes: bool) -> sa.Engine:
    """Return an engine of a SQLite file, which writes through one connection or only reads."""
    engine = sa.create_engine(
        address,
        execution_options={"compiled_cache": COMPILED},
        poolclass=sa.QueuePool,
        pool_size=1 if writes else CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS_MAX,
        connect_args={"timeout": BUSY_SECONDS_MAX, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(raw: sqlite3.Connection, record: object) -> None:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute(f"PRAGMA synchronous={_synchronous(durable=durable)}")
        if not writes:
            raw.execute("PRAGMA query_only=ON")
        else:
            raw.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            raw.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        raw: Any = conn.connection.dbapi_connection
        raw.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _synchronous(*, durable: bool) -> str:
    """Return SQLite's setting: in WAL mode only FULL waits for the disk at every commit."""
    return "FULL" if durable else "NORMAL"
