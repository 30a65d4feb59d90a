"""Dead letters: found, shown, replayed, dropped; in bulk, and tried dry first."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import dead
from store.db import Store
from store.dead import Filter
from store.tables import DeadRow, InboxRow, TimerRow
from tests.conformance.rows import ANNA, BRAM, NOW, column, put
from workflows.state import iso

EVENT = {"id": "e-1", "type": "nps.answered", "data": {"score": 9}}
TIMER = {
    "key": "run-1/rest",
    "due_at": iso(NOW),
    "name": "rest",
    "kind": "wait",
    "run": "run-1",
    "subject": "",
}
HOUR = timedelta(hours=1)


def put_letters(conn: sa.Connection) -> None:
    """Two events and a timer died, an hour apart; a fourth was dropped already."""
    put(
        conn,
        DeadRow,
        {"seq": 1, "actor": ANNA, "doc": EVENT},
        {"seq": 2, "actor": BRAM, "at": NOW + HOUR, "type": "deal.won", "error": "100%_bad"},
        {"seq": 3, "actor": ANNA, "at": NOW + 2 * HOUR, "kind": "timer", "type": "wait"}
        | {"doc": TIMER},
        {"seq": 4, "actor": ANNA, "status": "dropped"},
    )


@pytest.mark.parametrize(
    ("which", "seqs"),
    [
        (Filter(), [1, 2, 3]),
        (Filter(status=""), [1, 2, 3, 4]),
        (Filter(status="dropped"), [4]),
        (Filter(kind="timer"), [3]),
        (Filter(type="deal.won"), [2]),
        (Filter(actor=ANNA), [1, 3]),
        (Filter(error="0%_b"), [2]),
        (Filter(error="%"), [2]),
        (Filter(since=NOW + HOUR), [2, 3]),
        (Filter(until=NOW + HOUR), [1]),
        (Filter(after=1), [2, 3]),
        (Filter(seqs=[1, 3, 4, 9]), [1, 3]),
    ],
)
def test_dead_letters_are_filtered(store: Store, which: Filter, seqs: list[int]) -> None:
    """Each filter narrows, and all are listed in order without their documents."""
    with store.transaction() as conn:
        put_letters(conn)

        found = dead.listed(conn, which)

        assert [each["seq"] for each in found] == seqs
        assert all("doc" not in each for each in found)
        assert dead.replay(conn, which, now=NOW, dry_run=True) == len(set(seqs) - {4})


def test_a_letter_is_shown_whole(store: Store) -> None:
    """One letter is shown with its document, whatever became of it; an unknown one is None."""
    with store.transaction() as conn:
        put_letters(conn)

        shown = dead.show(conn, 1)
        assert shown is not None
        assert (shown["doc"], shown["at"], shown["error"]) == (EVENT, NOW, "ZeroDivisionError")
        assert dead.show(conn, 4) is not None
        assert dead.show(conn, 9) is None


def test_replaying_feeds_inputs_again_once(store: Store) -> None:
    """An event enters its actor's inbox anew, a timer is due now; a second replay does nothing."""
    later = NOW + timedelta(days=3)
    with store.transaction() as conn:
        put_letters(conn)

        assert dead.replay(conn, Filter(actor=ANNA), now=later) == 2
        assert dead.replay(conn, Filter(actor=ANNA), now=later) == 0

        assert column(conn, InboxRow, "doc") == [EVENT]
        assert column(conn, InboxRow, "actor") == [ANNA]
        assert column(conn, InboxRow, "accepted_at") == [later]
        assert column(conn, TimerRow, "key") == ["run-1/rest"]
        assert column(conn, TimerRow, "due_at") == [later]
        assert column(conn, TimerRow, "run") == ["run-1"]
        assert [each["seq"] for each in dead.listed(conn, Filter(status="replayed"))] == [1, 3]


def test_a_timer_set_anew_meanwhile_wins(store: Store) -> None:
    """Replaying a timer leaves the one that was set since under its key."""
    with store.transaction() as conn:
        put_letters(conn)
        due_at = NOW + timedelta(days=9)
        put(conn, TimerRow, {"key": "run-1/rest", "actor": ANNA, "due_at": due_at})

        assert dead.replay(conn, Filter(kind="timer"), now=NOW) == 1

        assert column(conn, TimerRow, "due_at") == [due_at]


def test_dropped_letters_stay_readable(store: Store) -> None:
    """Dropping says that nobody will handle them; they are never replayed."""
    with store.transaction() as conn:
        put_letters(conn)

        assert dead.drop(conn, Filter(), dry_run=True) == 3
        assert dead.drop(conn, Filter(), limit=2) == 2
        assert dead.replay(conn, Filter(seqs=[1, 2]), now=NOW) == 0
        assert [each["seq"] for each in dead.listed(conn)] == [3]
        assert column(conn, InboxRow, "seq") == []
