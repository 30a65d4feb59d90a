"""DBOS Transact on Postgres: a durable workflow an event, a step that writes the message.

Event, run and timer are its own: the workflow's row, and a reminder enqueued with a delay of
seven days. `python -m benchmarks.peers.with_dbos` makes its tables, with `work` runs a worker.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg_pool
from dbos import DBOS, DBOSClient, DBOSConfig, SetEnqueueOptions, run_dbos_database_migrations

from benchmarks.peers import job
from benchmarks.workload import batches

NAME = "bench"
THREADS = 16
POLL_SECONDS = 0.05
BATCH = 500
"""Workflows enqueued by one transaction of the publisher."""


def _address() -> str:
    return job.database().replace("postgresql://", "postgresql+psycopg://", 1)


def work() -> None:
    """Run a worker until it is killed."""
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": _address(),
        "application_version": "1",
        "log_level": "WARNING",
        "max_executor_threads": THREADS,
        "sys_db_pool_size": THREADS + 4,
    }
    DBOS(config=config)
    pool = psycopg_pool.ConnectionPool(
        job.database(), min_size=2, max_size=THREADS, kwargs={"autocommit": True}, open=True
    )

    @DBOS.step(name="write")
    def write(event: dict[str, Any]) -> str:
        made = job.rows(event)
        with pool.connection() as conn:
            conn.execute(job.INSERT_OUTBOX, made.outbox)
        return str(made.outbox[0])

    @DBOS.workflow(name="remind")
    def remind(message: str) -> None:
        """Stand for what follows in a week."""

    @DBOS.workflow(name="handle")
    def handle(event: dict[str, Any]) -> None:
        message = write(event)
        with SetEnqueueOptions(delay_seconds=job.WEEK.total_seconds()):
            DBOS.enqueue_workflow("timers", remind, message)

    DBOS.launch()
    DBOS.register_queue("events", polling_interval_sec=POLL_SECONDS)
    DBOS.register_queue("timers", polling_interval_sec=1.0)
    threading.Event().wait()


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what enqueues workflows by hundreds, one an event."""
    client = DBOSClient(system_database_url=_address())
    engine = client._sys_db.engine  # noqa: SLF001 - it enqueues in a transaction of ours
    options = {
        "queue_name": "events",
        "workflow_name": "handle",
        "app_version": "1",
        "application_name": NAME,
    }

    def publish(events: Sequence[dict[str, Any]]) -> None:
        for batch in batches(events, BATCH):
            with engine.begin() as conn:
                for event in batch:
                    named = {**options, "workflow_id": event["id"]}
                    client.enqueue_in_transaction(conn, named, event)
        client.destroy()

    return publish


def create_tables() -> None:
    """Make DBOS' tables in an empty database."""
    run_dbos_database_migrations(_address())


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        work()
    else:
        create_tables()
