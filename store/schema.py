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


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision a database has (None: no tables yet) and which one this code needs."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """True when the code may work on the database."""
        return self.current == self.head


def migrate(conn: sa.Connection) -> None:
    """Bring the schema to the newest revision, inside the caller's transaction.

    Both databases have transactional DDL: a migration that fails leaves nothing behind.
    """
    from alembic import command  # noqa: PLC0415 - ten MiB that a worker does without

    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
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


def _config(conn: sa.Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as in `migrate`

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config
