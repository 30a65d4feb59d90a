"""How many tasks each colleague has open: what a role's `max` and its queues look at."""

import sqlalchemy as sa

from store.dialect import table_of
from store.tables import TaskRow

_task = table_of(TaskRow)


_COUNTED = (
    sa.select(_task.c.assignee, sa.func.count())
    .where(_task.c.status == sa.literal_column("'open'"))
    .group_by(_task.c.assignee)
)


def open_tasks(conn: sa.Connection) -> dict[str, int]:
    """Return the number of open tasks by assignee."""
    return dict(tuple(row) for row in conn.execute(_COUNTED))
