"""Where the time of an event goes on SQLite: one thread takes in and drains, part by part.

`python -m benchmarks.sqlite_parts [--events N] [--rounds N] [--profile FILE]`

Processor time of this process in us an event, the least of the rounds; beside it what it took on
the clock: the difference is waiting for the disk. No HTTP and no other thread.
"""

import argparse
import cProfile
import gc
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

import store.bulk_sqlite
import workers.draining
import workflows.engine
from benchmarks.designs import PROGRAMME
from benchmarks.parts import Meter
from benchmarks.workload import batches, make_events
from store.compiling import Sqlite
from store.db import Store
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.processes import keep_memory_small
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme

BATCH = 400
"""What the group commit makes of four requests of a hundred."""


def _place(meter: Meter) -> None:
    """Count statements, commits and the engine apart from what calls them."""
    for name in ("fetch", "run_many"):
        made = meter.wrapped(vars(store.bulk_sqlite)[name], "sqlite: statements")
        setattr(store.bulk_sqlite, name, made)
    Sqlite.do_commit = meter.wrapped(Sqlite.do_commit, "sqlite: commits")  # type: ignore[method-assign]
    decide = meter.wrapped(workflows.engine.decide, "decide")
    vars(workers.draining)["decide"] = decide


def measure(app: App, meter: Meter, events: int, label: str) -> dict[str, float]:
    """Take in and drain so many events; return us an event by part."""
    made = make_events(events, label, datetime.now(UTC) - timedelta(minutes=1))
    meter.spent.clear()
    gc.collect()
    gc.freeze()
    began = time.monotonic()
    for batch in batches(made, BATCH):
        with meter.part("intake"):
            app.publish(batch)
        with meter.part("drain"):
            while app.drain().inputs:
                pass
    took = time.monotonic() - began
    return {k: 1e6 * spent / events for k, spent in {**meter.spent, "(clock)": took}.items()}


def main(arguments: list[str]) -> int:
    """Print the parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sqlite_parts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=8_000)
    parser.add_argument("--profile", help="write a profile of one more round to this file")
    chosen = parser.parse_args(arguments)
    keep_memory_small()
    with tempfile.TemporaryDirectory(prefix="vouch-parts-") as folder:
        opened = Store.open(f"sqlite:///{folder}/vouch.db")
        opened.migrate()
        loaded = load_programme(load_folder(PROGRAMME))
        apply_loaded(opened, loaded, now=datetime.now(UTC), by="bench")
        desk = Desk(Tokens([b"parts" * 8]), "http://localhost", "parts@bench.example")
        app = App(opened, SystemClock(), desk, {}, token=lambda: "parts")
        app.programmes.current()
        meter = Meter(0)
        if not chosen.profile:
            _place(meter)
        measure(app, meter, chosen.events, "warm")
        found = [measure(app, meter, chosen.events, f"r{n}") for n in range(chosen.rounds)]
        for each in found:
            each["together"] = sum(v for part, v in each.items() if part != "(clock)")
        for part in found[0]:
            print(f"{part:20} {min(each[part] for each in found):7.1f}")
        if chosen.profile:
            profile = cProfile.Profile()
            profile.runcall(measure, app, meter, chosen.events, "profiled")
            profile.dump_stats(chosen.profile)
        opened.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
