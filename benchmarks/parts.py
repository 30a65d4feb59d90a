"""Where the time of an event goes: one process takes in and drains, part by part.

`python -m benchmarks.parts [--events N] [--rounds N] [--profile FILE]`

Processor time of this process and of Postgres, in us an event; nothing of Redis and dramatiq.
What a part costs here it costs a worker too, and it hardly depends on what else runs.
"""

import argparse
import cProfile
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

import workers.draining
import workflows.engine
from benchmarks.designs import PROGRAMME
from benchmarks.machine import cpu_seconds, parent_of
from benchmarks.workload import batches, make_events
from store.db import Store
from tests.services import libpq, new_database, postgres_server
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme

PARTS = ("intake", "intake postgres", "decide", "drain", "drain postgres")


@dataclass(slots=True)
class Meter:
    """Adds up processor time by part, nested parts taken out of what is around them."""

    pid: int
    spent: dict[str, float] = field(default_factory=dict)
    inner: float = 0.0

    @contextmanager
    def part(self, name: str, postgres: str = "") -> Iterator[None]:
        """Count what happens within as `name`, what Postgres does meanwhile as `postgres`."""
        before = cpu_seconds([self.pid]) if postgres else 0.0
        outer, self.inner = self.inner, 0.0
        began = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - began
            self.add(name, took - self.inner)
            self.inner = outer + took
            if postgres:
                self.add(postgres, cpu_seconds([self.pid]) - before)

    def add(self, name: str, seconds: float) -> None:
        """Add to a part."""
        self.spent[name] = self.spent.get(name, 0.0) + seconds

    def wrapped(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Return a function that counts itself."""

        @wraps(function)
        def counting(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with self.part(name):
                return function(*args, **kwargs)

        return counting


def measure(app: App, meter: Meter, events: int, label: str) -> dict[str, float]:
    """Take in and drain so many events; return us an event by part."""
    made = make_events(events, label, datetime.now(UTC) - timedelta(minutes=1))
    meter.spent.clear()
    gc.collect()
    gc.freeze()
    with meter.part("intake", "intake postgres"):
        for batch in batches(made, 100):
            app.publish(batch)
    with meter.part("drain", "drain postgres"):
        while app.drain().inputs:
            pass
    return {part: 1e6 * meter.spent.get(part, 0.0) / events for part in PARTS}


def _open(stack: ExitStack) -> tuple[App, Meter]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-parts-")))
    server = stack.enter_context(postgres_server(folder / "postgres"))
    database = stack.enter_context(new_database(server, "parts"))
    with psycopg.connect(libpq(server)) as conn:
        pid = parent_of(conn.info.backend_pid)
    store = Store.open(database)
    stack.callback(store.close)
    store.migrate()
    apply_loaded(store, load_programme(load_folder(PROGRAMME)), now=datetime.now(UTC), by="bench")
    desk = Desk(Tokens([b"parts" * 8]), "http://localhost", "parts@bench.example")
    app = App(store, SystemClock(), desk, {}, token=lambda: "parts")
    app.programmes.current()
    return app, Meter(pid)


def main(arguments: list[str]) -> int:
    """Print the parts: the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=8_000)
    parser.add_argument("--profile", help="write a profile of the last round to this file")
    chosen = parser.parse_args(arguments)
    gc.set_threshold(50_000)
    with ExitStack() as stack:
        app, meter = _open(stack)
        decide = workflows.engine.decide
        vars(workers.draining)["decide"] = meter.wrapped(decide, "decide")
        measure(app, meter, chosen.events, "warm")
        found = [measure(app, meter, chosen.events, f"r{n}") for n in range(chosen.rounds)]
        for part in PARTS:
            values = [each[part] for each in found]
            print(f"{part:16} {median(values):7.1f}  ({min(values):.1f} to {max(values):.1f})")
        print(f"{'together':16} {median(sum(each.values()) for each in found):7.1f}")
        if chosen.profile:
            vars(workers.draining)["decide"] = decide
            profile = cProfile.Profile()
            profile.enable()
            measure(app, meter, chosen.events, "profiled")
            profile.disable()
            profile.dump_stats(chosen.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
