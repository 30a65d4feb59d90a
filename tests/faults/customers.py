"""A small company whose mails are counted, for tests of outages and restored databases."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.chaos.count import PROGRAMME
from store.db import Store
from tests.faults.worker import LoggedChannel
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme
from workflows.state import iso

WHO = ["c-0", "c-1", "c-2"]


def app_on(address: str, log: Path) -> App:
    """Return an App on a database, whose channel notes in a file whom it sent to."""
    desk = Desk(Tokens([b"k" * 32]), "https://vouch.example", "vouch@vouch.example")
    store = Store.open(address, durable=False)
    channels = {"email": LoggedChannel("email", log)}
    return App(store, SystemClock(), desk, channels, token=lambda: "mine")


def event(kind: str, contact: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event about a contact, that happens now."""
    return {
        "specversion": "1.0", "id": f"{kind}-{contact}-{data}", "source": "test", "type": kind,
        "time": iso(datetime.now(UTC)), "subject": f"contact/{contact}", "data": data,
    }  # fmt: skip


def solved(app: App, ticket: str) -> None:
    """Have a problem of each customer solved, which the programme writes to them about."""
    app.publish([event("problem.solved", contact, {"ticket": ticket}) for contact in WHO])
    app.drain()


def sent(log: Path) -> Counter[str]:
    """Return how often each message was sent."""
    return Counter(log.read_text().split()) if log.exists() else Counter()


def introduced(app: App) -> App:
    """Apply the programme on an empty database, and let it know the customers' addresses."""
    app.store.migrate()
    apply_loaded(app.store, load_programme(load_folder(PROGRAMME)), now=datetime.now(UTC), by="x")
    app.publish([
        event("contact.updated", contact, {"email": f"{contact}@acme.example"}) for contact in WHO
    ])  # fmt: skip
    app.drain()
    return app
