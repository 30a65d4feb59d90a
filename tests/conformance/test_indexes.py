"""What is asked of tables that grow for years goes by an index, on both databases."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import contact_pages, contacts, reports, sweeping
from store.db import Connection, Store
from store.listings import contacts as people
from store.listings import work
from store.outbox_record import expire_leases
from tests.conformance.rows import ANNA, NOW

SOME = """
INSERT INTO actor (slice, key, email, phone, account, doc)
SELECT i - 64 * (i / 64), 'contact/c-' || i, i || '@x.example', '+3' || i, 'a-' || (i / 20), '{}'
FROM generate_series(1, 3000) i
"""
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN (COSTS OFF)"}


def plan_of(store: Store, asked: Callable[[Connection], object]) -> str:
    """Return the plan of the last statement that a look at the database takes."""
    seen: list[tuple[str, object]] = []

    def note(conn: object, cursor: object, statement: str, given: object, *_: object) -> None:
        seen.append((statement, given))

    for engine in store.engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    with store.transaction() as conn:
        if store.dialect == "postgresql":
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # an empty table is read whole
            conn.exec_driver_sql(SOME)
            conn.exec_driver_sql("ANALYZE actor")
        asked(conn)
        statement, given = seen[-1]
        explained = conn.exec_driver_sql(f"{EXPLAIN[store.dialect]} {statement}", given)  # type: ignore[arg-type]
        return "\n".join(str(row[-1]) for row in explained)


@pytest.mark.parametrize(
    ("asked", "indexes"),
    [
        (lambda c: contacts.find_contact(c, email="A@x.example"), ["ix_actor_email"]),
        (lambda c: contacts.find_contact(c, phone="+31"), ["ix_actor_phone"]),
        (lambda c: contacts.find_contact(c, email="a@x.example", phone="+31"),
         ["ix_actor_email", "ix_actor_phone"]),
        (lambda c: contact_pages.members(c, "account/acme"), ["ix_actor_account"]),
        (lambda c: people.contacts(c, account="acme"), ["ix_actor_account"]),
        (lambda c: reports.delivered(c, ["c-anna"], ["ask"], None, None), ["ix_outbox_to"]),
        (lambda c: work.timers(c, contact=ANNA), ["ix_timer_actor"]),
        (lambda c: work.outbox(c, to=ANNA), ["ix_outbox_to"]),
        (lambda c: work.runs(c, contact=ANNA), ["ix_run_actor"]),
        (lambda c: work.asks(c, contact=ANNA), ["ix_ask_actor"]),
        (lambda c: sweeping.look(c, now=NOW, older_than=timedelta(0)),
         ["ix_outbox_leased", "ix_outbox_due", "ix_outbox_doubt", "ix_timer_due"]),
        (lambda c: expire_leases(c, NOW), ["ix_outbox_leased"]),
    ],
)  # fmt: skip
def test_a_look_goes_by_its_index(
    store: Store, asked: Callable[[Connection], object], indexes: list[str]
) -> None:
    """A contact by address, an account's people, what a sweep asks every second, and the like."""
    plan = plan_of(store, asked)

    assert [name for name in indexes if name not in plan] == [], plan


def test_whoever_holds_an_address_in_any_case_comes_first_by_key(store: Store) -> None:
    """Of several with one address or number it is one, whichever of both they were found by."""
    with store.transaction() as conn:
        contacts.seed(conn, {
            "contact/c-b": {"email": "Anna@x.example"},
            "contact/c-c": {"email": "anna@X.example", "phone": "+31"},
            "contact/c-a": {"phone": "+31"},
            "account/a": {"email": "anna@x.example"},
        })  # fmt: skip

        assert contacts.find_contact(conn, email="ANNA@x.example") == "c-b"
        assert contacts.find_contact(conn, email="anna@x.example", phone="+31") == "c-a"
