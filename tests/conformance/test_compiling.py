"""What was compiled for one engine of this process serves the next."""

from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import CacheStats

from store.compiling import Postgres, Sqlite
from store.db import Store


def test_a_statement_is_compiled_once_for_all_engines(database_url: str) -> None:
    """The first engine compiles it; those of the same and of another store find it."""
    statement = sa.select(sa.literal(1).label("only_here"))
    found = []
    for _ in range(2):
        with closing(Store.open(database_url)) as store:
            for engine in (store.reader, store.transaction, store.at_once):
                with engine() as conn:
                    found.append(conn.execute(statement).context.cache_hit)

    assert found == [CacheStats.CACHE_MISS, *[CacheStats.CACHE_HIT] * 5]


def test_databases_do_not_share_what_was_compiled() -> None:
    """Nor do servers of two versions, nor SQLAlchemy's own dialects with ours."""
    our_postgres: Any = Postgres
    their_sqlite: Any = sqlite.dialect
    their_postgres: Any = postgresql.dialect
    older, newer = our_postgres(), our_postgres()
    older.server_version_info, newer.server_version_info = (17, 1), (18, 1)

    assert Sqlite() == Sqlite()
    assert our_postgres() == our_postgres()
    assert older != newer
    assert len({Sqlite(), our_postgres(), older, newer}) == 4
    assert Sqlite() != their_sqlite()
    assert our_postgres() != their_postgres()
