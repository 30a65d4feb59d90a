"""Actors and consents: seeded, found by address or number, asked whose a task is."""

from datetime import datetime, timedelta

import pytest

from store import contacts
from store.contacts import SEED_ROWS_MAX
from store.db import Store
from store.tables import ActorRow, AskRow, ConsentRow, TaskRow
from tests.conformance.rows import ACME, ANNA, BRAM, NOW, column, put
from workflows.state import Consent, Doc

DOC: Doc = {"name": "Anna", "email": "Anna@Acme.example", "phone": "+31612345678"}


def word(granted: bool, at: datetime = NOW) -> Consent:  # noqa: FBT001 - yes or no
    return Consent(ANNA, "email", "programme", granted, at, "import")


def test_seeding_replaces_what_was_known(store: Store) -> None:
    """An actor is stored with the columns one searches by, and a second seed replaces it."""
    with store.transaction() as conn:
        contacts.seed(conn, {ANNA: DOC, ACME: {"name": "Acme"}})
        contacts.seed(conn, {ANNA: {**DOC, "phone": None, "account": "acme"}})

        assert contacts.get(conn, [ANNA, ACME, BRAM]) == {
            ANNA: {**DOC, "phone": None, "account": "acme"},
            ACME: {"name": "Acme"},
        }
        assert column(conn, ActorRow, "account", key=ANNA) == ["acme"]
        assert column(conn, ActorRow, "phone", key=ANNA) == [""]
        assert contacts.get(conn, []) == {}


def test_any_number_of_actors_is_seeded(store: Store) -> None:
    """An import larger than one statement may be arrives whole."""
    many = {f"contact/c-{n}": {"name": str(n)} for n in range(SEED_ROWS_MAX + 1)}
    with store.transaction() as conn:
        contacts.seed(conn, many)

        assert contacts.get(conn, many) == many


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (word(granted=True), word(granted=False), False),
        (word(granted=False), word(granted=True), False),
        (word(granted=False), word(granted=True, at=NOW + timedelta(seconds=1)), True),
        (word(granted=True), word(granted=False, at=NOW - timedelta(seconds=1)), True),
    ],
)
def test_the_latest_word_counts(
    store: Store,
    before: Consent,
    said: Consent,
    after: bool,  # noqa: FBT001 - yes or no
) -> None:
    """The most recent word wins, a no on a tie, an older one changes nothing."""
    with store.transaction() as conn:
        contacts.seed(conn, {}, [before])
        contacts.seed(conn, {}, [said])

        [known] = contacts.consents_of(conn, ANNA)
        assert known.granted is after
        assert len(column(conn, ConsentRow, "actor")) == 1


def test_a_contact_is_found_by_address_or_number(store: Store) -> None:
    """Addresses match without case, numbers exactly, accounts never."""
    with store.transaction() as conn:
        contacts.seed(conn, {ANNA: DOC, ACME: {"email": "info@acme.example"}, BRAM: {}})

        assert contacts.find_contact(conn, email="anna@ACME.example") == "c-anna"
        assert contacts.find_contact(conn, phone="+31612345678") == "c-anna"
        assert contacts.find_contact(conn, email="x@acme.example", phone=DOC["phone"]) == "c-anna"
        assert contacts.find_contact(conn, email="info@acme.example") == ""
        assert contacts.find_contact(conn, email="anna@acme") == ""
        assert contacts.find_contact(conn) == ""


def test_tasks_and_asks_know_whose_they_are(store: Store) -> None:
    """Keys lead to actors; unknown ones to nothing."""
    with store.transaction() as conn:
        put(conn, TaskRow, {"key": "t-1", "actor": ANNA}, {"key": "t-2", "actor": BRAM})
        put(conn, AskRow, {"key": "a-1", "actor": BRAM})

        assert contacts.task_actor(conn, ["t-1", "t-2", "t-3"]) == {"t-1": ANNA, "t-2": BRAM}
        assert contacts.ask_actor(conn, ["a-1", "t-1"]) == {"a-1": BRAM}
        assert contacts.task_actor(conn, []) == {}
