"""Claimers at once: each message, contact and account has one, and nobody waits."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from store import outbox_claim, outbox_leave
from store.db import Store
from store.dialect import table_of
from store.outbox import Leaving
from store.tables import ActorRow
from tests.conformance.messages import keys_of, send
from tests.conformance.rows import ACME, ANNA, BRAM, LEASE, NOW, column, put_contacts, put_messages


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
