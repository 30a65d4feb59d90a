"""Throughput by batch size: events a second end to end over HTTP, four connections.

`--size` is the events of a round of the largest batches; smaller batches get fewer.
"""

import time
from datetime import UTC, datetime, timedelta

import uvloop

from benchmarks import workload
from benchmarks.figures_of.report import Asked, Row
from benchmarks.httpclient import as_fast_as_it_takes, request_of
from benchmarks.servers import bench_servers
from benchmarks.stack import Stack, installed

SIZE = 24_000
SECONDS = 0.0
BATCHES = (1, 3, 10, 30, 100, 300, 1_000)
CONNECTIONS = 4
SHARE_AT_LEAST = 4


def measure(asked: Asked) -> list[Row]:
    """Return events a second by batch size."""
    taken: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    with bench_servers() as servers, installed(servers) as stack, stack.started():
        _round(stack, BATCHES[-1], asked.size // SHARE_AT_LEAST, "warm")
        for number in range(asked.rounds):
            for batch in BATCHES:
                size = asked.size if batch >= BATCHES[-3] else asked.size // SHARE_AT_LEAST
                taken[batch].append(_round(stack, batch, size, f"b{batch}r{number}"))
    return [
        Row(f"HTTP, batches of {batch}", "events/s", tuple(values), at=batch)
        for batch, values in taken.items()
    ]


def _round(stack: Stack, batch: int, size: int, label: str) -> float:
    before, at = stack.handled(), datetime.now(UTC) - timedelta(minutes=1)
    events = workload.make_openings(size, label, at)
    requests = [request_of(each, stack.port, stack.key) for each in workload.batches(events, batch)]
    began = time.monotonic()
    uvloop.run(as_fast_as_it_takes(stack.port, requests, CONNECTIONS))
    stack.wait_handled(before + size)
    return size / (time.monotonic() - began)
