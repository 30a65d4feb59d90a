"""The schema of a database: what it is, and how it becomes the one that tables.py describes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
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


def migrate(conn: sa.Connection) -> str:
    """Bring the schema as far as the caller's transaction can, and return which revision is next.

    Both databases have transactional DDL: what fails leaves nothing behind. A revision that
    has `BESIDE_WORK` builds indexes without holding up writers, which Postgres does outside of
    transactions only: it ends the transaction before it, and `migrate_beside` does it. An empty
    database has no writers, and SQLite has one: there all is one transaction.
    """
    from alembic import command  # noqa: PLC0415 - ten MiB that a worker does without

    config = _config(conn)
    if conn.dialect.name == "postgresql":
        # Whoever waits for a table's lock holds up all who come after it: better to give up,
        # let them pass, and try again.
        conn.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
        for revision, is_beside in _pending(conn, config):
            if is_beside:
                return revision
            command.upgrade(config, revision)
    command.upgrade(config, "head")
    return ""


def migrate_beside(conn: sa.Connection, revision: str) -> None:
    """Run one revision outside of a transaction; broken off, it is simply run again."""
    from alembic import command  # noqa: PLC0415 - as in `migrate`

    config = _config(conn)
    config.attributes["beside"] = True
    command.upgrade(config, revision)


def _pending(conn: sa.Connection, config: "Config") -> list[tuple[str, bool]]:
    """Return the revisions that a database with tables lacks, and which run beside work."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as in `migrate`

    current = schema_state(conn).current
    if current is None:
        return []
    lacking = ScriptDirectory.from_config(config).iterate_revisions("head", current)
    return [(each.revision, getattr(each.module, "BESIDE_WORK", False)) for each in lacking][::-1]


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
    holding up writers) is not, and what somebody did by hand is not either. Migrating again
    builds anew what the revisions that are still to come left unfinished.
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
