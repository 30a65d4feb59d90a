"""Memory: what the largest worker has under a steady load, at the beginning and at the end.

Proportional memory, in which pages that processes share count once; resident memory, in which
each has them all, stands beside it.

`--seconds` is how long it lasts (1,800 in full), `--size` the events a second.
"""

import time
from datetime import UTC, datetime
from statistics import median

import uvloop

from benchmarks import workload
from benchmarks.figures_of.report import Asked, Row
from benchmarks.httpclient import at_a_rate, request_of
from benchmarks.machine import memory_mib, own_mib
from benchmarks.servers import bench_servers
from benchmarks.stack import Stack, installed

SIZE = 500
SECONDS = 1_800.0
LOOK_SECONDS = 10.0
BATCH = 10
CONNECTIONS = 8
AIM = "below 120"


def measure(asked: Asked) -> list[Row]:
    """Return memory in the second and in the last tenth of the time; the first tenth warms up."""
    with bench_servers() as servers, installed(servers) as stack, stack.started():
        began, looks = time.monotonic(), [_largest(stack)]
        while time.monotonic() - began < asked.seconds:
            _load(stack, asked.size, f"s{len(looks)}")
            looks.append(_largest(stack))
        stack.wait_handled(stack.counter.rows("event"))
        resident = max(memory_mib([pid]) for pid in stack.pids["workers"])
    tenth = max(1, len(looks) // 10)
    early, late = median(looks[tenth : 2 * tenth] or looks), median(looks[-tenth:])
    return [
        Row("largest worker, at the beginning", "MiB", (early,), AIM),
        Row("largest worker, at the end", "MiB", (late,), AIM),
        Row("largest worker, ever", "MiB", (max(looks),), AIM),
        Row("largest worker, resident, at the end", "MiB", (resident,)),
        Row("growth from beginning to end", "%", (100 * (late / early - 1),), "flat"),
    ]


def _load(stack: Stack, a_second: int, label: str) -> None:
    count = int(a_second * LOOK_SECONDS)
    events = workload.make_openings(count, label, datetime.now(UTC))
    requests = [request_of(each, stack.port, stack.key) for each in workload.batches(events, BATCH)]
    uvloop.run(at_a_rate(stack.port, requests, a_second / BATCH, CONNECTIONS))


def _largest(stack: Stack) -> float:
    return max(own_mib([pid]) for pid in stack.pids["workers"])
