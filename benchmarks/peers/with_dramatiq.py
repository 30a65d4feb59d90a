"""dramatiq with hand-written psycopg: a message an event.

Two actors: `sql`, a transaction of four statements, and `cte`, the same in one statement.
"""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import dramatiq
import psycopg
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import job

broker = RedisBroker(url=job.queue())  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
_local = threading.local()


def _conn() -> psycopg.Connection[Any]:
    conn: psycopg.Connection[Any] | None = getattr(_local, "conn", None)
    if conn is None or conn.closed:
        conn = _local.conn = job.connect()
    return conn


@dramatiq.actor
def sql(event: dict[str, Any]) -> None:
    """Write the rows by four statements."""
    job.write(_conn(), event)


@dramatiq.actor
def cte(event: dict[str, Any]) -> None:
    """Write the rows by one statement."""
    job.write_in_one(_conn(), event)


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what sends a message an event to the actor that `BENCH_ACTOR` names."""
    actor = {"sql": sql, "cte": cte}[os.environ["BENCH_ACTOR"]]

    def publish(events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            actor.send(event)

    return publish
