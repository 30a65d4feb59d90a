"""What a report on recommendations counts: contacts, and answers to one question."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, json_text, table_of
from store.tables import ActorRow, TaskRow
from workflows.state import Doc

ROWS_MAX = 1_000
"""Rows read at a time."""

_actor, _task = table_of(ActorRow), table_of(TaskRow)


def everybody(conn: Connection) -> Iterator[Doc]:
    """Give the document of every contact, a thousand at a time."""
    after = ""
    while True:
        page = sa.select(_actor.c.key, _actor.c.doc).where(
            _actor.c.slice.in_(ALL_SLICES), _actor.c.key.startswith("contact/"),
            _actor.c.key > after,
        )  # fmt: skip
        rows = conn.execute(page.order_by(_actor.c.key).limit(ROWS_MAX)).all()
        yield from (row.doc for row in rows)
        if len(rows) < ROWS_MAX:
            return
        after = rows[-1].key


def answered(conn: Connection, field: str) -> Iterator[str]:
    """Give what people wrote into a field when they closed a task."""
    said = json_text(conn, _task.c.doc, "data", field)
    found = sa.select(said).where(
        _task.c.slice.in_(ALL_SLICES), _task.c.status == "done", said.is_not(None)
    )
    yield from (str(text) for text in conn.scalars(found))
