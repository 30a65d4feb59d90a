"""What deliver does with the outbox: claims, leases, outcomes, doubts."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import outbox_claim, outbox_leave, outbox_record
from store.db import Store
from store.dialect import table_of
from store.outbox import (
    CLAIM_MAX,
    Claim,
    Claimed,
    Deferral,
    Leaving,
    Outcome,
    Ref,
    Result,
    Skip,
    Status,
)
from store.tables import ActorRow, AskRow, ConsentRow, DecisionRow, InboxRow, OutboxRow, RunRow
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
from workflows.state import Forward, Record, slice_of

SPENT = timedelta(seconds=-1)  # a lease that has run out already
MINUTE = timedelta(minutes=1)
MINE, OTHERS = "t1", "t2"


@pytest.fixture
def postgres(pg: str) -> Iterator[Store]:
    """Give a store with row locks and a clock of its own."""
    opened = Store.open(pg, durable=False)
    yield opened
    opened.close()


def send(conn: sa.Connection, *keys: str, token: str = MINE, lease: timedelta = LEASE) -> list[Ref]:
    """Let pending messages to Anna leave by mail."""
    refs = [(slice_of(ANNA), key) for key in keys]
    leaving = [Leaving(ref, "email", "nl", NOW) for ref in refs]
    outbox_leave.mark_sending(conn, leaving, token=token, now=NOW, lease=lease)
    return refs


def status(conn: sa.Connection, key: str) -> str:
    return str(column(conn, OutboxRow, "status", key=key)[0])


def keys_of(claim: Claim) -> list[str]:
    return [each.key for each in claim.messages]


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
    assert claim.run_status(message) == "live"
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
    assert (claim.run_status(message), claim.ask_status(message)) == ("", "")
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


def test_claimers_at_once_send_every_message_once(store: Store) -> None:
    """Four claimers that take turns at random send forty messages once each, none twice."""
    contacts = [f"contact/c-{n}" for n in range(8)]
    with store.transaction() as conn:
        for contact in contacts:
            put_contacts(conn, contact)
            put_messages(conn, [f"{contact}/{n}" for n in range(5)], to=contact, account="acme")

    def deliver(token: str) -> list[str]:
        sent: list[str] = []
        waiting = True
        while waiting:
            with store.transaction() as conn:
                claim = outbox_claim.claim(conn, now=NOW, limit=3)
                leaving = [Leaving(each.ref, "email", "nl", NOW) for each in claim.messages]
                left = outbox_leave.mark_sending(conn, leaving, token=token, now=NOW, lease=LEASE)
                sent += [key for _, key in left]
                waiting = bool(outbox_claim.due(conn, now=NOW))  # what others hold, too
        return sent

    with ThreadPoolExecutor(4) as pool:
        sent = Counter(key for keys in pool.map(deliver, "abcd") for key in keys)

    assert sent == Counter(f"{contact}/{n}" for contact in contacts for n in range(5))


def test_claims_share_nothing(postgres: Store) -> None:
    """Two claimers at once never get one message, nor messages of one contact."""
    with postgres.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        put_messages(conn, ["a1", "a2"])
        put_messages(conn, ["b1"], to=BRAM)

    with postgres.transaction() as one, postgres.transaction() as two:
        two.execute(sa.text("SET LOCAL lock_timeout = '1s'"))  # a wait fails, and does not hang
        first = outbox_claim.claim(one, now=NOW, limit=1)
        second = outbox_claim.claim(two, now=NOW, limit=10)

    assert keys_of(first) == ["a1"]
    assert keys_of(second) == ["b1"]
    assert second.left == 1


def test_messages_of_one_account_are_claimed_by_one(postgres: Store) -> None:
    """Two contacts of an account are not asked about by two claimers: they share caps."""
    with postgres.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        put_messages(conn, ["a1"], account="acme")
        put_messages(conn, ["b1"], to=BRAM, account=ACME)

    with postgres.transaction() as one, postgres.transaction() as two:
        two.execute(sa.text("SET LOCAL lock_timeout = '1s'"))  # a wait fails, and does not hang
        first = outbox_claim.claim(one, now=NOW, limit=1)
        second = outbox_claim.claim(two, now=NOW, limit=10)

    assert keys_of(first) == ["a1"]
    assert (keys_of(second), second.left) == ([], 1)


def test_a_claimer_waits_for_nobody(postgres: Store) -> None:
    """A contact whose row is locked is left for the next round, at once."""
    with postgres.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        put_messages(conn, ["a1"])
        put_messages(conn, ["b1"], to=BRAM)

    actor = table_of(ActorRow)
    with postgres.transaction() as other, postgres.transaction() as conn:
        conn.execute(sa.text("SET LOCAL lock_timeout = '1ms'"))  # any wait is an error
        other.execute(actor.update().where(actor.c.key == ANNA).values(email="a@acme.example"))
        claim = outbox_claim.claim(conn, now=NOW)

    assert (keys_of(claim), claim.left) == (["b1"], 1)
    with postgres.transaction() as conn:
        claim = outbox_claim.claim(conn, now=NOW)
    assert keys_of(claim) == ["a1", "b1"]
    assert claim.recipients[ANNA].email == "a@acme.example"


def test_a_claimer_waits_for_no_insert(postgres: Store) -> None:
    """An account that somebody else is just inserting is left for the next round, at once."""
    with postgres.transaction() as conn:
        put_contacts(conn, ANNA, BRAM)
        put_messages(conn, ["a1"], account="acme")
        put_messages(conn, ["b1"], to=BRAM)

    with postgres.transaction() as other, postgres.transaction() as conn:
        put_contacts(other, ACME)
        claim = outbox_claim.claim(conn, now=NOW)

        assert (keys_of(claim), claim.left) == (["b1"], 1)
        assert conn.scalar(sa.text("SHOW lock_timeout")) == "0"


def test_an_account_gets_a_row_to_lock(store: Store) -> None:
    """The first message of an account creates its actor, the second finds it."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["a1", "a2"], account="acme")
    for expected in ("a1", "a2"):
        with store.transaction() as conn:
            assert keys_of(outbox_claim.claim(conn, now=NOW, limit=1)) == [expected]
            send(conn, expected)
            assert column(conn, ActorRow, "doc", key=ACME) == [{}]


def test_a_second_claim_counts_the_first(store: Store) -> None:
    """What one claimer let go is in the history of the next, before it was sent."""
    with store.transaction() as conn:
        put_contacts(conn, ANNA)
        put_messages(conn, ["m1", "m2"])
    with store.transaction() as conn:
        assert keys_of(outbox_claim.claim(conn, now=NOW, limit=1)) == ["m1"]
        send(conn, "m1")

    with store.transaction() as conn:
        claim = outbox_claim.claim(conn, now=NOW)

    assert keys_of(claim) == ["m2"]
    [sent] = claim.recipients[ANNA].history
    assert (sent.key, sent.channel, sent.planned_at) == ("m1", "email", NOW)


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

    assert {m.key: (claim.run_status(m), claim.ask_status(m)) for m in claim.messages} == {
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
