"""What the report on recommendations reads, on both databases."""

from store.db import Store
from store.listings import referrals
from store.tables import TaskRow
from tests.conformance.rows import ANNA, BRAM, put


def test_answers_are_those_of_tasks_that_are_done(store: Store) -> None:
    """An open task has not answered, and another field is another question."""
    with store.transaction() as conn:
        put(
            conn, TaskRow,
            {"key": "1", "actor": ANNA, "status": "done", "doc": {"data": {"heard": "Anna"}}},
            {"key": "2", "actor": BRAM, "status": "open", "doc": {"data": {"heard": "Bram"}}},
            {"key": "3", "actor": BRAM, "status": "done", "doc": {"data": {"other": "x"}}},
            {"key": "4", "actor": BRAM, "status": "done", "doc": {}},
        )  # fmt: skip
    with store.reader() as conn:
        assert list(referrals.answered(conn, "heard")) == ["Anna"]
