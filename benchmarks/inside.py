"""Vouch inside the bench's own process: to prepare what a figure then measures from outside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.workload import Event, batches
from store import keys as store_keys
from store.db import Store
from workers.app import App
from workers.clock import SystemClock
from workers.keys import new_secret, secret_hash
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme

BATCH = 500


@contextmanager
def opened(database: str) -> Iterator[Store]:
    """Give the store of an address, closed at the end."""
    store = Store.open(database)
    try:
        yield store
    finally:
        store.close()


def set_up(database: str, programme: Path) -> str:
    """Make the tables of an empty database and apply a programme; return a new API key."""
    secret, now = new_secret(), datetime.now(UTC)
    with opened(database) as store:
        store.migrate()
        apply_loaded(store, load_programme(load_folder(programme)), now=now, by="bench")
        with store.transaction() as conn:
            store_keys.add(
                conn, name="bench", secret_hash=secret_hash(secret), sources=["*"], types=["*"],
                now=now,
            )  # fmt: skip
    return secret


def handle(database: str, events: Sequence[Event]) -> None:
    """Take in events and drain them, with nobody there to send what they lead to."""
    with opened(database) as store:
        desk = Desk(Tokens([b"bench" * 8]), "http://localhost", "bench@bench.example")
        app = App(store, SystemClock(), desk, {}, token=lambda: "bench")
        for batch in batches(events, BATCH):
            app.publish(batch)
            while app.drain().inputs:
                pass
