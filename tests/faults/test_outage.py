"""A database that is away for a long time: nobody is blamed, and all goes on where it was."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos.servers import Postgres
from store import dead, stats
from store.db import Store
from store.errors import is_transient
from tests.faults import everything
from tests.faults.customers import WHO, app_on, event, introduced, sent, solved
from workers import draining
from workers.app import App
from workers.intake import IntakeUnavailableError
from workflows import engine
from workflows.state import Input

PROGRAMME = Path(__file__).parents[2] / "benchmarks/chaos/programme"
TRIES = 30
"""Bells that ring during the outage: what a clock does in half a minute, or in ten at its pace."""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """Give a Postgres of this test's own, which it may stop and start."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # the user that Postgres runs as must get through
    with Postgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def app(postgres: Postgres, tmp_path: Path) -> Iterator[App]:
    """Give an App on it, with contacts who have an address."""
    made = introduced(app_on(postgres.address, tmp_path / "sent"))
    yield made
    made.store.close()


def _dead(store: Store) -> list[dict[str, Any]]:
    with store.reader() as conn:
        return list(dead.listed(conn))


def test_an_outage_makes_no_dead_letter(postgres: Postgres, app: App, tmp_path: Path) -> None:
    """However often work is tried while the database is away, it is all done afterwards, once."""
    events = [event("problem.solved", contact, {"ticket": "t"}) for contact in WHO]
    app.publish(events)
    postgres.stop()
    for _ in range(TRIES):
        for work in (app.drain, app.deliver, app.sweep):
            with pytest.raises(Exception) as failed:  # noqa: PT011 - whatever it is, it passes
                work()
            assert is_transient(failed.value)
    with pytest.raises(IntakeUnavailableError):
        app.publish(events)
    assert not app.is_database_up()

    postgres.start()
    app.publish(events)
    app.drain()
    app.deliver()

    with app.store.reader() as conn:
        found = stats.health(conn, now=datetime.now(UTC))
        statuses = everything.outbox_statuses(conn)
    assert _dead(app.store) == []
    assert (found.inbox, found.slices_tried) == (0, 0)
    assert list(statuses.values()) == ["sent"] * len(WHO)
    assert set(sent(tmp_path / "sent").values()) == {1}


def test_poison_is_alone_seen_and_replayed(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Postgres too: its neighbours are handled, it is listed, and once mended it is replayed."""
    decide = engine.decide

    def failing(programme: Any, state: Any, item: Input, **rest: Any) -> None:
        if item.actor == f"contact/{WHO[1]}":
            raise RuntimeError
        decide(programme, state, item, **rest)

    with monkeypatch.context() as broken:
        broken.setattr(draining, "decide", failing)
        solved(app, "t")
    app.deliver()

    (letter,) = _dead(app.store)
    assert letter["type"] == "problem.solved"
    assert len(sent(tmp_path / "sent")) == len(WHO) - 1

    with app.store.transaction() as conn:
        assert dead.replay(conn, dead.Filter(), now=datetime.now(UTC)) == 1
    app.drain()
    app.deliver()

    assert len(sent(tmp_path / "sent")) == len(WHO)
    assert _dead(app.store) == []
