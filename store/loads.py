"""Who has how many tasks open, and whose turn it is: what a role's `max` and queues look at."""

from collections.abc import Mapping

import sqlalchemy as sa

from store.dialect import insert, table_of
from store.tables import SequenceRow, TaskRow
from workflows.people import QUEUE

_task, _sequence = table_of(TaskRow), table_of(SequenceRow)


_LOADS = sa.union_all(
    sa.select(_task.c.assignee, sa.func.count())
    .where(_task.c.status == sa.literal_column("'open'"))
    .group_by(_task.c.assignee),
    sa.select(_sequence.c.name, _sequence.c.next).where(
        _sequence.c.name.like(sa.literal_column(f"'{QUEUE}%'"))
    ),
)


def loads_of_all(conn: sa.Connection) -> dict[str, int]:
    """Return the open tasks by assignee, and by `queue.NAME` the place at which it goes on."""
    return dict(tuple(row) for row in conn.execute(_LOADS))


def keep_turns(conn: sa.Connection, before: Mapping[str, int], loads: Mapping[str, int]) -> None:
    """Keep whose turn it is now. Drains at the same moment may give one person two in a row.

    The last write of its transaction, in the order of names: it waits for another drain that
    has moved the same queue, and holds up nothing that one needs.
    """
    moved = {
        name: place
        for name, place in sorted(loads.items())
        if name.startswith(QUEUE) and before.get(name) != place
    }
    if moved:
        rows = insert(conn, _sequence).values([{"name": n, "next": p} for n, p in moved.items()])
        conn.execute(
            rows.on_conflict_do_update(index_elements=["name"], set_={"next": rows.excluded.next})
        )
