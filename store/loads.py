"""Who has how many tasks open, and whose turn it is: what a role's `max` and queues look at."""

from collections.abc import Mapping

import sqlalchemy as sa

from store.dialect import insert, table_of
from store.statement import Statement
from store.tables_beside import SequenceRow
from workflows.people import QUEUE

_sequence = table_of(SequenceRow)

_WORDS = """
SELECT assignee, count(*) FROM task WHERE status = 'open' GROUP BY assignee
UNION ALL SELECT name, next FROM sequence WHERE name LIKE ?
"""
_LOADS = Statement(_WORDS, _WORDS.replace("?", "%s"))


def loads_of_all(conn: sa.Connection) -> dict[str, int]:
    """Return the open tasks by assignee, and by `queue.NAME` the place at which it goes on."""
    return {row[0]: row[1] for row in _LOADS.rows(conn, f"{QUEUE}%")}


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
