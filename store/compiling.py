"""What SQLAlchemy made of a statement is kept for the process, not for each engine of it.

A database has an engine that writes and one that reads, a trial a database of its own for each
way in which it plays: by itself each would compile the same statements anew, which is a quarter
of what `vouch test` does. SQLAlchemy tells what was compiled by the dialect that did it; ours
are equal where they compile alike. Whoever imports this module has them for every address.
"""

from typing import Final

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

STATEMENTS_MAX: Final = 1_500
"""Compiled statements that are kept, for both databases."""

COMPILED: Final[LRUCache[object, object]] = LRUCache(STATEMENTS_MAX)
"""What was compiled, by statement and dialect; an engine takes it as `compiled_cache`."""


class Sqlite(SQLiteDialect_pysqlite):
    """SQLite: the same library for every file of this process."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sqlite)

    def __hash__(self) -> int:
        return hash(Sqlite)


class Postgres(PGDialect_psycopg):
    """Postgres by psycopg: servers of one version compile alike."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Postgres) and _version(self) == _version(other)

    def __hash__(self) -> int:
        return hash(Postgres)


def _version(dialect: Postgres) -> tuple[int, ...] | None:
    """Return the version of the server that was met; None before the first connection."""
    found: tuple[int, ...] | None = getattr(dialect, "server_version_info", None)
    return found


for _name in ("sqlite", "sqlite.pysqlite"):
    registry.register(_name, __name__, Sqlite.__name__)
registry.register("postgresql.psycopg", __name__, Postgres.__name__)
