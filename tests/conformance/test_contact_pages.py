"""Contacts page by page, on both databases; schedules told by the apply itself."""

from datetime import timedelta

import sqlalchemy as sa

from store import contacts, definitions
from store.contact_pages import contact_page
from store.db import Store
from store.tables import InboxRow
from tests.conformance.rows import NOW
from workflows.schedules import SET
from workflows.state import Doc, slice_of


def test_every_contact_is_met_once(store: Store) -> None:
    """Pages of any size together are all contacts in order of slice and key, with accounts."""
    docs: dict[str, Doc] = {f"contact/c-{n}": {"id": f"c-{n}", "account": "acme"} for n in range(7)}
    docs["contact/alone"] = {"id": "alone"}
    others: dict[str, Doc] = {"account/acme": {"tier": "gold"}, "contacts/x": {}, "schedule/w": {}}
    with store.transaction() as conn:
        contacts.seed(conn, docs | others)
        for limit in (1, 3, 8, 9, 500):
            met: list[str] = []
            after: tuple[int, str] | None = (0, "")
            while after is not None:
                page = contact_page(conn, after, limit=limit)
                assert len(page.contacts) <= limit
                for key, doc, account in page.contacts:
                    assert doc == docs[key]
                    assert account == ({"tier": "gold"} if doc.get("account") else {})
                met += [key for key, _, _ in page.contacts]
                after = page.after
            assert sorted(met) == sorted(docs)
            assert [slice_of(key) for key in met] == sorted(map(slice_of, docs))


def _bundle(**schedules: str) -> Doc:
    workflows: Doc = {
        name: {"trigger": {"schedule": line} if line else {"event": ["nps.answered"]}}
        for name, line in schedules.items()
    }
    return {"policies": {"programme": "acme", "zone": "Europe/Paris"}, "workflows": workflows}


def _told(store: Store) -> list[tuple[str, str]]:
    """Return what schedules were told, and forget it."""
    inbox = sa.select(InboxRow.actor, InboxRow.doc).order_by(sa.text("seq"))  # type: ignore[call-overload]
    with store.transaction() as conn:
        rows = conn.execute(inbox).all()
        conn.execute(sa.text("delete from inbox"))
    assert all(doc["type"] == SET and doc["data"]["zone"] == "Europe/Paris" for _, doc in rows)
    return [(actor, doc["data"]["schedule"]) for actor, doc in rows]


def test_an_apply_tells_the_schedules(store: Store) -> None:
    """New, kept, lost and removed schedules are told by the transaction that moves the head."""
    steps = [
        (_bundle(a="0 9 * * *", b="0 8 * * 1", c=""), [("a", "0 9 * * *"), ("b", "0 8 * * 1")]),
        (_bundle(a="0 9 * * *", b=""), [("a", "0 9 * * *"), ("b", "")]),
        (_bundle(b=""), [("a", "")]),
        (_bundle(b="", c="5 5 5 5 *"), [("c", "5 5 5 5 *")]),
    ]
    for number, (bundle, told) in enumerate(steps):
        with store.transaction() as conn:
            definitions.apply(
                conn, bundle, hash=f"h{number}", workflows={}, now=NOW + timedelta(days=number)
            )

        assert _told(store) == [(f"schedule/{name}", line) for name, line in told]
