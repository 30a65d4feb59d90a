"""`make bench`: what Vouch reaches beside the actor with a transaction an event, in one run."""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import redis

from benchmarks import designs
from benchmarks.designs import Design
from benchmarks.figures import Figure, Round, summary, table
from benchmarks.machine import cpu_seconds, described, memory_mib
from benchmarks.processes import BenchError, Publisher, last_words
from events.errors import VouchError
from tests.services import libpq, postgres_server, valkey_server

LOOK_SECONDS = 0.02
"""How often a bench looks whether everything is handled."""

STALL_SECONDS_MAX = 120
WARM_EVENTS = 3_000
BASELINE_SHARE = 8
"""The baseline gets so much less to do a round, since it needs as much longer for each."""


def measure(design: Design, label: str, servers: dict[str, list[int]], events: int) -> Round:
    """Publish one round of events and wait for the last effect.

    Raises:
        BenchError: The effects did not come, or are not the ones they must be.
    """
    target = design.handled() + events
    publisher = Publisher(design.way, events, label, design.environ)
    pids = {**design.pids, **servers}
    before = {kind: cpu_seconds(found) for kind, found in pids.items()}
    began = publisher.go()
    ended = _last_effect(design, publisher, target)
    spent = {kind: cpu_seconds(found) - before[kind] for kind, found in pids.items()}
    spent["publisher"] = publisher.end()
    design.verify(events)
    return Round(events, ended - began, spent, memory_mib(design.pids["workers"]))


def _last_effect(design: Design, publisher: Publisher, target: int) -> float:
    """Return when everything was handled, looking in ways that cost the design little."""
    deadline = time.monotonic() + STALL_SECONDS_MAX
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        if not publisher.is_done() or not design.is_idle():
            continue
        now = time.time()
        if design.handled() >= target:
            return now
    raise BenchError(
        f"{design.name}: {design.handled()} of {target} events handled in {STALL_SECONDS_MAX} s",
        hint=last_words(design.log),
    )


def bench(rounds: int, events: int) -> tuple[list[Figure], Figure]:
    """Return the figures of all designs, and which of them is the baseline's."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-bench-")))
        server = stack.enter_context(postgres_server(folder / "postgres"))
        queue = stack.enter_context(valkey_server(folder / "valkey"))
        servers = {"postgres": [_postgres_pid(server)], "valkey": [_valkey_pid(queue)]}
        less = max(1_000, events // BASELINE_SHARE)
        base = stack.enter_context(designs.baseline(server, queue, folder, less))
        ours = stack.enter_context(designs.vouch(server, queue, folder, events))
        taken: dict[str, list[Round]] = {}
        for number in range(rounds + 1):  # the first warms up
            for design in (base, *ours):
                label = f"{design.way}{number}"
                count = design.events if number else min(WARM_EVENTS, design.events)
                found = measure(design, label, servers, count)
                print(f"{label:12} {found.rate:8,.0f} events/s", file=sys.stderr, flush=True)
                if number:
                    taken.setdefault(design.name, []).append(found)
        figures = [Figure(name, tuple(each)) for name, each in taken.items()]
        return figures, figures[0]


def _postgres_pid(server: str) -> int:
    with psycopg.connect(libpq(server)) as conn:
        return psutil.Process(conn.info.backend_pid).ppid()


def _valkey_pid(queue: str) -> int:
    with redis.Redis.from_url(queue) as client:
        return int(client.info("server")["process_id"])


def main(arguments: list[str]) -> int:
    """Run the bench; print a table for people and a line of JSON for machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of each design")
    parser.add_argument("--events", type=int, default=24_000, help="events a round")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1 or chosen.events < 1_000:
        parser.error("at least one round, and a thousand events")
    try:
        figures, base = bench(chosen.rounds, chosen.events)
    except VouchError as error:
        print(f"bench: {error}\n{error.hint}", file=sys.stderr)
        return 1
    print(f"{described()}; {designs.WORKERS} worker processes each\n\n{table(figures, base)}\n")
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described(),
        "designs": summary(figures, base),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
