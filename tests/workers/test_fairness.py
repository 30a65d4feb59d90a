"""A contact with very many events: the others of its slice wait for one batch of it, no more."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store.db import Store
from store.drain import BATCH_MAX
from store.listings import work
from tests.workers.library import loaded
from workers.app import App
from workers.clock import VirtualClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.state import iso, slice_of

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)
BUSY = "contact/c-busy"
EVENTS = 5 * BATCH_MAX
QUIET = [f"c-{n}" for n in range(9_999) if slice_of(f"contact/c-{n}") == slice_of(BUSY)][:3]
ELSEWHERE = [f"c-{n}" for n in range(99) if slice_of(f"contact/c-{n}") != slice_of(BUSY)]


class Counted:
    """An App, and in which batch each quiet contact's run was there."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.batches = 0
        self.seen: dict[str, int] = {}
        desk = Desk(Tokens([b"k" * 32]), "https://vouch.example", "vouch@vouch.example")
        self.app = App(
            store, VirtualClock(NOW), desk, {}, token=lambda: "none", on_commit=self._look
        )
        apply_loaded(store, loaded(), now=NOW, by="test")

    def _look(self, what: str) -> None:
        if what != "drain":
            return
        self.batches += 1
        with self.store.reader() as conn:
            for run in work.runs(conn):
                self.seen.setdefault(run["actor"], self.batches)


@pytest.fixture(params=["sqlite", "postgres"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counted]:
    """Give an App on each database."""
    address = (
        f"sqlite:///{tmp_path / 'vouch.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("pg")
    )
    store = Store.open(address, durable=False)
    store.migrate()
    yield Counted(store)
    store.close()


def _event(number: int, kind: str, contact: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{contact}-{number}", "source": "test", "type": kind,
        "time": iso(NOW), "subject": f"contact/{contact}", "data": data,
    }  # fmt: skip


def _publish(app: App, busy: list[str], quiet: list[str]) -> None:
    for contact in busy:
        for start in range(0, EVENTS, BATCH_MAX):
            app.publish([
                _event(number, "contact.updated", contact, {"last_name": f"de {number}"})
                for number in range(start, start + BATCH_MAX)
            ])  # fmt: skip
    for contact in quiet:
        app.publish([_event(1, "nps.answered", contact, {"response": contact, "score": 7})])


def test_one_busy_contact_holds_its_neighbours_for_one_batch(counted: Counted) -> None:
    """Whoever shares a slice with thousands of events of one contact is in the second batch."""
    _publish(counted.app, ["c-busy"], QUIET)

    drained = counted.app.drain([slice_of(BUSY)])

    assert drained.inputs == EVENTS + len(QUIET)
    assert {contact: counted.seen[f"contact/{contact}"] for contact in QUIET} == dict.fromkeys(
        QUIET, 2
    )


def test_two_busy_contacts_hold_their_neighbours_for_two_batches(counted: Counted) -> None:
    """One batch for each of the busy, then the others."""
    other = next(
        f"c-other-{n}" for n in range(9_999) if slice_of(f"contact/c-other-{n}") == slice_of(BUSY)
    )
    _publish(counted.app, ["c-busy", other], QUIET)

    counted.app.drain([slice_of(BUSY)])

    assert max(counted.seen[f"contact/{contact}"] for contact in QUIET) == 3


def test_other_slices_are_in_the_first_batch(counted: Counted) -> None:
    """A busy contact holds up nobody in another slice."""
    _publish(counted.app, ["c-busy"], ELSEWHERE[:5])

    counted.app.drain()

    assert {counted.seen[f"contact/{contact}"] for contact in ELSEWHERE[:5]} == {1}


def test_events_of_the_busy_one_stay_in_order(counted: Counted) -> None:
    """Waiting for the others changes nothing of the order in which its own are handled."""
    _publish(counted.app, ["c-busy"], QUIET)

    counted.app.drain()

    with counted.store.reader() as conn:
        query = sa.text("SELECT cause FROM decision WHERE actor = :actor ORDER BY seq")
        causes = list(conn.scalars(query, {"actor": BUSY}))
    story = [int(number) for number in re.findall(r"c-busy-(\d+)", " ".join(map(str, causes)))]
    assert len(set(story)) == EVENTS
    assert story == sorted(story)
