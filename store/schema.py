"""The schema of a database: what it is, and how it becomes the one that tables.py describes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number nobody else uses: two processes that start together migrate one after the other.
_MIGRATION_LOCK = 0x766F756368
LOCK_SECONDS_MAX = 2
"""How long a migration waits for a table that others work on, and they for it."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision a database has (None: no tables yet) and which one this code needs."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """True when the code may work on the database."""
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """True when a later version than this one has migrated the database."""
        return self.current is not None and self.current > self.head


def migrate(conn: sa.Connection) -> None:
    """Bring the schema to the newest revision, inside the caller's transaction.

    Both databases have transactional DDL: a migration that fails leaves nothing behind.
    """
    from alembic import command  # noqa: PLC0415 - ten MiB that a worker does without

    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        # Whoever waits for a table's lock holds up all who come after it: better to give up,
        # let them pass, and try again.
        conn.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
    command.upgrade(_config(conn), "head")


def schema_state(conn: sa.Connection) -> SchemaState:
    """Return the revision the database has and the one that this code needs.

    Every process asks at its start, so it is read without the library that migrates:
    revisions are files whose names begin with their numbers.
    """
    head = max(file.name.partition("_")[0] for file in _MIGRATIONS.glob("versions/[0-9]*_*.py"))
    version = sa.table("alembic_version", sa.column("version_num"))
    known = sa.inspect(conn).has_table(version.name)
    current = conn.scalar(sa.select(version.c.version_num)) if known else None
    return SchemaState(current=current, head=head)


def half_done(conn: sa.Connection) -> list[str]:
    """Return what a migration left behind that was broken off: said in words, none if all is well.

    Migrations are transactions, but what is built beside running work (an index, without
    holding up writers) is not, and what somebody did by hand is not either.
    """
    found = []
    if sa.inspect(conn).has_table("alembic_version"):
        rows = list(conn.scalars(sa.text("SELECT version_num FROM alembic_version")))
        if len(rows) > 1:
            found.append(f"it has {len(rows)} revisions at once: {', '.join(sorted(rows))}")
    if conn.dialect.name == "postgresql":
        names = sa.text(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace"
            " ORDER BY 1"
        )
        found += [f"the index {name} was not finished" for name in conn.scalars(names)]
    return found


def _config(conn: sa.Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as in `migrate`

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config
