"""What the clock finds in one statement, and that it finds nothing where there is nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store.db import Store
from store.sweeping import Found, look
from store.tables_beside import ErasureRow
from tests.conformance import rows, values
from tests.conformance.rows import ANNA, NOW
from workers.app import App
from workers.clock import VirtualClock
from workers.letters import Desk
from workers.tokens import Tokens

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # by the database's own clock too
STALE = timedelta(seconds=2)
NOTHING = Found(stale=False, due=False, forgetting=False, unsettled=False)
CAUSES = ("event", "timer", "message", "erasure", "doubt", "lease")


def found(store: Store, now: datetime) -> Found:
    with store.reader() as conn:
        return look(conn, now=now, older_than=STALE)


def cause(store: Store, what: str) -> None:
    """Put one thing to do into the database, long ago."""
    before = NOW - timedelta(hours=1)
    if what == "event":
        values.publish(store, values.arrival("e-1", arrived=before))
    elif what == "timer":
        values.set_timers(store, values.timer("t-1", due_at=before))
    else:
        with store.transaction() as conn:
            _row(conn, what, before)


def _row(conn: sa.Connection, what: str, before: datetime) -> None:
    match what:
        case "message":
            rows.put_messages(conn, ["m-1"], planned_at=before, due_at=before)
        case "erasure":
            rows.put(conn, ErasureRow, {"actor": ANNA, "at": before})
        case "doubt":
            rows.put_messages(conn, ["m-1"], status="in_doubt")
        case _:
            rows.put_messages(conn, ["m-1"], status="sending", leased_until=LONG_AGO)


def test_an_idle_database_has_nothing_to_do(store: Store) -> None:
    """Timers and messages of later, and an event that just arrived, are no reason to stir."""
    later = NOW + timedelta(hours=1)
    values.publish(store, values.arrival("e-1", arrived=NOW))
    values.set_timers(store, values.timer("t-1", due_at=later))
    with store.transaction() as conn:
        rows.put_messages(conn, ["m-1"], planned_at=later, due_at=later)
        rows.put_messages(conn, ["m-2"], status="sent", planned_at=NOW, due_at=NOW)

    assert found(store, NOW) == replace(NOTHING, next_timer=later)


@pytest.mark.parametrize("what", CAUSES)
def test_whatever_there_is_to_do_is_found(store: Store, what: str) -> None:
    """Each kind of work is seen, and taken for no other kind."""
    cause(store, what)

    seen = found(store, NOW)

    assert seen.stale is (what in {"event", "timer"})
    assert seen.due is (what == "message")
    assert seen.forgetting is (what == "erasure")
    assert seen.unsettled is (what in {"doubt", "lease"})


def test_an_idle_clock_asks_one_statement(store: Store) -> None:
    """Nothing to do costs one look a second."""
    with values.statements(store) as seen:
        swept = _app(store).sweep(stale=STALE)

    assert (swept.slices, swept.messages, swept.in_doubt) == (0, 0, 0)
    assert len(seen) <= 1


@pytest.mark.parametrize("what", CAUSES)
def test_a_sweep_rings_for_what_it_finds(store: Store, what: str) -> None:
    """The look is a short cut past nothing: every kind of work rings its bell or is settled."""
    cause(store, what)
    rung: list[str] = []
    app = _app(store)
    app.bell = _Bell(rung.append)

    swept = app.sweep(stale=STALE)

    expected = {"event": ["drain"], "timer": ["drain"], "message": ["deliver"],
                "erasure": ["deliver"]}  # fmt: skip
    assert rung == expected.get(what, [])
    assert swept.in_doubt == (what in {"doubt", "lease"})


class _Bell:
    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def ring_drain(self, slices: object) -> bool:
        self._note("drain")
        return True

    def ring_deliver(self) -> bool:
        self._note("deliver")
        return True


def _app(store: Store) -> App:
    desk = Desk(Tokens([b"sweep" * 8]), "http://localhost", "sweep@example.com")
    return App(store, VirtualClock(NOW), desk, {}, token=lambda: "sweep")
