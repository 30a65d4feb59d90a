"""Whose tasks an account's event concerns, and where a merged record lives now."""

from datetime import UTC, datetime

import pytest

from store import contacts
from store.contact_pages import members
from store.db import Store
from tests.conformance.values import decide
from workflows.state import SLICES, Changes, Task

NOW = datetime(2027, 2, 3, 8, tzinfo=UTC)


def _task(actor: str, status: str = "open") -> Task:
    return Task(f"{actor}/t", actor, "r", "w", "s", "u-sam", "sales", "Call", NOW, NOW,
                status=status)  # fmt: skip


def test_the_contacts_of_an_account(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is written, no other's; where there are too many, first those with open tasks."""
    docs = {f"contact/{name}": {"id": name, "account": account} for name, account in (
        ("a", "wal"), ("b", "wal"), ("c", "wal"), ("d", "rif"))}  # fmt: skip
    tasks = [_task("contact/c"), _task("contact/b", "done"), _task("contact/d")]
    with store.transaction() as conn:
        contacts.seed(conn, docs)
        changes = Changes(tasks={task.key: task for task in tasks})
        decide(conn, range(SLICES), changes, now=NOW)

    with store.reader() as conn:
        assert members(conn, "wal") == ("contact/c", "contact/a", "contact/b")
        monkeypatch.setattr("store.contact_pages.MEMBERS_MAX", 1)
        assert members(conn, "account/wal") == ("contact/c",)


@pytest.mark.parametrize(("length", "found"), [(0, 0), (3, 3), (contacts.ALIASES_MAX + 1, 50)])
def test_a_chain_of_merges_is_followed_so_far(store: Store, length: int, found: int) -> None:
    """Up to `ALIASES_MAX` records."""
    docs = {f"contact/c-{n}": {"id": f"c-{n}", "merged_into": f"c-{n + 1}"} for n in range(length)}
    with store.transaction() as conn:
        contacts.seed(conn, {**docs, f"contact/c-{length}": {"id": f"c-{length}"}})
    with store.reader() as conn:
        assert contacts.resolve(conn, "contact/c-0") == f"contact/c-{found}"
