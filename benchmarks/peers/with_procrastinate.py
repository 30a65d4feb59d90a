"""Procrastinate, on Postgres alone: its own timer is a task deferred by seven days.

`python -m benchmarks.peers.with_procrastinate` makes its tables, with `work` it runs a worker.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import procrastinate
import psycopg_pool

from benchmarks.peers import job
from benchmarks.workload import batches

AT_ONCE = 10
BATCH = 500
"""Tasks deferred by one statement of the publisher."""

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=job.database(), min_size=2, max_size=20)
)
_pools: dict[str, psycopg_pool.AsyncConnectionPool] = {}


@app.task(name="handle", queue="events")
async def handle(event: dict[str, Any]) -> None:
    """Write event, run and message; then defer the reminder."""
    made = job.rows(event)
    async with _pools["pool"].connection() as conn, conn.transaction():
        if await (await conn.execute(job.INSERT_EVENT, made.event)).fetchone() is None:
            return  # delivered before
        await conn.execute(job.INSERT_RUN, made.run)
        await conn.execute(job.INSERT_OUTBOX, made.outbox)
    await remind.configure(schedule_in={"days": 7}).defer_async(run=str(made.run[0]))


@app.task(name="remind", queue="timers")
async def remind(run: str) -> None:
    """Stand for what follows in a week."""


@contextmanager
def _synchronous() -> Iterator[procrastinate.App]:
    connector = procrastinate.SyncPsycopgConnector(conninfo=job.database())
    with app.replace_connector(connector) as replaced, replaced.open():
        yield replaced


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what defers tasks by hundreds, one an event."""
    stack = ExitStack()
    stack.enter_context(_synchronous())

    def publish(events: Sequence[dict[str, Any]]) -> None:
        with stack:
            for batch in batches(events, BATCH):
                handle.batch_defer(*({"event": event} for event in batch))

    return publish


async def work() -> None:
    """Run a worker."""
    pool = psycopg_pool.AsyncConnectionPool(
        job.database(), min_size=2, max_size=AT_ONCE, kwargs={"autocommit": True}, open=False
    )
    async with pool, app.open_async():
        _pools["pool"] = pool
        await app.run_worker_async(
            queues=["events"],
            concurrency=AT_ONCE,
            delete_jobs="successful",
            fetch_job_polling_interval=0.5,
        )


def create_tables() -> None:
    """Make Procrastinate's tables in an empty database."""
    with _synchronous() as opened:
        opened.schema_manager.apply_schema()


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        asyncio.run(work())
    else:
        create_tables()
