"""What a single costs on its way in: the web process, Postgres and the client, one event a request.

`python -m benchmarks.web_parts [--events N] [--rounds N] [--connections N] [--rate N]
[--before CHECKOUT]`

Processor time in us a request, of web processes beside which nothing drains; `wall` is its share
of the round's time. With `--before` the code of another checkout of the same schema runs beside
this one, and they take turns: what else runs on the machine changes both. With `--rate` requests
leave at their time instead of as soon as a connection is free.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.httpclient import as_fast_as_it_takes, at_a_rate, request_of
from benchmarks.machine import cpu_seconds
from benchmarks.processes import CHECKOUT, BenchError
from benchmarks.servers import Servers, bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import make_openings

PARTS = ("web", "postgres", "valkey", "client", "wall")
EMPTIED = "TRUNCATE inbox, event"


@dataclass(slots=True)
class Side:
    """One checkout's web process, and what its rounds came to."""

    name: str
    stack: Stack
    found: list[dict[str, float]] = field(default_factory=list)

    def round(self, servers: Servers, chosen: argparse.Namespace, label: str) -> dict[str, float]:
        """Send so many singles; return us a request by part.

        Raises:
            BenchError: An answer came before its commit.
        """
        at = datetime.now(UTC) - timedelta(minutes=1)
        events = make_openings(chosen.events, label, at)
        requests = [request_of(event, self.stack.port, self.stack.key) for event in events]
        pids = {"web": self.stack.pids["web"], **servers.pids}
        before = {part: cpu_seconds(each) for part, each in pids.items()}
        began, began_at = time.process_time(), time.perf_counter()
        uvloop.run(_sent(self.stack.port, requests, chosen))
        spent = {"client": time.process_time() - began, "wall": time.perf_counter() - began_at}
        spent |= {part: cpu_seconds(each) - before[part] for part, each in pids.items()}
        if (stored := self.stack.counter.rows("event")) != len(events):
            raise BenchError(f"{stored} of {len(events)} events were stored before their answer")
        self.stack.conn.execute(EMPTIED)
        return {part: 1e6 * spent[part] / len(events) for part in PARTS}


async def _sent(port: int, requests: Sequence[bytes], chosen: argparse.Namespace) -> None:
    if chosen.rate:
        await at_a_rate(port, requests, chosen.rate, chosen.connections)
    else:
        await as_fast_as_it_takes(port, requests, chosen.connections)


@contextmanager
def sides(servers: Servers, before: Path | None) -> Iterator[list[Side]]:
    """Run a web process of this checkout, and one of the checkout before."""
    with ExitStack() as opened:
        made = []
        for name, checkout in (("before", before), ("now", CHECKOUT)):
            if checkout is not None:
                stack = opened.enter_context(installed(servers))
                opened.enter_context(stack.started(["web"], checkout=checkout))
                made.append(Side(name, stack))
        yield made


def main(arguments: list[str]) -> int:
    """Print the parts by side: the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web_parts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=4_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--before", type=Path, help="a checkout of the code before")
    chosen = parser.parse_args(arguments)
    with bench_servers() as servers, sides(servers, chosen.before) as made:
        for side in made:
            side.round(servers, chosen, "warm")
        for number in range(chosen.rounds):
            for side in made:
                side.found.append(side.round(servers, chosen, f"r{number}"))
        for side in made:
            for part in PARTS:
                values = [each[part] for each in side.found]
                told = f"{median(values):7.1f}  ({min(values):.1f} to {max(values):.1f})"
                print(f"{side.name:8} {part:9} {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
