"""What command line and pages read: bounded, filtered, in a stated order."""

from datetime import UTC, timedelta
from typing import Any

import pytest

from store.db import Store
from store.listings import contacts, events, facts, ledger, work
from store.listings.pages import PAGE_MAX, Page
from store.stats import health
from store.tables import (
    ActorRow,
    AskRow,
    DeadRow,
    DecisionRow,
    EventRow,
    InboxRow,
    LedgerRow,
    OutboxRow,
    RunRow,
    SliceRow,
    TaskRow,
    TimerRow,
)
from store.tables_beside import RejectRow
from tests.conformance.rows import ANNA, BRAM, NOW, column, counted, put, put_contacts
from workflows.state import iso

DAY = timedelta(days=1)


def named(rows: list[dict[str, Any]], name: str = "key") -> list[Any]:
    return [row[name] for row in rows]


def test_events_are_newest_first(store: Store) -> None:
    """Events are found by contact, type, source and arrival."""
    with store.transaction() as conn:
        put(
            conn,
            EventRow,
            *(
                {"seq": n, "id": f"e-{n}", "type": type_, "contact": contact, "source": source}
                | {"arrived": NOW + n * DAY, "doc": {"n": n}}
                for n, type_, contact, source in (
                    (1, "nps.answered", "c-anna", "survey"),
                    (2, "deal.won", "c-anna", "crm"),
                    (3, "deal.won", "c-bram", "crm"),
                )
            ),
        )

        assert named(events.events(conn), "id") == ["e-3", "e-2", "e-1"]
        assert named(events.events(conn, contact="c-anna"), "id") == ["e-2", "e-1"]
        assert named(events.events(conn, contact=ANNA, type="deal.won"), "id") == ["e-2"]
        assert named(events.events(conn, source="survey"), "id") == ["e-1"]
        assert named(events.events(conn, since=NOW + 2 * DAY), "id") == ["e-3", "e-2"]
        assert named(events.events(conn, until=NOW + 2 * DAY), "id") == ["e-1"]
        assert named(events.events(conn, page=Page(1, offset=1)), "id") == ["e-2"]
        one = events.event(conn, "e-1")
        assert one is not None
        assert (one["doc"], one["arrived"]) == ({"n": 1}, NOW + DAY)
        assert one["arrived"].tzinfo is UTC
        assert events.event(conn, "e-9") is None


def test_a_page_is_bounded(store: Store) -> None:
    """Whoever asks for everything gets a page."""
    with store.transaction() as conn:
        timers = ({"key": f"{n:05}", "actor": ANNA, "due_at": NOW} for n in range(PAGE_MAX + 1))
        put(conn, TimerRow, *timers)

        assert len(work.timers(conn, page=Page(10**6))) == PAGE_MAX
        assert named(work.timers(conn, page=Page(10**6, offset=PAGE_MAX))) == [f"{PAGE_MAX:05}"]


def test_rejects_tell_why(store: Store) -> None:
    """What did not enter is found by verdict and reason, and counted."""
    with store.transaction() as conn:
        put(
            conn,
            RejectRow,
            *(
                {"at": NOW + n * DAY, "verdict": verdict, "source": "crm"}
                | {"event": f"e-{n}", "type": "deal.won", "reason": reason, "field": ""}
                for n, verdict, reason in (
                    (1, "duplicate", "id"),
                    (2, "rejected", "schema"),
                    (3, "rejected", "schema"),
                )
            ),
        )

        assert named(events.rejects(conn), "event") == ["e-3", "e-2", "e-1"]
        assert named(events.rejects(conn, verdict="duplicate"), "event") == ["e-1"]
        assert named(events.rejects(conn, reason="schema", until=NOW + 3 * DAY), "event") == ["e-2"]
        assert events.reject_counts(conn) == [
            {"verdict": "duplicate", "reason": "id", "count": 1},
            {"verdict": "rejected", "reason": "schema", "count": 2},
        ]


def test_runs_are_filtered(store: Store) -> None:
    """Runs are found by contact, workflow and status, and shown whole by id."""
    with store.transaction() as conn:
        put(
            conn,
            RunRow,
            {"id": "r-1", "actor": ANNA, "doc": {"at": "2"}},
            {"id": "r-2", "actor": ANNA, "status": "ended", "started_at": NOW + DAY},
            {"id": "r-3", "actor": BRAM, "workflow": "optin"},
        )

        assert named(work.runs(conn), "id") == ["r-2", "r-1", "r-3"]
        assert named(work.runs(conn, contact="c-anna", status="live"), "id") == ["r-1"]
        assert named(work.runs(conn, workflow="optin"), "id") == ["r-3"]
        assert named(work.runs(conn, since=NOW + DAY), "id") == ["r-2"]
        assert "doc" not in work.runs(conn)[0]
        one = work.run(conn, "r-1")
        assert one is not None
        assert one["doc"] == {"at": "2"}
        assert work.run(conn, "r-9") is None


