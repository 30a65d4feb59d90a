"""Databases as earlier versions left them: migrated to a revision of our choice."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from store import schema

FIRST = "0001"


def config(conn: sa.Connection) -> Config:
    """Return what Alembic needs to run our revisions in the transaction of a connection."""
    made = Config()
    made.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = conn
    return made


def upgrade(conn: sa.Connection, to: str) -> None:
    """Bring a database to a revision, in the transaction of a connection."""
    command.upgrade(config(conn), to)


def after_the_first(conn: sa.Connection) -> list[str]:
    """Return every revision after the first one, in order."""
    scripts = ScriptDirectory.from_config(config(conn))
    return [each.revision for each in scripts.iterate_revisions("head", FIRST)][::-1]
