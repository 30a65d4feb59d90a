"""Caps hold on Postgres whatever the number of workers that send at once (SCENARIOS A.2)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from random import Random
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from store.db import Store
from store.outbox import COUNTED
from store.tables import OutboxRow
from tests.generated import loaded, made
from workers import judging
from workers.app import App
from workers.channels.base import Parcel
from workers.clock import VirtualClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.guard import guard
from workflows.state import iso

NOW = datetime(2027, 3, 2, 10, 30, tzinfo=UTC)
SENDERS = 4
CONTACTS = 12
PER_CONTACT, PER_ACCOUNT = 2, 9
PATIENCE = 1.0
"""Seconds for which the first waits for the others: who has nothing to judge never comes."""
WANTED = 5
"""Messages that each contact is to get, all at once."""


class Sink:
    """Takes everything."""

    name = "email"
    repeatable = False

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""
        yield lambda parcel: parcel.key

    def look_up(self, key: str) -> bool | None:
        """Nobody asks."""
        del key
        return None


def _programme() -> dict[str, str]:
    policies = {
        "zone": "UTC", "channels": ["email"], "quiet": None, "asks": {}, "moments": None,
        "classes": {"value": {"consent": "programme", "caps": ["each", "firm"]}},
        "caps": {"each": {"max": PER_CONTACT, "within": "7d"},
                 "firm": {"max": PER_ACCOUNT, "within": "7d", "per": "account"}},
    }  # fmt: skip
    drawn = made(Random("caps"), policies={k: v for k, v in policies.items() if v is not None})
    files = {path: text for path, text in drawn.items() if not path.startswith("workflows/")}
    whole = yaml.safe_load(files["programme.yaml"])
    for gone in ("quiet", "moments", "asks"):
        whole.pop(gone, None)
    files["programme.yaml"] = yaml.safe_dump(whole)
    for number in range(WANTED):
        files[f"workflows/wants-{number}.yaml"] = yaml.safe_dump({
            "workflow": f"wants-{number}", "trigger": {"event": "favour.granted"},
            "steps": [{"send": {"template": "plain-1", "class": "value"}}],
        })  # fmt: skip
    return files


def _app(store: Store) -> App:
    numbers = count()
    desk = Desk(
        Tokens([b"a key for tests only: no link of it leaves"]),
        "https://vouch.example",
        "vouch@vouch.example",
    )
    token = f"{id(store)}"
    return App(store, VirtualClock(NOW), desk, {"email": Sink()},
               token=lambda: f"{token}/{next(numbers)}")  # fmt: skip


def _ask_for_much(app: App) -> None:
    events: list[dict[str, Any]] = [
        {"specversion": "1.0", "source": "test", "time": iso(NOW), "id": f"a-{number}",
         "type": "customer.started", "subject": f"account/a-{number}", "data": {"on": "2026-01-01"}}
        for number in range(2)  # whose rows are there to be locked, rather than made
    ]  # fmt: skip
    for number in range(CONTACTS):
        contact, account = f"c-{number}", f"a-{number % 2}"
        about = {"specversion": "1.0", "source": "test", "time": iso(NOW),
                 "subject": f"contact/{contact}"}  # fmt: skip
        data = {"email": f"{contact}@acme.example", "account": account}
        events.append({**about, "id": f"k-{number}", "type": "contact.updated", "data": data})
        events.append({**about, "id": f"f-{number}", "type": "favour.granted", "data": {}})
    app.publish(events)
    app.drain()


def _race(url: str, patch: pytest.MonkeyPatch) -> tuple[Counter[str], Counter[str]]:
    """Let everybody send at once; return how many left, by contact and by account."""
    stores = [Store.open(url, durable=False) for _ in range(SENDERS)]
    apps = [_app(store) for store in stores]
    apply_loaded(stores[0], loaded(_programme()), now=NOW, by="test")
    _ask_for_much(apps[0])
    gate = Barrier(SENDERS)

    def together(*args: Any, **rest: Any) -> Any:
        """Judge once everybody has read what left, or holds nothing to read."""
        with suppress(BrokenBarrierError):
            gate.wait(PATIENCE)
        return guard(*args, **rest)

    patch.setattr(judging, "guard", together)

    def send(app: App) -> None:
        app.programmes.current()
        while app.deliver():
            pass

    threads = [Thread(target=send, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].reader() as conn:
        table = OutboxRow.__table__  # type: ignore[attr-defined]
        left = list(conn.execute(
            sa.select(table.c.to, table.c.account).where(table.c.status.in_(COUNTED))
        ))  # fmt: skip
    for store in stores:
        store.close()
    return Counter(row.to for row in left), Counter(row.account for row in left)


def test_caps_hold_however_many_send(pg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each contact and each account gets what its caps allow, to the last one, and no more."""
    by_contact, by_account = _race(pg, monkeypatch)

    assert set(by_contact.values()) <= {1, 2}
    assert max(by_account.values()) <= PER_ACCOUNT
    assert sum(by_account.values()) == 2 * PER_ACCOUNT
