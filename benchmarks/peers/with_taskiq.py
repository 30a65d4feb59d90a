"""taskiq on Redis streams with psycopg's asynchronous pool: a task an event."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg_pool
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from benchmarks.peers import job

LANES = 16
"""Tasks that the publisher sends at the same time."""

broker = RedisStreamBroker(url=job.queue())


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def _open(state: TaskiqState) -> None:
    state.pool = _pools["pool"] = psycopg_pool.AsyncConnectionPool(
        job.database(), min_size=2, max_size=8, kwargs={"autocommit": True}, open=False
    )
    await state.pool.open()


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def _close(state: TaskiqState) -> None:
    await state.pool.close()


_pools: dict[str, psycopg_pool.AsyncConnectionPool] = {}


@broker.task(task_name="handle")
async def handle(event: dict[str, Any]) -> None:
    """Write the rows."""
    made = job.rows(event)
    async with _pools["pool"].connection() as conn, conn.transaction():
        if await (await conn.execute(job.INSERT_EVENT, made.event)).fetchone() is None:
            return  # delivered before
        await conn.execute(job.INSERT_RUN, made.run)
        await conn.execute(job.INSERT_TIMER, made.timer)
        await conn.execute(job.INSERT_OUTBOX, made.outbox)


async def _publish(events: Sequence[dict[str, Any]]) -> None:
    await broker.startup()
    left = iter(events)

    async def lane() -> None:
        for event in left:
            await handle.kiq(event)

    await asyncio.gather(*(lane() for _ in range(LANES)))
    await broker.shutdown()


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what sends a task an event."""
    return lambda events: asyncio.run(_publish(events))
