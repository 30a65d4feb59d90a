"""Numbers for rows in the order in which they were written."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from store.dialect import insert, is_postgres, table_of
from store.tables_beside import SequenceRow

NAME = "vouch_seq"

SEQUENCE = sa.Sequence(NAME, metadata=SQLModel.metadata)
"""Postgres's; `create_all` makes it with the tables, and SQLite has none."""


def next_seqs(conn: Connection, n: int) -> list[int]:
    """Return `n` numbers never given before, ascending; one statement, none for no numbers.

    Gaps are normal: Postgres does not give numbers back when a transaction rolls back.
    Numbers order what one transaction wrote; between two transactions the later number may
    be seen first.
    """
    if n <= 0:
        return []
    if is_postgres(conn):
        numbers = sa.select(SEQUENCE.next_value()).select_from(sa.func.generate_series(1, n))
        return sorted(conn.scalars(numbers))
    table = table_of(SequenceRow)
    taken = insert(conn, table).values(name=NAME, next=1 + n)
    following = conn.scalar(
        taken.on_conflict_do_update(
            index_elements=["name"], set_={"next": table.c.next + n}
        ).returning(table.c.next)
    )
    return list(range(following - n, following))
