"""Which statements cost what, as Postgres itself counts them."""

from collections.abc import Iterator
from typing import Any

import psycopg

WATCHED = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "pg_stat_statements.track_utility": "on",
}
"""Settings of a server that counts; counting costs it about one part in a hundred."""

_COSTLIEST = """
SELECT calls, total_exec_time + total_plan_time AS spent, total_plan_time, wal_bytes, query
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() ORDER BY spent DESC LIMIT %s
"""


def begin_counting(conn: psycopg.Connection[Any]) -> None:
    """Forget what was counted before."""
    conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    conn.execute("SELECT pg_stat_statements_reset()")


def costliest(conn: psycopg.Connection[Any], events: int, most: int = 12) -> Iterator[str]:
    """Give a line a statement: us an event, of it planning, calls, bytes of log, its head."""
    yield "us/event  planning  calls  events/call  WAL bytes/event  statement"
    for calls, spent, planning, wal, query in conn.execute(_COSTLIEST, [most]):
        head = " ".join(str(query).split())[:70]
        yield (
            f"{1e3 * spent / events:8.1f}  {1e3 * planning / events:8.1f}  {calls:5}"
            f"  {events / calls:11.0f}  {float(wal) / events:15.0f}  {head}"
        )