def test_tasks_are_due_first_first(store: Store) -> None:
    """Tasks are found by assignee and status; overdue are the open ones past their time."""
    with store.transaction() as conn:
        put(
            conn,
            TaskRow,
            {"key": "t-1", "actor": ANNA, "due_at": NOW + DAY},
            {"key": "t-2", "actor": BRAM, "due_at": NOW, "assignee": "u-ada"},
            {"key": "t-3", "actor": ANNA, "due_at": NOW - DAY, "status": "done"},
        )

        assert named(work.tasks(conn)) == ["t-3", "t-2", "t-1"]
        assert named(work.tasks(conn, assignee="u-ada")) == ["t-2"]
        assert named(work.tasks(conn, status="open", contact="c-anna")) == ["t-1"]
        assert named(work.tasks(conn, overdue_at=NOW)) == []
        assert named(work.tasks(conn, overdue_at=NOW + timedelta(seconds=1))) == ["t-2"]
        one = work.task(conn, "t-1")
        assert one is not None
        assert one["title"] == "Call Anna"


def test_asks_that_wait_to_open_come_first(store: Store) -> None:
    """Asks are listed by when they opened, those pending before all."""
    with store.transaction() as conn:
        put(
            conn,
            AskRow,
            {"key": "a-1", "actor": ANNA, "status": "answered"},
            {"key": "a-2", "actor": ANNA, "status": "pending", "opened_at": None},
            {"key": "a-3", "actor": BRAM, "opened_at": NOW + DAY, "kind": "quote"},
        )

        assert named(work.asks(conn)) == ["a-2", "a-3", "a-1"]
        assert named(work.asks(conn, contact="c-anna", status="answered")) == ["a-1"]
        assert named(work.asks(conn, kind="quote")) == ["a-3"]
        assert work.ask(conn, "a-9") is None


def test_messages_are_filtered(store: Store) -> None:
    """Messages are found by status, recipient and template."""
    skipped = {"status": "skipped", "reason": "capped"}
    with store.transaction() as conn:
        put(
            conn,
            OutboxRow,
            {"key": "m-1", "actor": ANNA, "to": ANNA, **skipped},
            {"key": "m-2", "actor": ANNA, "to": "staff/u-ben", "planned_at": NOW + DAY},
            {"key": "m-3", "actor": BRAM, "to": BRAM, "template": "welcome", **skipped},
        )

        assert named(work.outbox(conn)) == ["m-2", "m-1", "m-3"]
        assert named(work.outbox(conn, to="c-anna")) == ["m-1"]
        assert named(work.outbox(conn, to="staff/u-ben")) == ["m-2"]
        assert named(work.outbox(conn, status="skipped", template="welcome")) == ["m-3"]
        one = work.message(conn, "m-3")
        assert one is not None
        assert one["by"] == ["email"]


def test_contacts_are_searched_by_how_they_begin(store: Store) -> None:
    """Ids and addresses match from their start, and what looks like a pattern is none."""
    with store.transaction() as conn:
        put_contacts(conn, "account/acme", "contact/c_x", account="acme")
        put(conn, ActorRow, {"key": ANNA, "email": "Anna@acme.example", "doc": {"name": "Anna"}})

        assert named(contacts.contacts(conn), "id") == ["c-anna", "c_x"]
        assert named(contacts.contacts(conn, search="anna@"), "id") == ["c-anna"]
        assert named(contacts.contacts(conn, search="c_"), "id") == ["c_x"]
        assert named(contacts.contacts(conn, account="acme"), "id") == ["c_x"]
        assert contacts.contacts(conn, search="c-a")[0]["doc"] == {"name": "Anna"}


def test_the_book_adds_up_or_says_where_not(store: Store) -> None:
    """Balances are sums by bucket and benefit, and a transaction that does not balance shows."""
    with store.transaction() as conn:
        put(
            conn,
            LedgerRow,
            {"key": "1a", "txn": "x1", "account": ANNA, "delta": 500},
            {"key": "1b", "txn": "x1", "account": "programme", "bucket": "issued", "delta": -500},
            {"key": "2a", "txn": "x2", "account": ANNA, "delta": -500, "at": NOW + DAY},
            {"key": "2b", "txn": "x2", "account": ANNA, "bucket": "available", "delta": 500},
            {"key": "3a", "txn": "x3", "account": BRAM, "delta": 1, "benefit": "cake"},
        )

        assert named(ledger.entries(conn, account="c-anna")) == ["1a", "2b", "2a"]
        assert named(ledger.entries(conn, account="programme")) == ["1b"]
        assert named(ledger.entries(conn, txn="x2")) == ["2b", "2a"]
        assert ledger.balances(conn) == [
            {"account": ANNA, "bucket": "available", "benefit": "", "balance": 500},
            {"account": BRAM, "bucket": "pending", "benefit": "cake", "balance": 1},
            {"account": "programme", "bucket": "issued", "benefit": "", "balance": -500},
        ]
        assert ledger.balances(conn, account="c-bram")[0]["balance"] == 1
        assert ledger.verify(conn) == [{"txn": "x3", "benefit": "cake", "sum": 1}]


def fact(name: str, n: int) -> dict[str, Any]:
    return {"at": iso(NOW + n * DAY), "fact": name, "key": f"k-{n}", "data": {"n": n}}


