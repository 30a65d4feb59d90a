"""The schema of a database: what it is, and how it becomes the one that tables.py describes."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

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
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    command.upgrade(_config(conn), "head")


def schema_state(conn: sa.Connection) -> SchemaState:
    """Return the revision the database has and the one that this code needs."""
    head = ScriptDirectory.from_config(_config(conn)).get_current_head()
    current = MigrationContext.configure(conn).get_current_revision()
    return SchemaState(current=current, head=head or "")


def _config(conn: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config
