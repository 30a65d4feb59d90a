"""Engines of a database: how each connection is opened, and what it is told first."""

import sqlite3
from collections.abc import Mapping
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from store.compiling import COMPILED
from store.errors import DatabaseAddressError

BUSY_SECONDS_MAX = 30
CACHE_KIB = 16_384
"""What a connection that writes to SQLite keeps of the file: a batch is held whole."""
CHECKPOINT_PAGES = 4_096
"""Pages of SQLite's log (16 MiB) before they go into the file, which waits for the disk twice; a
page that was written often goes once."""
CONNECTIONS_MAX = 24  # of one process: its threads, and the pages of its web server
CONNECT_SECONDS_MAX = 5

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
_KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def address_of(url: str) -> URL:
    """Return an address of a database, read.

    Raises:
        DatabaseAddressError: Neither a SQLite file nor a Postgres.
    """
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


def postgres_engines(
    address: URL, *, durable: bool, idle_seconds: int
) -> tuple[sa.Engine, sa.Engine]:
    """Return two engines of a Postgres: one that plans each statement, one that plans it once."""
    idle = {"idle_in_transaction_session_timeout": f"{idle_seconds}s"}
    settings = _POSTGRES_SETTINGS | idle | ({} if durable else {"synchronous_commit": "off"})
    engine = _postgres(address, settings)
    hot = _postgres(address, settings | _PLANNED_ONCE)
    sa.event.listen(hot, "checkout", _plan_anew)
    return engine, hot


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
        raw.execute(f"PRAGMA synchronous={synchronous(durable=durable)}")
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


def synchronous(*, durable: bool) -> str:
    """Return SQLite's setting: in WAL mode only FULL waits for the disk at every commit."""
    return "FULL" if durable else "NORMAL"
