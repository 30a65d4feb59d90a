"""A claim of messages whose recipient was merged: whoever remains is held and told of, too."""

import sqlalchemy as sa

from store import contacts, outbox_claim
from store.db import Store
from store.dialect import table_of
from store.tables import ConsentRow
from tests.conformance.rows import ANNA, BRAM, NOW, put_messages
from workflows.state import Doc, slice_of

CARLA = "contact/c-carla"


def _person(actor: str, **more: object) -> Doc:
    return {"id": actor.removeprefix("contact/"), **more}


def test_who_remains_is_held_with_what_the_guard_asks_about(store: Store) -> None:
    """State, consent and what either record got, along a chain of merges."""
    with store.transaction() as conn:
        contacts.seed(conn, {
            ANNA: _person(ANNA, merged_into="c-bram"), BRAM: _person(BRAM, merged_into="c-carla"),
            CARLA: _person(CARLA, email="c@acme.example", account="acme",
                           aliases=["c-anna", "c-bram"]),
        })  # fmt: skip
        given = {"slice": slice_of(CARLA), "actor": CARLA, "at": NOW, "source": "crm"}
        no = {"channel": "email", "topic": "programme", "granted": False}
        conn.execute(sa.insert(table_of(ConsentRow)).values(**given, **no))
        put_messages(conn, ["left"], status="sent")
        put_messages(conn, ["waits"])

        claim = outbox_claim.claim(conn, now=NOW)

    assert [message.key for message in claim.messages] == ["waits"]
    assert claim.remains == {ANNA: CARLA}
    carla = claim.recipients[CARLA]
    assert (carla.email, carla.account) == ("c@acme.example", "acme")
    assert not carla.consents["email", "programme"].granted
    assert [(sent.key, sent.to) for sent in carla.history] == [("left", CARLA)]
    assert [(sent.key, sent.to) for sent in claim.recipients[ANNA].history] == [("left", ANNA)]


def test_nobody_remains_of_who_was_not_merged(store: Store) -> None:
    """And nobody else is held."""
    with store.transaction() as conn:
        contacts.seed(conn, {ANNA: _person(ANNA)})
        put_messages(conn, ["m"])

        claim = outbox_claim.claim(conn, now=NOW)

    assert not claim.remains
    assert list(claim.recipients) == [ANNA]
