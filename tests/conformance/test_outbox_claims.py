"""Claims of the outbox: what is due, all that the guard asks about it, and how few statements."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import outbox_claim
from store.db import Store
from store.dialect import table_of
from store.outbox import CLAIM_MAX, Claim, Claimed, Status
from store.tables import ActorRow, AskRow, ConsentRow, RunRow
from tests.conformance.messages import MINUTE, keys_of
from tests.conformance.rows import (
    ACME,
    ANNA,
    BRAM,
    LEASE,
    NOW,
    column,
    counted,
    put,
    put_contacts,
    put_messages,
)
from workflows.state import slice_of


def run_status(claim: Claim, message: Claimed) -> str:
    run = claim.run_of(message)
    return run.status if run else ""


def test_due_is_oldest_planned_first(store: Store) -> None:
    """Messages come due in order of planned time, future and final ones not at all."""
    with store.transaction() as conn:
        put_messages(conn, ["b"])
        put_messages(conn, ["a"], due_at=NOW - timedelta(seconds=1))
        put_messages(conn, ["old"], planned_at=NOW - MINUTE, due_at=NOW - MINUTE)
        put_messages(conn, ["later"], due_at=NOW + MINUTE)
        put_messages(conn, ["gone"], status="sent")

        assert outbox_claim.due(conn, now=NOW, limit=10) == ["old", "a", "b"]
        assert outbox_claim.due(conn, now=NOW, limit=2) == ["old", "a"]
        assert outbox_claim.due(conn, now=NOW, slices=[slice_of(ANNA)], limit=1) == ["old"]
        assert outbox_claim.due(conn, now=NOW, slices=[slice_of(ANNA) ^ 1], limit=1) == []


def test_claim_gives_the_whole_context(store: Store) -> None:
    """A claim tells all that the guard asks: state, consent, run, ask, and whom it is about."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA, BRAM, ACME, account="acme")
        put(conn, RunRow, {"id": "run-1", "actor": BRAM, "doc": {"trigger": {"id": "e-1"}}})
        put(conn, AskRow, {"key": "run-1/ask", "actor": BRAM, "status": "open"})
        given = {"slice": slice_of(ANNA), "actor": ANNA, "at": NOW, "source": "crm"}
        conn.execute(
            sa.insert(table_of(ConsentRow)).values(
                **given, channel="email", topic="programme", granted=True
            )
        )
        put_messages(
            conn,
            ["m1"],
            actor=BRAM,
            run="run-1",
            ask="run-1/ask",
            account="acme",
            by=["sms", "email"],
            doc={"touch": 2},
        )

        claim = outbox_claim.claim(conn, now=NOW)

    [message] = claim.messages
    anna = claim.recipients[ANNA]
    assert (message.by, message.class_, message.doc) == (("sms", "email"), "value", {"touch": 2})
    assert (anna.doc, anna.account) == ({"name": ANNA}, "acme")
    assert anna.consents["email", "programme"].granted is True
    assert anna.consents["email", "programme"].at == NOW
    assert run_status(claim, message) == "live"
    assert [run.doc for run in claim.runs.values()] == [{"trigger": {"id": "e-1"}}]
    assert claim.ask_status(message) == "open"
    assert claim.actors == {BRAM: {"name": BRAM}, ACME: {"name": ACME}}


def test_a_message_without_run_or_ask_has_no_status_of_them(store: Store) -> None:
    """What does not exist is the empty string, and a colleague has an empty state."""
    with store.transaction() as conn:
        put_messages(conn, ["m1"], to="staff/u-ben", run="run-9", **{"class": "staff"})

        claim = outbox_claim.claim(conn, now=NOW)

        assert column(conn, ActorRow, "key") == []
    [message] = claim.messages
    assert (run_status(claim, message), claim.ask_status(message)) == ("", "")
    assert claim.recipients["staff/u-ben"].doc == {}


