"""The same engine, the same rows, an event a message and a transaction: what batches are worth.

A dramatiq actor of the tuned kind (see `designs`): each message is taken in by itself, and its
slice drained by itself, by the code that workers run.
"""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.workload import Event
from store.db import Store
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.tokens import Tokens
from workflows.state import slice_of

broker = RedisBroker(url=os.environ["BENCH_REDIS"])  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
desk = Desk(Tokens([b"one by one" * 4]), "http://localhost", "bench@bench.example")
app = App(Store.open(os.environ["BENCH_DATABASE"]), SystemClock(), desk, {}, token=lambda: "bench")


@dramatiq.actor
def handle(event: Event) -> None:
    """Take in one event, then handle what waits for its contact."""
    app.publish([event])
    app.drain([slice_of(event["subject"])])


def prepare(programme: Any) -> None:  # noqa: ANN401
    """Make the tables and apply the bench's programme."""
    from workers.programmes import apply_loaded  # noqa: PLC0415 - only the one that prepares
    from workflows.load import load_folder, load_programme  # noqa: PLC0415

    app.store.migrate()
    loaded = load_programme(load_folder(programme))
    apply_loaded(app.store, loaded, now=app.clock.now(), by="bench")


if __name__ == "__main__":
    prepare(os.environ["BENCH_PROGRAMME"])
