"""A database restored from a backup: nobody is written to again without an operator's word."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos.count import PROGRAMME
from store import holding, outbox_record
from store.db import Store
from store.listings import everything
from tests.faults.worker import LoggedChannel
from tests.services import new_database
from workers import operators
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme
from workflows.state import iso

WHO = ["c-0", "c-1", "c-2"]


def _app(address: str, log: Path) -> App:
    desk = Desk(Tokens([b"k" * 32]), "https://vouch.example", "vouch@vouch.example")
    store = Store.open(address, durable=False)
    channels = {"email": LoggedChannel("email", log)}
    return App(store, SystemClock(), desk, channels, token=lambda: "mine")


def _event(kind: str, contact: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{kind}-{contact}-{data}", "source": "test", "type": kind,
        "time": iso(datetime.now(UTC)), "subject": f"contact/{contact}", "data": data,
    }  # fmt: skip


def _solved(app: App, ticket: str) -> None:
    app.publish([_event("problem.solved", contact, {"ticket": ticket}) for contact in WHO])
    app.drain()


def _sent(log: Path) -> Counter[str]:
    return Counter(log.read_text().split()) if log.exists() else Counter()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Give the file in which the channel notes every send, whichever database it was for."""
    return tmp_path / "sent"


@pytest.fixture
def restored(pg: str, postgres_url: str, log: Path) -> Iterator[App]:
    """Give an App on a copy made when three mails were sent and three more were not; they are."""
    app = _app(pg, log)
    apply_loaded(app.store, load_programme(load_folder(PROGRAMME)), now=datetime.now(UTC), by="x")
    app.publish([
        _event("contact.updated", contact, {"email": f"{contact}@acme.example"}) for contact in WHO
    ])  # fmt: skip
    _solved(app, "before")
    assert app.deliver() == len(WHO)
    _solved(app, "after")
    app.store.close()
    template = pg.rpartition("/")[2]
    with new_database(postgres_url, f"{template}_restored", template=template) as address:
        lost = _app(pg, log)
        assert lost.deliver() == len(WHO)  # what the backup does not know
        lost.store.close()
        again = _app(address, log)
        yield again
        again.store.close()


def test_nothing_leaves_a_restored_database(restored: App, log: Path) -> None:
    """What the backup thinks was not sent stays, whatever rings; new decisions wait as well."""
    _solved(restored, "later")

    assert restored.deliver() == 0
    assert restored.deliver() == 0

    assert len(_sent(log)) == 2 * len(WHO)
    with restored.store.reader() as conn:
        seen = holding.look(conn)
    assert seen.is_held
    assert seen.reason == holding.MOVED


def test_a_word_for_each_doubt_and_nobody_is_written_to_twice(restored: App, log: Path) -> None:
    """Released with a doubtful span: those are settled one by one, and the rest leaves."""
    restored.deliver()
    operators.release(restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1))
    _solved(restored, "later")
    restored.deliver()
    with restored.store.reader() as conn:
        statuses = everything.outbox_statuses(conn)
    doubts = {key for key, status in statuses.items() if status == "in_doubt"}

    assert len(doubts) == len(WHO)

    for key in doubts:
        operators.resolve(restored, key, sent=key in _sent(log), by="u-sam")
    restored.deliver()

    assert len(_sent(log)) == 3 * len(WHO)
    assert set(_sent(log).values()) == {1}


def test_a_hold_by_hand_holds_and_releases(restored: App, log: Path) -> None:
    """An operator's hold is the same thing, on any database."""
    operators.release(restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1))
    _solved(restored, "later")
    operators.hold(restored, by="u-sam")

    assert restored.deliver() == 0

    operators.release(restored, doubtful_before=None)

    assert restored.deliver() == len(WHO)


def test_a_database_that_stayed_where_it_was_is_not_held(pg: str, log: Path) -> None:
    """A restart of everything is no restore."""
    for number in range(2):
        app = _app(pg, log)
        now = datetime.now(UTC)
        apply_loaded(app.store, load_programme(load_folder(PROGRAMME)), now=now, by="x")
        app.publish([
            _event("contact.updated", contact, {"email": f"{contact}@acme.example"})
            for contact in WHO
        ])  # fmt: skip
        _solved(app, f"t-{number}")
        assert app.deliver() == len(WHO)
        app.store.close()


def test_each_of_very_many_doubts_can_be_settled(
    restored: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A doubt beyond those that one look returns takes its word like the first."""
    monkeypatch.setattr(outbox_record, "DOUBTS_MAX", 1)
    restored.deliver()
    operators.release(restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1))
    with restored.store.reader() as conn:
        statuses = everything.outbox_statuses(conn)
    doubts = sorted(key for key, status in statuses.items() if status == "in_doubt")

    for key in reversed(doubts):
        operators.resolve(restored, key, sent=True, by="u-sam")

    with restored.store.reader() as conn:
        assert "in_doubt" not in everything.outbox_statuses(conn).values()
