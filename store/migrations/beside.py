"""Indexes of tables that others write to meanwhile: built and dropped without holding them up.

For revisions with `BESIDE_WORK = True`, whose statements are no transaction. Each function does
the same when it is run again after it was broken off anywhere.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from alembic import context, op

_NEW = "_new"
Columns: TypeAlias = Sequence[str | sa.TextClause]
"""Names of columns, or expressions of them."""


def create_index(name: str, table: str, columns: Columns, where: sa.TextClause) -> None:
    """Build a partial index; what an earlier try left unfinished is dropped first."""
    drop_index(name, table)
    conditions: dict[str, Any] = {"postgresql_where": where, "sqlite_where": where}
    op.create_index(name, table, columns, postgresql_concurrently=_is_beside(), **conditions)


def drop_index(name: str, table: str) -> None:
    """Drop an index, if it is there."""
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=_is_beside())


def replace_index(name: str, table: str, columns: Columns, where: sa.TextClause) -> None:
    """Put another index in the place of one; Postgres has either of them all the time."""
    if not _is_beside():
        create_index(name, table, columns, where)
        return
    create_index(name + _NEW, table, columns, where)
    drop_index(name, table)
    op.execute(f"ALTER INDEX {name}{_NEW} RENAME TO {name}")


def _is_beside() -> bool:
    """Tell whether this is outside of a transaction: Postgres with tables, and those at work."""
    return bool(context.config.attributes.get("beside"))
