"""The look at a book that was played finds each rule that is broken."""

from typing import Any

import pytest

from store import contacts
from store.db import Store
from store.tables import DeadRow, LedgerRow
from tests.book import BATCH, LIMIT, at_of, batch_of, breaches
from tests.conformance.rows import ANNA, NOW, put
from workflows.state import iso


def _line(key: str, txn: str, bucket: str, delta: int, account: str = ANNA) -> dict[str, Any]:
    return {"key": key, "txn": txn, "account": account, "bucket": bucket, "delta": delta,
            "reason": "deal/d/referrer"}  # fmt: skip


def _accrued(entry: str) -> list[dict[str, Any]]:
    txn = f"{entry}/accrued"
    return [
        _line(f"{entry}a", txn, "expired", 5),
        _line(f"{entry}p", txn, "issued", -5, "programme"),
    ]


BROKEN: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "not balanced": (LedgerRow, [_line("u", "t", "expired", 5)]),
    "a dead letter": (DeadRow, [{"slice": 1, "seq": 1, "actor": ANNA}]),
    "deal/d/referrer is live 2 times": (LedgerRow, _accrued("two")),
    "deal/d/referrer was taken back in part": (LedgerRow, [
        _line("x", "one/reversed", "expired", -2), _line("y", "one/reversed", "reversed", 2),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_each_breach_of_the_book_is_found(what: str, store: Store) -> None:
    """What is wrong is named; where nothing is, nothing is."""
    table, rows = BROKEN[what]
    with store.transaction() as conn:
        contacts.seed(conn, {ANNA: {"id": "c-anna"}})
        put(conn, LedgerRow, *_accrued("one"))
    with store.reader() as conn:
        assert [each for each in breaches(conn) if "balance is" not in each] == []
    with store.transaction() as conn:
        put(conn, table, *rows)
    with store.reader() as conn:
        found = list(breaches(conn))
    assert any(each.startswith(what) for each in found), found


def test_a_limit_that_was_passed_is_found(store: Store) -> None:
    """At the limit nothing is said, above it the contact is named."""
    earned = {"won_at": iso(NOW), "benefit": "", "state": "available"}
    for amount, said in ((LIMIT, False), (LIMIT + 1, True)):
        doc = {"id": "c-anna", "accruals": {"deal/d/referrer": {**earned, "amount": amount}}}
        with store.transaction() as conn:
            contacts.seed(conn, {ANNA: doc})
        with store.reader() as conn:
            assert any("earned" in each for each in breaches(conn)) is said


def test_a_batch_is_the_same_whenever_it_is_asked_for() -> None:
    """So a process that goes on after another was killed says what that one would have said."""
    assert batch_of(3, 7) == batch_of(3, 7) != batch_of(4, 7)
    assert len({event["id"] for event in batch_of(3, 7)}) == BATCH
    assert at_of(7) < at_of(8)
