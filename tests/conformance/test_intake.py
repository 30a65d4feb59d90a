"""Accepting events: once each, with an inbox row for everybody they concern."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from store.backlog import inbox_length
from store.db import Store
from store.errors import is_data_error, is_transient
from store.intake import Arrival, Reject, accept, note
from tests.conformance.rows import ACME, ANNA
from tests.conformance.values import T0, after, arrival, publish, rows, statements
from workflows.state import Consent, slice_of


def consent(*, granted: bool, at: float = 0, actor: str = ANNA) -> Consent:
    return Consent(actor, "email", "asks", granted, T0 + timedelta(seconds=at), "crm")


def test_an_event_enters_the_inbox_of_everybody_it_concerns(store: Store) -> None:
    """The event is stored in its first actor's slice, and queued in each actor's own."""
    publish(store, arrival("e-1", ANNA, ACME, contact="c-anna", arrived=after(seconds=3)))

    assert rows(store, "event", "slice", "id", "contact", "time", "arrived") == [
        (slice_of(ANNA), "e-1", "c-anna", T0, after(seconds=3))
    ]
    assert rows(store, "inbox", "actor", "slice", "accepted_at", "doc") == [
        (ACME, slice_of(ACME), after(seconds=3), {"id": "e-1", "data": {"score": 9}}),
        (ANNA, slice_of(ANNA), after(seconds=3), {"id": "e-1", "data": {"score": 9}}),
    ]


def test_the_inbox_keeps_the_order_of_arrival(store: Store) -> None:
    """Events accepted together, and in two transactions, are numbered in their order."""
    publish(store, arrival("e-1", ANNA, ACME), arrival("e-2"), arrival("e-3"))
    publish(store, arrival("e-0"))

    queued = [(actor, doc["id"]) for _, actor, doc in rows(store, "inbox", "seq", "actor", "doc")]

    assert queued == [
        (ANNA, "e-1"), (ACME, "e-1"), (ANNA, "e-2"), (ANNA, "e-3"), (ANNA, "e-0"),
    ]  # fmt: skip


def test_a_known_id_of_the_same_source_is_a_duplicate(store: Store) -> None:
    """The same id is refused from the same source, also within a batch, and not from another."""
    assert publish(store, arrival("e-1"), arrival("e-1"), arrival("e-2")) == [True, False, True]

    assert publish(store, arrival("e-1"), arrival("e-1", source="shop")) == [False, True]
    assert len(rows(store, "inbox", "seq")) == 3


def test_a_known_natural_key_of_the_same_source_is_a_duplicate(store: Store) -> None:
    """Another id with a known natural key is refused, also within a batch; none has none."""
    twice = [arrival("e-1", natural_key="order-1"), arrival("e-2", natural_key="order-1")]

    assert publish(store, *twice, arrival("e-3"), arrival("e-4")) == [True, False, True, True]
    assert publish(store, arrival("e-5", natural_key="order-1")) == [False]
    assert publish(store, arrival("e-6", natural_key="order-1", source="shop")) == [True]


def test_what_a_refused_event_names_is_not_taken(store: Store) -> None:
    """A duplicate by natural key leaves its id free, as if it had never been offered."""
    publish(store, arrival("e-1", natural_key="order-1"))

    verdicts = publish(
        store,
        arrival("e-2", natural_key="order-1"),
        arrival("e-2", natural_key="order-2"),
        arrival("e-3", natural_key="order-2"),
    )

    assert verdicts == [False, True, False]


def test_an_event_offered_in_two_transactions_at_once_is_stored_once(store: Store) -> None:
    """Of many publishers of the same batch each event is new to exactly one."""
    batch = [arrival(f"e-{number}", ANNA, ACME) for number in range(40)]

    with ThreadPoolExecutor(4) as threads:
        verdicts = list(threads.map(lambda _: publish(store, *batch), range(4)))

    assert [sum(each) for each in zip(*verdicts, strict=True)] == [1] * 40
    assert len(rows(store, "inbox", "seq")) == 80


@pytest.mark.parametrize(
    ("first", "second", "granted"),
    [
        (consent(granted=False, at=1), consent(granted=True, at=0), False),
        (consent(granted=True, at=1), consent(granted=False, at=0), True),
        (consent(granted=True), consent(granted=False), False),
        (consent(granted=False), consent(granted=True), False),
    ],
    ids=["older yes", "older no", "no on a tie", "yes on a tie"],
)
@pytest.mark.parametrize("together", [True, False])
def test_the_most_recent_consent_wins_and_a_no_wins_a_tie(
    store: Store, first: Consent, second: Consent, *, granted: bool, together: bool
) -> None:
    """Event time decides, in one batch as in two; unsubscribed on a tie."""
    arrivals = [arrival("e-1", consents=(first,)), arrival("e-2", consents=(second,))]
    for batch in [arrivals] if together else [[each] for each in arrivals]:
        publish(store, *batch)

    assert rows(store, "consent", "actor", "granted") == [(ANNA, granted)]


def test_a_duplicate_changes_no_consent(store: Store) -> None:
    """What was seen before is not heard again, whatever it says now."""
    publish(store, arrival("e-1", consents=(consent(granted=False),)))
    publish(store, arrival("e-1", consents=(consent(granted=True, at=9),)))

    assert rows(store, "consent", "granted") == [(False,)]


def test_a_batch_costs_as_many_statements_as_one_event(store: Store) -> None:
    """500 events with two actors and a consent each are accepted in what one takes."""

    def accepted(*numbers: int) -> int:
        batch = [
            arrival(f"e-{n}", f"contact/{n}", ACME, consents=(consent(granted=True),))
            for n in numbers
        ]
        with store.transaction() as conn, statements(store) as sent:
            assert all(accept(conn, batch))
        return len(sent)

    one, many = accepted(0), accepted(*range(1, 501))

    assert one == many
    assert one == (1 if store.dialect == "postgresql" else 5)


def test_nothing_offered_is_nothing_sent(store: Store) -> None:
    """An empty batch touches no database."""
    with store.transaction() as conn, statements(store) as sent:
        assert accept(conn, []) == []
        note(conn, [])

    assert sent == []


def test_what_did_not_enter_is_noted_in_one_statement(store: Store) -> None:
    """Rejects are kept with verdict, reason and field, and without a payload."""
    rejects = [Reject(T0, "duplicate", "crm", f"e-{n}", reason="id") for n in range(100)]
    rejects.append(Reject(T0, "rejected", field="data.score", reason="missing"))

    with store.transaction() as conn, statements(store) as sent:
        note(conn, rejects)

    assert len(sent) == 1
    assert rows(store, "reject", "verdict", "event", "reason", "field")[-2:] == [
        ("duplicate", "e-99", "id", ""),
        ("rejected", "", "missing", "data.score"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        arrival("e-\ud800"),
        arrival("e-1", doc={"words": "\udfff"}),
        arrival("e-1", doc={"count": 2**64}),
    ],
    ids=["surrogate", "surrogate in the payload", "huge number"],
)
def test_a_value_no_database_holds_is_a_data_error(store: Store, bad: Arrival) -> None:
    """What slipped past the border is blamed on the batch, and nothing of the batch is kept."""
    with pytest.raises(Exception, match=r".") as raised:
        publish(store, arrival("e-0"), bad)

    assert is_data_error(raised.value)
    assert not is_transient(raised.value)
    assert rows(store, "event", "id") == []


def test_words_that_look_like_a_nul_are_words(store: Store) -> None:
    """Six characters that spell an escape, behind a backslash, are somebody's text."""
    doc = {"words": "a\\u0000b"}
    assert len(doc["words"]) == 8

    publish(store, arrival("e-1", doc=doc))

    assert rows(store, "inbox", "doc") == [(doc,)]


def test_postgres_blames_a_nul_on_the_batch(store: Store) -> None:
    """Postgres holds no NUL: a data error; SQLite holds it and gives it back."""
    bad = arrival("e-1", doc={"words": "a\x00b"})
    if store.dialect == "sqlite":
        publish(store, bad)
        assert rows(store, "inbox", "doc") == [({"words": "a\x00b"},)]
        return

    with pytest.raises(Exception, match="Unicode") as raised:
        publish(store, bad)

    assert is_data_error(raised.value)


def test_the_inbox_is_counted_no_further_than_asked(store: Store) -> None:
    """Whoever asks whether more wait than may wait hears so, not how many there are."""
    publish(store, *(arrival(f"e-{number}") for number in range(5)))

    with store.transaction() as conn:
        assert [inbox_length(conn, at_most=most) for most in (2, 4, 5, 9)] == [3, 5, 5, 5]
