"""The book in the database: nothing in it is changed, and what is no sum is found."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.db import Store
from store.listings import ledger
from store.tables import ActorRow, LedgerRow
from tests.conformance.rows import ANNA, BRAM, put
from tests.conformance.values import rows

STORE = Path(__file__).parents[2] / "store"


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET delta = 6", "DELETE FROM ledger"], ids=["update", "delete"]
)
def test_the_database_refuses_to_change_the_book(store: Store, statement: str) -> None:
    """A line that was booked can neither be changed nor deleted, whoever asks."""
    with store.transaction() as conn:
        put(conn, LedgerRow, {"key": "1a", "txn": "x1", "account": ANNA, "delta": 5})

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.transaction() as conn:
        conn.execute(sa.text(statement))

    assert rows(store, "ledger", "key", "delta") == [("1a", 5)]


def test_booking_the_same_line_again_is_no_change(store: Store) -> None:
    """A drain that is done twice books once: the same key is absorbed, not refused."""
    for _ in range(2):
        with store.transaction() as conn:
            conn.execute(
                sa.text(
                    "INSERT INTO ledger (slice, key, txn, account, bucket, delta, reason, benefit,"
                    " object, side, at, cause, rule) VALUES (1, 'k', 't', 'a', 'paid', 1, '', '',"
                    " '', '', '2026-03-02T09:00:00.000000', '', '') ON CONFLICT DO NOTHING"
                )
            )

    assert rows(store, "ledger", "key") == [("k",)]


def test_no_statement_of_ours_changes_the_book() -> None:
    """The store's code names the ledger to insert and to read it, and for nothing else."""
    wrong = [
        f"{path.name}: {text}"
        for path in STORE.rglob("*.py")
        if "migrations" not in path.parts
        for text in _texts(path)
        if any(f"{verb} ledger" in text for verb in ("update", "delete from", "truncate"))
    ]
    calls = [
        path.name
        for path in STORE.rglob("*.py")
        for verb in ("update", "delete")
        if f"sa.{verb}(_ledger" in path.read_text(encoding="utf-8")
    ]

    assert wrong == []
    assert calls == []


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield " ".join(node.value.lower().replace('"', "").split())


def test_a_balance_that_is_no_sum_is_found(store: Store) -> None:
    """What a contact is told is compared with its lines, bucket by bucket; cake is no money."""
    with store.transaction() as conn:
        put(conn, ActorRow, {"key": ANNA, "doc": {"balance": {"pending": 5, "paid": 0}}},
            {"key": BRAM, "doc": {"balance": {"pending": 2, "available": 7}}})  # fmt: skip
        for key, account, delta in (("1", ANNA, 5), ("2", BRAM, 3)):
            put(conn, LedgerRow, {"key": key, "txn": key, "account": account, "delta": delta})
        put(
            conn,
            LedgerRow,
            {"key": "3", "txn": "3", "account": ANNA, "benefit": "x", "delta": 1},
        )

        found = list(ledger.strays(conn))

    assert found == [
        {"account": BRAM, "bucket": "available", "balance": 7, "sum": 0},
        {"account": BRAM, "bucket": "pending", "balance": 2, "sum": 3},
    ]
