"""Singles over HTTP at small cost: requests prepared beforehand, on connections kept open.

A general client costs several times what the server spends on such a request, and would be
what is measured. Answers are looked at: a status other than 202 ends the bench.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence

from benchmarks.processes import BenchError
from benchmarks.workload import Event

END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ACCEPTED = b"HTTP/1.1 202"


def request_of(events: Event | Sequence[Event], port: int, key: str) -> bytes:
    """Return the bytes of a POST of an event, or of several as a batch."""
    kind = "cloudevents" if isinstance(events, dict) else "cloudevents-batch"
    body = json.dumps(events).encode()
    head = (
        f"POST /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/{kind}+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One connection kept open, one request at a time on its way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._left: Iterator[bytes] = iter(())
        self._answer: asyncio.Future[None] | None = None
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")  # noqa: S101
        self._transport = transport  # type: ignore[assignment]

    async def send(self, requests: Iterator[bytes]) -> None:
        """Send requests, each after the answer to the one before; return after the last answer.

        Other connections may take from the same requests.

        Raises:
            BenchError: One was not accepted.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._left = requests
        self._next()
        await self._answer

    def _next(self) -> None:
        if self._transport is None or self._answer is None:
            raise BenchError("not connected")
        request = next(self._left, None)
        if request is not None:
            self._transport.write(request)
        elif not self._answer.done():
            self._answer.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what arrives; after a whole answer the next request leaves."""
        heard = self._heard + data if self._heard else data
        if not _is_whole(heard):
            self._heard = heard
            return
        self._heard = b""
        if heard.startswith(ACCEPTED):
            self._next()
        elif self._answer is not None:
            self._answer.set_exception(BenchError("not accepted", hint=repr(heard[:500])))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits; a server closes what is idle for some seconds."""
        self.is_closed = True
        if self._answer and not self._answer.done():
            self._answer.set_exception(BenchError("the connection was closed"))

    def close(self) -> None:
        """Close the connection."""
        if self._transport:
            self._transport.close()


def _is_whole(heard: bytes) -> bool:
    """Tell whether an answer has come to its end."""
    end = heard.find(END)
    if end < 0:
        return False
    found = LENGTH.search(heard, 0, end)
    return found is not None and len(heard) >= end + len(END) + int(found[1])


async def connect(port: int, connections: int) -> list[Connection]:
    """Open so many connections."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(connections)]
    return [protocol for _, protocol in made]


async def as_fast_as_it_takes(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Send every request, each connection waiting for its answers; return the seconds it took."""
    opened = await connect(port, connections)
    left = iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(connection.send(left) for connection in opened))
    took = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return took


async def at_a_rate(
    port: int, requests: Sequence[bytes], a_second: float, connections: int
) -> list[float]:
    """Send requests at their time, whatever the answers take; return when each was sent.

    Instants are seconds of the epoch. With every connection busy a request waits, and that
    waiting counts.
    """
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()  # the others may go idle
    for connection in await connect(port, connections):
        free.put_nowait(connection)
    sent: list[float] = []

    async def one(connection: Connection, request: bytes) -> None:
        await connection.send(iter((request,)))
        free.put_nowait(connection)

    began = time.time()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(requests):
            due = began + number / a_second
            await asyncio.sleep(max(0.0, due - time.time()))
            ready = time.time()
            sent.append(ready)
            connection = await free.get()
            if connection.is_closed:
                (connection,) = await connect(port, 1)
            group.create_task(one(connection, request))
    while not free.empty():
        free.get_nowait().close()
    return sent
