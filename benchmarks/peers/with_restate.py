"""Restate: a virtual object by contact, served by granian; the step writes the message.

Event, run and timer are Restate's own: its journal, and a call to itself in seven days.
"""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import psycopg_pool
import restate

from benchmarks.peers import job

INFLIGHT = 128
"""Requests that the publisher has on their way at the same time."""

contact = restate.VirtualObject("Contact")
_pools: dict[str, psycopg_pool.AsyncConnectionPool] = {}


async def _pool() -> psycopg_pool.AsyncConnectionPool:
    if "pool" not in _pools:
        pool = _pools["pool"] = psycopg_pool.AsyncConnectionPool(
            job.database(), min_size=1, max_size=8, kwargs={"autocommit": True}, open=False
        )
        await pool.open()
    return _pools["pool"]


async def _write(event: dict[str, Any]) -> str:
    made = job.rows(event)
    async with (await _pool()).connection() as conn:
        await conn.execute(job.INSERT_OUTBOX, made.outbox)
    return str(made.outbox[0])


@contact.handler()
async def handle(ctx: restate.ObjectContext, event: dict[str, Any]) -> str:
    """Write the message in a durable step; then ask to be reminded."""
    message = await ctx.run_typed("write", _write, event=event)
    ctx.object_send(remind, key=ctx.key(), arg={"message": message}, send_delay=job.WEEK)
    return message


@contact.handler()
async def remind(ctx: restate.ObjectContext, arg: dict[str, Any]) -> None:
    """Stand for what follows in a week."""


asgi = restate.app([contact])


async def _publish(events: Sequence[dict[str, Any]]) -> None:
    ingress, left = os.environ["BENCH_INGRESS"], iter(events)

    async def lane(session: aiohttp.ClientSession) -> None:
        for event in left:
            key = event["subject"].partition("/")[2]
            headers = {"idempotency-key": event["id"], "content-type": "application/json"}
            where = f"{ingress}/Contact/{key}/handle/send"
            async with session.post(where, data=json.dumps(event), headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

    connector = aiohttp.TCPConnector(limit=INFLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(lane(session) for _ in range(INFLIGHT)))


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what posts the events, one a request."""
    return lambda events: asyncio.run(_publish(events))
