"""Take the fence away, and a late worker overwrites: proof that the fence is what stops it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from store import outbox_leave, outbox_record
from store.db import Store
from store.outbox import Leaving, Outcome, Result
from tests.conformance.rows import put_messages
from workflows.state import slice_of

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINE, STRANGE = "mine", "strange"
REF = (slice_of("contact/c-anna"), "m1")


def _without(line: str) -> ModuleType:
    """Return store.outbox_record with one line of its source left out."""
    source = Path(str(outbox_record.__file__)).read_text(encoding="utf-8")
    assert source.count(line) == 1, "the fence stands elsewhere now: move this test with it"
    module = ModuleType("outbox_record_unfenced")
    exec(compile(source.replace(line, ""), "unfenced", "exec"), module.__dict__)  # noqa: S102
    return module


def _records_with_a_strange_token(store: Store, module: ModuleType) -> bool:
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        outbox_leave.mark_sending(
            conn, [Leaving(REF, "email", "nl", NOW)], token=MINE, now=NOW,
            lease=timedelta(minutes=5),
        )  # fmt: skip
        outcome = Outcome(REF, Result.SENT)
        return bool(module.record(conn, [outcome], token=STRANGE, now=NOW))


def test_a_strange_token_records_nothing(store: Store) -> None:
    """With the fence, who does not hold the message changes nothing."""
    assert not _records_with_a_strange_token(store, outbox_record)


def test_without_the_fence_it_would(store: Store) -> None:
    """The same, with the one line gone: now the stranger is believed."""
    unfenced = _without("            _outbox.c.token == token,\n")

    assert _records_with_a_strange_token(store, unfenced)
