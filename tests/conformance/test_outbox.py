"""Outcomes of the outbox: put off, skipped, sent, refused, in doubt, and who may say so."""

from datetime import timedelta

import pytest

from store import outbox_claim, outbox_leave, outbox_record
from store.db import Store
from store.outbox import CLAIM_MAX, Claim, Claimed, Deferral, Leaving, Outcome, Result, Skip
from store.tables import DecisionRow, InboxRow, OutboxRow
from tests.conformance.messages import MINE, MINUTE, OTHERS, SPENT, keys_of, send, status
from tests.conformance.rows import (
    ANNA,
    BRAM,
    LEASE,
    NOW,
    column,
    counted,
    put_contacts,
    put_messages,
)
from workflows.state import Forward, Record, slice_of


@pytest.mark.parametrize("number", [1, CLAIM_MAX])
def test_outcomes_are_a_fixed_number_of_statements(store: Store, number: int) -> None:
    """Leaving is one statement, recording five or three, however many messages."""
    keys = [f"m{n:02}" for n in range(number)]
    with store.transaction() as conn:
        put_messages(conn, keys)
        with counted(conn) as leaving:
            refs = send(conn, *keys)
        forwards = [Forward(ANNA, {"type": "message.sent"})]
        records = [Record(ANNA, NOW, "m", {"facts": []})]
        outcomes = [Outcome(ref, Result.SENT, forwards=forwards, records=records) for ref in refs]
        with counted(conn) as recording:
            done = outbox_record.record(conn, outcomes, token=MINE, now=NOW)

    assert len(done) == number
    assert len(leaving) == 1
    assert len(recording) == (5 if store.dialect == "sqlite" else 3)


def test_only_pending_messages_leave(store: Store) -> None:
    """A message that is leaving, skipped or sent neither leaves again nor is put off."""
    with store.transaction() as conn:
        put_messages(conn, ["m1", "m2", "m3"])
        [one, two, three] = send(conn, "m1", "m2", "m3")[:3]
        leaving = [Leaving(one, "sms", "en", NOW + MINUTE)]

        assert outbox_leave.mark_sending(conn, leaving, token=OTHERS, now=NOW, lease=LEASE) == set()
        put_off = Deferral(two, NOW + MINUTE, NOW + MINUTE, "quiet")
        assert outbox_leave.defer(conn, [put_off], now=NOW) == set()
        never = Skip(three, "no_consent", forwards=[Forward(ANNA, {"type": "message.skipped"})])
        assert outbox_leave.skip(conn, [never], now=NOW) == set()
        assert column(conn, OutboxRow, "token") == [MINE] * 3
        assert column(conn, InboxRow, "actor") == []


def test_a_deferred_message_stays_pending_with_its_reason(store: Store) -> None:
    """Put off, it is due at its new time, and the decision is written down."""
    later = NOW + timedelta(days=1)
    ref = (slice_of(ANNA), "m1")
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        fact = Record(ANNA, NOW, "m1", {"facts": [{"fact": "message.deferred"}]})

        assert outbox_leave.defer(conn, [Deferral(ref, later, later, "capped", [fact])], now=NOW)

        assert outbox_claim.due(conn, now=NOW) == []
        assert outbox_claim.due(conn, now=later) == ["m1"]
        assert column(conn, OutboxRow, "reason") == ["capped"]
        assert column(conn, OutboxRow, "planned_at") == [later]
        assert column(conn, DecisionRow, "doc") == [fact.doc]


def test_a_skip_is_final_and_told(store: Store) -> None:
    """Skipped, it is never due again, and its run hears of it."""
    ref = (slice_of(ANNA), "m1")
    event = {"type": "message.skipped", "data": {"reason": "no_consent"}}
    with store.transaction() as conn:
        put_messages(conn, ["m1"])

        outbox_leave.skip(conn, [Skip(ref, "no_consent", [Forward(BRAM, event)])], now=NOW)

        assert outbox_claim.due(conn, now=NOW + timedelta(days=900)) == []
        assert column(conn, OutboxRow, "reason") == ["no_consent"]
        assert column(conn, InboxRow, "doc", slice=slice_of(BRAM), actor=BRAM) == [event]
        assert column(conn, InboxRow, "accepted_at") == [NOW]


def test_a_sent_message_is_recorded_and_told(store: Store) -> None:
    """Recorded as sent, it has its message id, and the event is in the inbox of its actor."""
    event = {"type": "message.sent"}
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        refs = send(conn, "m1")
        sent = Outcome(refs[0], Result.SENT, message_id="<1@acme>", forwards=[Forward(ANNA, event)])

        assert outbox_record.record(conn, [sent], token=MINE, now=NOW) == set(refs)

        assert status(conn, "m1") == "sent"
        assert column(conn, OutboxRow, "message_id") == ["<1@acme>"]
        assert column(conn, OutboxRow, "attempts") == [1]
        assert column(conn, OutboxRow, "token") == [""]
        assert column(conn, InboxRow, "doc") == [event]


def test_a_retry_gives_its_place_back(store: Store) -> None:
    """A definite failure makes the message pending, later, and frees its place in caps."""
    later = NOW + timedelta(minutes=2)
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["m1"])
        refs = send(conn, "m1")
        put_messages(conn, ["m2"])

        failed = Outcome(refs[0], Result.RETRY, reason="greylisted", due_at=later)
        outbox_record.record(conn, [failed], token=MINE, now=NOW)

        claim = outbox_claim.claim(conn, now=NOW)
        assert keys_of(claim) == ["m2"]
        assert claim.recipients[ANNA].history == ()
        assert column(conn, OutboxRow, "attempts", key="m1") == [1]
        assert column(conn, OutboxRow, "planned_at", key="m1") == [NOW]
        assert outbox_claim.due(conn, now=later) == ["m1", "m2"]


