"""Singles over HTTP: events a second, each answered 202 after its commit, one event a request.

`--size` is the events a round. The rate ends with the last answer; that each led to its effects
is looked at afterwards.
"""

from datetime import UTC, datetime, timedelta

import uvloop

from benchmarks.figures_of.report import Asked, Row
from benchmarks.httpclient import as_fast_as_it_takes, request_of
from benchmarks.processes import BenchError
from benchmarks.servers import bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import make_openings

SIZE = 30_000
SECONDS = 0.0
CONNECTIONS = 64
AIM = "5,000"


def measure(asked: Asked) -> list[Row]:
    """Return the rate of answers, and end to end."""
    answered, handled = [], []
    with bench_servers() as servers, installed(servers) as stack, stack.started():
        _round(stack, max(1, asked.size // 8), "warm")
        for number in range(asked.rounds):
            to_answer, to_effect = _round(stack, asked.size, f"r{number}")
            answered.append(asked.size / to_answer)
            handled.append(asked.size / to_effect)
    return [
        Row("singles over HTTP, to the 202", "events/s", tuple(answered), AIM),
        Row("singles over HTTP, to the last effect", "events/s", tuple(handled)),
    ]


def _round(stack: Stack, size: int, label: str) -> tuple[float, float]:
    known, before = stack.counter.rows("event"), stack.handled()
    at = datetime.now(UTC) - timedelta(minutes=1)
    events = make_openings(size, label, at)
    requests = [request_of(event, stack.port, stack.key) for event in events]
    began = datetime.now(UTC)
    took = uvloop.run(as_fast_as_it_takes(stack.port, requests, CONNECTIONS))
    stored = stack.counter.rows("event") - known
    if stored < size:
        raise BenchError(f"{stored} of {size} events were stored before their answer")
    stack.wait_handled(before + size)
    return took, (datetime.now(UTC) - began).total_seconds()
