"""Who has how many tasks open, and whose turn it is: the same words on both databases."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from store.backlog import inbox_length
from store.db import Store
from store.dialect import table_of
from store.loads import keep_turns, loads_of_all
from store.tables import TaskRow

NOW = datetime(2027, 2, 1, 9, tzinfo=UTC)


def _task(number: int, assignee: str, status: str) -> dict[str, Any]:
    names = ("actor", "run", "workflow", "step", "role", "title")
    return {
        **dict.fromkeys(names, "x"), "slice": 0, "key": f"t-{number}", "assignee": assignee,
        "status": status, "opened_at": NOW, "due_at": NOW, "doc": {},
    }  # fmt: skip


def test_open_tasks_are_counted_and_turns_are_kept(store: Store) -> None:
    """Closed tasks are no load; a queue goes on where it stopped."""
    rows = [(1, "u-sam", "open"), (2, "u-sam", "open"), (3, "u-lena", "open"), (4, "u-sam", "done")]
    with store.transaction() as conn:
        conn.execute(sa.insert(table_of(TaskRow)), [_task(*row) for row in rows])
        keep_turns(conn, {}, {"queue.sales": 3, "u-sam": 9})

    with store.reader() as conn:
        assert loads_of_all(conn) == {"u-sam": 2, "u-lena": 1, "queue.sales": 3}
        assert inbox_length(conn, at_most=5) == 0