def test_a_refusal_strikes_the_channel(store: Store) -> None:
    """Refused by one channel for good, the message comes due at the slot without it."""
    slot = NOW + timedelta(days=1)
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["m1"], attempts=3, doc={"touch": 2})
        refs = send(conn, "m1")

        no = Outcome(refs[0], Result.REFUSED, reason="bounced", due_at=slot, planned_at=slot)
        outbox_record.record(conn, [no], token=MINE, now=NOW)

        [message] = outbox_claim.claim(conn, now=slot).messages
        assert (message.refused, message.attempts) == (("email",), 0)
        assert (message.planned_at, message.doc["touch"]) == (slot, 2)


@pytest.mark.parametrize(("token", "lease"), [(OTHERS, LEASE), (MINE, SPENT)])
def test_who_does_not_hold_a_message_changes_nothing(
    store: Store, token: str, lease: timedelta
) -> None:
    """With another token, or past the lease, nothing is recorded and nobody is told."""
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        refs = send(conn, "m1", lease=lease)

        assert outbox_leave.still_mine(conn, refs, token=token, now=NOW) == set()
        sent = Outcome(
            refs[0],
            Result.SENT,
            forwards=[Forward(ANNA, {"type": "message.sent"})],
            records=[Record(ANNA, NOW, "m1", {})],
        )
        assert outbox_record.record(conn, [sent], token=token, now=NOW) == set()
        assert status(conn, "m1") == "sending"
        assert column(conn, InboxRow, "seq") == []
        assert column(conn, DecisionRow, "seq") == []


def test_the_holder_may_send(store: Store) -> None:
    """Within the lease the token's messages are still its own, the others' are not."""
    with store.transaction() as conn:
        put_messages(conn, ["m1", "m2"])
        mine = send(conn, "m1")
        other = send(conn, "m2", token=OTHERS)

        assert outbox_leave.still_mine(conn, mine + other, token=MINE, now=NOW) == set(mine)


def test_leases_are_counted_in_database_time(postgres: Store) -> None:
    """On Postgres a worker whose clock is a year late does not believe in its lease."""
    a_year_late = NOW - timedelta(days=365)
    with postgres.transaction() as conn:
        put_messages(conn, ["m1"])
        refs = send(conn, "m1", lease=SPENT)

        assert outbox_leave.still_mine(conn, refs, token=MINE, now=a_year_late) == set()
        assert [each.key for each in outbox_record.expire_leases(conn, a_year_late)] == ["m1"]


def test_a_lease_that_runs_out_leaves_doubt(store: Store) -> None:
    """Nobody knows whether it was sent: it is in doubt, counted in caps and not due."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["m1", "m2", "m3"])
        refs = send(conn, "m1", lease=SPENT)
        send(conn, "m2")

        assert [each.key for each in outbox_record.expire_leases(conn, NOW)] == ["m1"]
        assert outbox_record.expire_leases(conn, NOW) == []
        assert [each.key for each in outbox_record.in_doubt(conn)] == ["m1"]
        late = Outcome(refs[0], Result.SENT)
        assert outbox_record.record(conn, [late], token=MINE, now=NOW) == set()
        claim = outbox_claim.claim(conn, now=NOW)
        assert keys_of(claim) == ["m3"]
        assert [each.key for each in claim.recipients[ANNA].history] == ["m1", "m2"]


@pytest.mark.parametrize(("sent", "becomes"), [(True, "sent"), (False, "pending")])
def test_doubt_is_resolved_once(store: Store, sent: bool, becomes: str) -> None:  # noqa: FBT001
    """Whoever looked it up settles it; a second word changes nothing."""
    forwards = [Forward(ANNA, {"type": "message.sent"})]
    with store.transaction() as conn:
        put_messages(conn, ["m1"])
        send(conn, "m1", lease=SPENT)
        outbox_record.expire_leases(conn, NOW)

        def settle() -> Claimed | None:
            return outbox_record.resolve(
                conn, "m1", sent=sent, by="u-ada", now=NOW, forwards=forwards
            )

        settled = settle()
        assert settled is not None
        assert settled.status == becomes
        assert settle() is None
        assert "u-ada" in settled.reason
        assert len(column(conn, InboxRow, "seq")) == 1
        assert outbox_claim.due(conn, now=NOW) == ([] if sent else ["m1"])


def test_an_operator_redelivers_what_failed(store: Store) -> None:
    """A failed message leaves once more with all its attempts; a sent one never does."""
    with store.transaction() as conn:
        put_messages(conn, ["m1"], status="failed", attempts=5)
        put_messages(conn, ["m2"], status="sent")

        again = outbox_record.redeliver(conn, "m1", by="u-ada", now=NOW)
        assert again is not None
        assert (again.status, again.attempts) == ("pending", 0)
        assert outbox_record.redeliver(conn, "m2", by="u-ada", now=NOW) is None
        assert outbox_claim.due(conn, now=NOW) == ["m1"]


def test_nothing_to_do_costs_nothing(store: Store) -> None:
    """Empty lists are no statement, and an empty outbox is one."""
    with store.transaction() as conn, counted(conn) as statements:
        assert outbox_leave.mark_sending(conn, [], token=MINE, now=NOW, lease=LEASE) == set()
        assert outbox_leave.defer(conn, [], now=NOW) == set()
        assert outbox_leave.skip(conn, [], now=NOW) == set()
        assert outbox_leave.still_mine(conn, [], token=MINE, now=NOW) == set()
        assert outbox_record.record(conn, [], token=MINE, now=NOW) == set()
        assert statements == []
        assert outbox_claim.claim(conn, now=NOW) == Claim()
        assert len(statements) == 1
