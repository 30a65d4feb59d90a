"""`make bench`: what Vouch reaches beside the actor with a transaction an event, in one run."""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import psycopg
import redis

from benchmarks import designs
from benchmarks.designs import Design
from benchmarks.figures import Figure, Round, summary, table
from benchmarks.machine import cpu_seconds, described, memory_mib, parent_of
from benchmarks.processes import BenchError, Publisher, last_words
from benchmarks.statements import WATCHED
from events.errors import VouchError
from tests.services import libpq, postgres_server, valkey_server

LOOK_SECONDS = 0.02
"""How often a bench looks whether everything is handled."""

STALL_SECONDS_MAX = 120
WARM_EVENTS = 12_000
"""Fewer would be too few for two workers to keep answers behind what they answer."""
EVENTS_MIN = 4_800
PLAIN_SHARE = 24
TUNED_SHARE = 8
"""A baseline gets so much less to do in a round, since each of its events takes longer."""
BASES = 3
"""How many of the designs are what ours are compared with."""


def measure(design: Design, label: str, servers: dict[str, list[int]], events: int) -> Round:
    """Publish one round of events and wait for the last effect.

    Raises:
        BenchError: The effects did not come, or are not the ones they must be.
    """
    target = design.handled() + events
    publisher = Publisher(design.way, events, label, design.environ, design.log)
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


def bench(rounds: int, events: int) -> list[Figure]:
    """Return the figures of all designs, the two baselines first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-bench-")))
        server = stack.enter_context(postgres_server(folder / "postgres", more=WATCHED))
        queue = stack.enter_context(valkey_server(folder / "valkey"))
        servers = {"postgres": [_postgres_pid(server)], "valkey": [_valkey_pid(queue)]}
        place = (server, queue, folder)
        compared = [
            stack.enter_context(designs.baseline(*place, events // PLAIN_SHARE, tuned=False)),
            stack.enter_context(designs.baseline(*place, events // TUNED_SHARE, tuned=True)),
            stack.enter_context(designs.one_by_one(*place, events // PLAIN_SHARE)),
            *stack.enter_context(designs.vouch(*place, events)),
        ]
        taken: dict[str, list[Round]] = {}
        for number in range(rounds + 1):  # the first warms up
            for design in compared:
                label = f"{design.key}{number}"
                count = design.events if number else min(WARM_EVENTS, design.events)
                found = measure(design, label, servers, count)
                print(f"{label:12} {found.rate:8,.0f} events/s", file=sys.stderr, flush=True)
                if number:
                    taken.setdefault(design.key, []).append(found)
        return [Figure(each.key, each.name, tuple(taken[each.key])) for each in compared]


def _postgres_pid(server: str) -> int:
    with psycopg.connect(libpq(server)) as conn:
        return parent_of(conn.info.backend_pid)


def _valkey_pid(queue: str) -> int:
    with redis.Redis.from_url(queue) as client:
        info = cast("dict[str, int]", client.info("server"))
        return info["process_id"]


def main(arguments: list[str]) -> int:
    """Run the bench; print a table for people and a line of JSON for machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of each design")
    parser.add_argument("--events", type=int, default=24_000, help="events a round")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1 or chosen.events < EVENTS_MIN:
        parser.error(f"at least one round, and {EVENTS_MIN} events")
    try:
        figures = bench(chosen.rounds, chosen.events)
    except VouchError as error:
        print(f"bench: {error}\n{error.hint}", file=sys.stderr)
        return 1
    head = f"{described()}; {designs.WORKERS} worker processes each"
    print(f"{head}\n\n{table(figures, figures[:BASES])}\n")
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described(),
        "designs": summary(figures, figures[:BASES]),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
