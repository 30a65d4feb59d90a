"""Messages in doubt: each is looked at in its turn, however many wait for an operator."""

from datetime import timedelta

import pytest

from store import outbox_record
from store.db import Store
from store.outbox import Claimed
from store.tables import OutboxRow
from tests.conformance import rows
from tests.conformance.rows import NOW
from workers.doubts import Doubts
from workflows.steps.calling import TO

PAGE = 2
MAILS = ["m-1", "m-2", "m-3", "m-4"]


@pytest.fixture
def looked(store: Store) -> Doubts:
    """Give who settles, two at a time: four mails wait for an operator, and one call after them."""
    with store.transaction() as conn:
        rows.put_messages(conn, MAILS, status="in_doubt", channel="email", planned_at=NOW)
        rows.put_messages(
            conn, ["c-1"], status="in_doubt", to=f"{TO}crm", planned_at=NOW + timedelta(seconds=1)
        )

    def resolve(message: Claimed, *, sent: bool, by: str, unsure: bool = False) -> None:
        assert not unsure
        with store.transaction() as conn:
            outbox_record.resolve(conn, message.key, sent=sent, by=by, now=NOW)

    return Doubts(store, {}, resolve, page=PAGE)


def test_a_doubt_behind_many_others_is_settled(store: Store, looked: Doubts) -> None:
    """A call in doubt is made again, although two pages of mails before it wait for a word."""
    sizes = [looked.settle(NOW) for _ in range(3)]

    assert sizes == [PAGE, PAGE, 1]
    with store.reader() as conn:
        assert rows.column(conn, OutboxRow, "status", key="c-1") == ["pending"]


def test_after_the_last_page_comes_the_first(store: Store, looked: Doubts) -> None:
    """A doubt that is new at the front is met when a round is over; the last page may be full."""
    for _ in range(3):
        looked.settle(NOW)
    with store.transaction() as conn:
        rows.put_messages(
            conn, ["c-0"], status="in_doubt", to=f"{TO}crm", planned_at=NOW - timedelta(days=1)
        )

    sizes = [looked.settle(NOW) for _ in range(4)]

    assert sizes == [PAGE, PAGE, 1, PAGE]
    with store.reader() as conn:
        assert rows.column(conn, OutboxRow, "status", key="c-0") == ["pending"]


def test_there_is_nothing_to_look_at_where_there_is_no_doubt(store: Store) -> None:
    """An empty outbox is an empty page, again and again."""

    def never(message: Claimed, *, sent: bool, by: str, unsure: bool = False) -> None:
        raise AssertionError(message.key, sent, by, unsure)

    looked = Doubts(store, {}, never)

    assert [looked.settle(NOW) for _ in range(2)] == [0, 0]
