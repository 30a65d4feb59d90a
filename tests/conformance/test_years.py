"""The look at a played year finds each rule that is broken."""

from datetime import timedelta
from typing import Any

import pytest

from store import contacts
from store.db import Store
from store.tables import AskRow, ConsentRow, DeadRow, LedgerRow, OutboxRow
from tests.conformance.rows import ANNA, NOW, put
from tests.years import breaches, seeds_of, shipped

HOUR = timedelta(hours=1)


def _mail(key: str, days: int, **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=days)
    return {"key": key, "actor": ANNA, "to": ANNA, "class": "ask", "status": "sent",
            "channel": "email", "planned_at": at, "due_at": at, "recorded_at": at,
            **more}  # fmt: skip


def _ask(key: str, opened: int, closed: int) -> dict[str, Any]:
    return {"key": key, "actor": ANNA, "status": "silent", "opened_at": NOW + opened * HOUR,
            "closed_at": NOW + closed * HOUR}  # fmt: skip


BROKEN: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "the book": (LedgerRow, [{"key": "a", "txn": "t", "account": ANNA, "delta": 5}]),
    "a dead letter": (DeadRow, [{"slice": 1, "seq": 1, "actor": ANNA}]),
    "two open asks": (AskRow, [_ask("1", 0, 5), _ask("2", 4, 9)]),
    "cap ask": (OutboxRow, [_mail("1", 3), _mail("2", 2)]),
    "sent after a no": (ConsentRow, [
        {"actor": ANNA, "channel": "email", "topic": "programme", "granted": False,
         "at": NOW - timedelta(days=30)},
    ]),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_each_breach_is_found(what: str, store: Store) -> None:
    """A rule that was broken is named; where none was, nothing is."""
    table, rows = BROKEN[what]
    sound = [_mail("early", 20), _mail("exactly", 13)]
    with store.transaction() as conn:
        contacts.seed(conn, {ANNA: {"id": "c-anna"}})
        put(conn, OutboxRow, *sound)
        put(conn, AskRow, _ask("3", 20, 24), _ask("4", 24, 30))
    programme = shipped()
    with store.reader() as conn:
        assert list(breaches(conn, programme)) == []
    with store.transaction() as conn:
        put(conn, table, *rows)
    with store.reader() as conn:
        found = list(breaches(conn, programme))
    assert found
    assert any(each.startswith(what) for each in found)


def test_seeds_are_ranges_and_lists() -> None:
    """As the command line writes them."""
    assert seeds_of("1-3,7") == [1, 2, 3, 7]
