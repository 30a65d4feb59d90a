"""Latency from publishing to the committed effect, over HTTP and over the queue, by load.

`--seconds` is how long each load lasts; `--size` is the least number of events of a round. The
effect is seen by another session of the database, which asks all the time: what it costs is on
the account of Vouch, on the same cores.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, cast

import dramatiq
import uvloop
from dramatiq.brokers.redis import RedisBroker

from benchmarks.figures_of.report import Asked, Row, percentile
from benchmarks.httpclient import at_a_rate, request_of
from benchmarks.processes import CHECKOUT, BenchError
from benchmarks.servers import bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import Event, make_openings

SIZE = 60
SECONDS = 20.0
LOADS = (2, 50, 500)
CONNECTIONS = 32
WARM_SECONDS = 5.0
AIMS: dict[str, dict[int, tuple[int | None, int | None]]] = {
    "http": {2: (5, 10), 50: (5, 10), 500: (None, 15)},
    "queue": {2: (None, 15), 50: (None, 15), 500: (None, 50)},
}

Send = Callable[[Stack, Sequence[Event], float], list[float]]


def measure(asked: Asked) -> list[Row]:
    """Return the median and the 99th percentile by way and load, in milliseconds."""
    taken: dict[tuple[str, int], list[list[float]]] = {}
    with bench_servers() as servers, installed(servers) as stack, stack.started():
        for way, send in WAYS.items():
            count = max(asked.size, int(LOADS[1] * min(WARM_SECONDS, asked.seconds)))
            one_round(stack, send, LOADS[1], count, f"warm{way}")
        for number in range(asked.rounds):
            for load in LOADS:
                for way, send in WAYS.items():
                    count = max(asked.size, int(load * asked.seconds))
                    found = one_round(stack, send, load, count, f"{way}{load}r{number}")
                    taken.setdefault((way, load), []).append(found)
    return [row for (way, load), rounds in taken.items() for row in _rows(way, load, rounds)]


def _rows(way: str, load: int, rounds: Sequence[Sequence[float]]) -> Iterator[Row]:
    for percent, aim in zip((50, 99), AIMS[way][load], strict=True):
        values = tuple(1e3 * percentile(each, percent) for each in rounds)
        words = f"below {aim}" if aim else ""
        yield Row(f"{way}, {load}/s, p{percent}", "ms", values, words, load)


def one_round(stack: Stack, send: Send, load: float, count: int, label: str) -> list[float]:
    """Publish so many events at a load; return the seconds each took to its effect.

    Raises:
        BenchError: An effect did not come.
    """
    events = make_openings(count, label, datetime.now(UTC), a_contact=1)
    with _watching(stack, label, count) as read:
        sent = send(stack, events, load)
        seen = read()
    if len(seen) != count:
        raise BenchError(f"{label}: {len(seen)} of {count} effects", hint=stack.words())
    return [late - early for early, late in zip(sent, seen, strict=True)]


@contextmanager
def _watching(stack: Stack, label: str, count: int) -> Iterator[Callable[[], list[float]]]:
    command = [sys.executable, "-m", "benchmarks.figures_of.watch", label, str(count)]
    environ = {**os.environ, **stack.environ}
    with subprocess.Popen(
        command, env=environ, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as process:
        hears = cast("IO[str]", process.stdout)
        if hears.readline().strip() != "READY":
            raise BenchError("the watcher failed")
        try:
            yield lambda: cast("list[float]", json.loads(hears.readline()))
        finally:
            process.terminate()


def _over_http(stack: Stack, events: Sequence[Event], load: float) -> list[float]:
    requests = [request_of(event, stack.port, stack.key) for event in events]
    return uvloop.run(at_a_rate(stack.port, requests, load, CONNECTIONS))


def _over_queue(stack: Stack, events: Sequence[Event], load: float) -> list[float]:
    broker = RedisBroker(url=stack.environ["VOUCH_REDIS_URL"])  # type: ignore[no-untyped-call]

    @dramatiq.actor(broker=broker, queue_name="events")
    def accept(events: list[Event]) -> None:
        """Stand for the actor that the workers run."""

    sent = []
    began = time.time()
    for number, event in enumerate(events):
        time.sleep(max(0.0, began + number / load - time.time()))
        sent.append(time.time())
        accept.send([event])
    return sent


WAYS: dict[str, Send] = {"http": _over_http, "queue": _over_queue}