@pytest.mark.parametrize("counts", list(Status))
def test_history_is_what_left_or_may_have_left(store: Store, counts: Status) -> None:
    """Sending, in doubt, sent and reported messages fill caps; pending and undone ones do not."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["before"], status=counts, planned_at=NOW - MINUTE, due_at=NOW + LEASE)
        put_messages(conn, ["m1"])

        claim = outbox_claim.claim(conn, now=NOW)

    left = {Status.SENDING, Status.IN_DOUBT, Status.SENT, Status.REPORTED}
    assert [each.key for each in claim.recipients[ANNA].history] == (
        ["before"] if counts in left else []
    )


def test_history_reaches_the_account_and_the_horizon(store: Store) -> None:
    """Messages to colleagues of the same account are in the history, those too old are not."""
    sent = {"status": "sent", "due_at": NOW}
    with store.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        put_messages(conn, ["edge"], planned_at=NOW - timedelta(days=7), **sent)
        put_messages(conn, ["inside"], planned_at=NOW - timedelta(days=7) + MINUTE, **sent)
        put_messages(conn, ["bram"], to=BRAM, account="acme", planned_at=NOW - MINUTE, **sent)
        put_messages(conn, ["other"], to=BRAM, account="globex", planned_at=NOW - MINUTE, **sent)
        put_messages(conn, ["m1"], account="acme")

        claim = outbox_claim.claim(conn, now=NOW, horizon=timedelta(days=7))

    assert [each.key for each in claim.recipients[ANNA].history] == ["inside", "bram"]


def test_once_is_forever(store: Store) -> None:
    """A `once` template counts as sent however long ago, and only to this person."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        long_ago = NOW - timedelta(days=4000)
        put_messages(conn, ["m0"], status="sent", template="welcome", planned_at=long_ago)
        put_messages(conn, ["m1"], template="welcome", once=True)
        put_messages(conn, ["m2"], to=BRAM, template="welcome", once=True)

        claim = outbox_claim.claim(conn, now=NOW)

    assert claim.recipients[ANNA].templates_sent == {"welcome"}
    assert claim.recipients[BRAM].templates_sent == frozenset()


@pytest.mark.parametrize("number", [1, CLAIM_MAX])
def test_a_claim_is_a_fixed_number_of_statements(store: Store, number: int) -> None:
    """One message or fifty: eight statements with everything to look up."""
    with store.transaction() as conn:
        for n in range(number):
            key = f"contact/c-{n}"
            put_contacts(conn, key, f"account/a-{n}")
            put(conn, RunRow, {"id": f"run-{n}", "actor": ANNA})
            put(conn, AskRow, {"key": f"ask-{n}", "actor": f"contact/l-{n}"})
            put_messages(
                conn,
                [f"m{n}"],
                to=key,
                actor=ANNA,
                account=f"account/a-{n}",
                run=f"run-{n}",
                ask=f"ask-{n}",
                once=True,
            )
        with counted(conn) as statements:
            claim = outbox_claim.claim(conn, now=NOW, limit=1000)

    assert len(claim.messages) == number
    assert len(statements) == 8


def test_each_record_of_a_merge_has_a_run_of_its_own(store: Store) -> None:
    """The message of the record that was merged sees its run gone, the other one's that it lives.

    A run keeps its id when it moves: one claim that takes messages of both tells them apart.
    """
    other = "contact/c-bram"
    with store.transaction() as conn:
        put_contacts(conn, ANNA, other)
        put(conn, RunRow, {"id": "run-1", "actor": ANNA, "status": "moved"},
            {"id": "run-1", "actor": other, "status": "live"})  # fmt: skip
        for key, actor in (("old", ANNA), ("new", other)):
            put_messages(conn, [key], to=actor, run="run-1", ask="ask-1")
        put(conn, AskRow, {"key": "ask-1", "actor": ANNA, "status": "moved"},
            {"key": "ask-1", "actor": other, "status": "open"})  # fmt: skip
    with store.transaction() as conn:
        claim = outbox_claim.claim(conn, now=NOW)

    assert {m.key: (run_status(claim, m), claim.ask_status(m)) for m in claim.messages} == {
        "old": ("moved", "moved"), "new": ("live", "open"),
    }  # fmt: skip


def test_a_call_locks_nobody_and_reads_no_history(store: Store) -> None:
    """A call to an endpoint is claimed with its run; letters beside it are claimed as ever."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put(conn, RunRow, {"id": "run-1", "actor": ANNA})
        put_messages(
            conn, ["call"], to="endpoint/shop", actor=ANNA, run="run-1", **{"class": "call"}
        )
        put_messages(conn, ["letter"])
    with store.transaction() as conn:
        claim = outbox_claim.claim(conn, now=NOW)

    assert sorted(keys_of(claim)) == ["call", "letter"]
    assert set(claim.recipients) == {ANNA}
    assert [run.id for run in claim.runs.values()] == ["run-1"]
    with store.reader() as conn:
        assert "endpoint/shop" not in column(conn, ActorRow, "key")