@pytest.fixture
def decided(store: Store) -> Store:
    """Three inputs: two of Anna's, the second of which made nothing, and one of Bram's."""
    looked = [{"workflow": "nps_route", "why": "if"}]
    facts_of = {
        1: (ANNA, "e-1", [fact("run.started", 1), fact("task.opened", 1)]),
        2: (BRAM, "e-1", [fact("run.started", 2)]),
        3: (ANNA, "e-3", []),
    }
    with store.transaction() as conn:
        put(
            conn,
            DecisionRow,
            *(
                {"seq": n, "actor": actor, "cause": cause, "at": NOW + n * DAY}
                | {"doc": {"type": "nps.answered", "looked": looked, "facts": made}}
                for n, (actor, cause, made) in facts_of.items()
            ),
        )
    return store


def test_facts_are_told_in_order(decided: Store) -> None:
    """Facts come in the order in which they were made, with instants and their cause."""
    with decided.reader() as conn:
        told = facts.facts(conn)

        assert named(told, "fact") == ["run.started", "task.opened", "run.started"]
        assert told[0] == {
            **fact("run.started", 1),
            "at": NOW + DAY,
            "cause": "e-1",
            "contact": "c-anna",
        }
        assert named(facts.facts(conn, actor="c-anna", types=["task.opened"]), "key") == ["k-1"]
        assert named(facts.facts(conn, since=NOW + 2 * DAY), "key") == ["k-2"]
        assert named(facts.facts(conn, until=NOW + 2 * DAY, limit=1), "fact") == ["run.started"]


def test_a_timeline_has_the_inputs_too(decided: Store) -> None:
    """An input that led to nothing is in the timeline, with who looked and why not."""
    with decided.reader() as conn:
        told = facts.timeline(conn, "c-anna")

        assert [(each["kind"], each["at"]) for each in told] == [
            ("input", NOW + DAY),
            ("fact", NOW + DAY),
            ("fact", NOW + DAY),
            ("input", NOW + 3 * DAY),
        ]
        assert told[3]["looked"] == [{"workflow": "nps_route", "why": "if"}]
        assert facts.timeline(conn, "c-anna", limit=2) == told[:2]


def test_decisions_are_found_by_cause(decided: Store) -> None:
    """One event's decisions are those of every actor it reached."""
    with decided.reader() as conn:
        assert named(facts.decisions_of(conn, "e-1", [ANNA, BRAM]), "actor") == [ANNA, BRAM]
        assert facts.decisions_of(conn, "e-9", [ANNA, BRAM]) == []
        assert named(facts.decisions(conn, contact="c-anna"), "seq") == [3, 1]


def test_health_of_nothing_is_nothing(store: Store) -> None:
    """An empty database has nothing waiting, and saying so is one statement."""
    with store.transaction() as conn, counted(conn) as statements:
        well = health(conn, now=NOW)

        assert (well.inbox, well.inbox_oldest_at, well.outbox_due, well.dead) == (0, None, 0, 0)
        assert len(statements) == 1


def test_health_counts_what_waits(store: Store) -> None:
    """Each figure counts its own rows, and only those waiting at that instant."""
    late = NOW - DAY
    with store.transaction() as conn:
        put(conn, InboxRow, *({"seq": n, "actor": ANNA, "accepted_at": late} for n in (1, 2)))
        message = {"actor": ANNA, "to": ANNA}
        put(
            conn,
            OutboxRow,
            {"key": "m-1", "due_at": late, **message},
            {"key": "m-2", "due_at": NOW + DAY, **message},
            {"key": "m-3", "status": "sending", **message},
            {"key": "m-4", "status": "in_doubt", **message},
        )
        put(conn, TimerRow, {"key": "x", "actor": ANNA, "due_at": late})
        put(conn, TimerRow, {"key": "y", "actor": ANNA, "due_at": NOW + DAY})
        put(
            conn, DeadRow, {"seq": 1, "actor": ANNA}, {"seq": 2, "actor": ANNA, "status": "dropped"}
        )
        put(conn, RunRow, {"id": "r-1", "actor": ANNA}, {"id": "r-2", "actor": ANNA, "status": "x"})
        put(
            conn,
            TaskRow,
            {"key": "t-1", "actor": ANNA, "due_at": late, "assignee": ""},
            {"key": "t-2", "actor": ANNA},
            {"key": "t-3", "actor": ANNA, "due_at": late, "status": "done"},
        )
        slices = SliceRow.metadata.tables["slice"]
        conn.execute(slices.update().where(slices.c.slice == 7).values(tries=2))
        assert len(column(conn, SliceRow, "slice", tries=2)) == 1

        well = health(conn, now=NOW)

    assert (well.inbox, well.inbox_oldest_at) == (2, late)
    assert (well.outbox_due, well.outbox_oldest_at) == (1, late)
    assert (well.outbox_sending, well.outbox_in_doubt) == (1, 1)
    assert (well.timers_due, well.timers_oldest_at) == (1, late)
    assert (well.dead, well.slices_tried, well.runs_live) == (1, 1, 1)
    assert (well.tasks_open, well.tasks_overdue, well.tasks_unassigned) == (2, 1, 1)
