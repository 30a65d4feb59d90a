"""A database restored from a backup: nobody is written to again without an operator's word."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store import holding, outbox_record
from tests.faults import everything
from tests.faults.customers import WHO, app_on, introduced, sent, solved
from tests.services import new_database
from workers import operators
from workers.app import App


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Give the file in which the channel notes every send, whichever database it was for."""
    return tmp_path / "sent"


@pytest.fixture
def restored(pg: str, postgres_url: str, log: Path) -> Iterator[App]:
    """Give an App on a copy made when three mails were sent and three more were not; they are."""
    app = introduced(app_on(pg, log))
    solved(app, "before")
    assert app.deliver() == len(WHO)
    solved(app, "after")
    app.store.close()
    template = pg.rpartition("/")[2]
    with new_database(postgres_url, f"{template}_restored", template=template) as address:
        lost = app_on(pg, log)
        assert lost.deliver() == len(WHO)  # what the backup does not know
        lost.store.close()
        again = app_on(address, log)
        yield again
        again.store.close()


def test_nothing_leaves_a_restored_database(restored: App, log: Path) -> None:
    """What the backup thinks was not sent stays, whatever rings; new decisions wait as well."""
    solved(restored, "later")

    assert restored.deliver() == 0
    assert restored.deliver() == 0

    assert len(sent(log)) == 2 * len(WHO)
    with restored.store.reader() as conn:
        seen = holding.look(conn)
    assert seen.is_held
    assert seen.reason == holding.MOVED


def test_a_word_for_each_doubt_and_nobody_is_written_to_twice(restored: App, log: Path) -> None:
    """Released with a doubtful span: those are settled one by one, and the rest leaves."""
    restored.deliver()
    operators.release(
        restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1), by="u-sam"
    )
    solved(restored, "later")
    restored.deliver()
    with restored.store.reader() as conn:
        statuses = everything.outbox_statuses(conn)
    doubts = {key for key, status in statuses.items() if status == "in_doubt"}

    assert len(doubts) == len(WHO)

    for key in doubts:
        operators.resolve(restored, key, sent=key in sent(log), by="u-sam")
    restored.deliver()

    assert len(sent(log)) == 3 * len(WHO)
    assert set(sent(log).values()) == {1}


def test_a_hold_by_hand_holds_and_releases(restored: App, log: Path) -> None:
    """An operator's hold is the same thing, on any database."""
    operators.release(
        restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1), by="u-sam"
    )
    solved(restored, "later")
    operators.hold(restored, by="u-sam")

    assert restored.deliver() == 0

    operators.release(restored, doubtful_before=None, by="u-sam")

    assert restored.deliver() == len(WHO)


def test_a_database_that_stayed_where_it_was_is_not_held(pg: str, log: Path) -> None:
    """A restart of everything is no restore."""
    for number in range(2):
        app = introduced(app_on(pg, log))
        solved(app, f"t-{number}")
        assert app.deliver() == len(WHO)
        app.store.close()


def test_each_of_very_many_doubts_can_be_settled(
    restored: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A doubt beyond those that one look returns takes its word like the first."""
    monkeypatch.setattr(outbox_record, "DOUBTS_MAX", 1)
    restored.deliver()
    operators.release(
        restored, doubtful_before=datetime.now(UTC) + timedelta(seconds=1), by="u-sam"
    )
    with restored.store.reader() as conn:
        statuses = everything.outbox_statuses(conn)
    doubts = sorted(key for key, status in statuses.items() if status == "in_doubt")

    for key in reversed(doubts):
        operators.resolve(restored, key, sent=True, by="u-sam")

    with restored.store.reader() as conn:
        assert "in_doubt" not in everything.outbox_statuses(conn).values()
