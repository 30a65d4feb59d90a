"""Take the fence away, and a late worker overwrites: proof that the fence is what stops it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from store import outbox_leave, outbox_record, outbox_sql
from store.db import Store
from store.outbox import Leaving, Outcome, Result
from store.statement import Statement
from tests.conformance.rows import put_messages
from workflows.state import slice_of

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINE, STRANGE = "mine", "strange"
REF = (slice_of("contact/c-anna"), "m1")


def _unfenced() -> Statement:
    """Return the statement that finds the messages of a token, for whatever token."""
    held = outbox_sql.HELD
    assert "o.token = ?" in held.sqlite, "the fence stands elsewhere now: move this test with it"
    assert "o.token = %s" in held.postgres
    return replace(
        held,
        sqlite=held.sqlite.replace("o.token = ?", "? <> ''"),
        postgres=held.postgres.replace("o.token = %s", "CAST(%s AS text) <> ''"),
    )


def _records_with_a_strange_token(store: Store) -> bool:
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        outbox_leave.mark_sending(
            conn, [Leaving(REF, "email", "nl", NOW)], token=MINE, now=NOW,
            lease=timedelta(minutes=5),
        )  # fmt: skip
        outcome = Outcome(REF, Result.SENT)
        return bool(outbox_record.record(conn, [outcome], token=STRANGE, now=NOW))


def test_a_strange_token_records_nothing(store: Store) -> None:
    """With the fence, who does not hold the message changes nothing."""
    assert not _records_with_a_strange_token(store)


def test_without_the_fence_it_would(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with the one condition gone: now the stranger is believed."""
    monkeypatch.setattr(outbox_record, "HELD", _unfenced())

    assert _records_with_a_strange_token(store)
