"""Reports on both databases: the checks of SCENARIOS sections B and C, and what they leave out."""

from datetime import timedelta
from typing import Any

from store.db import Store
from store.tables import LedgerRow, OutboxRow, TaskRow
from tests.conformance.reported import (
    ALWAYS,
    BEFORE,
    LATER,
    lead,
    programme_of,
    referral,
    referrals,
    seeded,
)
from tests.conformance.rows import NOW, counted, put
from workers import reporting
from workflows.referral.people import Recommendations, Span
from workflows.referral.reports import reward_rows
from workflows.state import Doc, iso


def _answers(**bands: int) -> dict[str, Doc]:
    found = {}
    for band, many in bands.items():
        for n in range(many):
            response = {"band": band, "at": BEFORE, "survey": "", "score": 0}
            found[f"{band}-{n}"] = {"responses": {"r": response}}
    return found


def _delivered(store: Store, number: int, status: str = "sent", class_: str = "poll") -> None:
    at = NOW - timedelta(days=20)
    with store.transaction() as conn:
        put(conn, OutboxRow, *(
            {"key": f"{status}-{class_}-{n}", "actor": f"contact/promoter-{n % 200}",
             "to": f"contact/promoter-{n % 200}", "class": class_, "status": status,
             "planned_at": at, "due_at": at}
            for n in range(number)
        ))  # fmt: skip


def test_the_score_of_section_c(store: Store) -> None:
    """375 answers of 900 delivered invitations: 37, give or take 8.1, a rate of 41.7 %."""
    docs = _answers(promoter=215, passive=85, detractor=75)
    two = {"band": "detractor", "at": iso(NOW - timedelta(days=40)), "survey": "", "score": 1}
    docs["promoter-0"]["responses"]["earlier"] = two  # only the latest of a contact counts
    docs["copy"] = {**docs["passive-1"], "merged_into": "passive-1"}
    seeded(store, docs)
    _delivered(store, 900)
    _delivered(store, 30, "skipped")
    _delivered(store, 5, class_="ask")

    with store.reader() as conn:
        (row,) = reporting.nps(conn, programme_of(), ALWAYS, NOW).rows
    assert (row["score"], row["margin"], row["response_rate"]) == ("37", "± 8.1", "41.7 %")
    assert (row["answers"], row["delivered"]) == (375, 900)
    assert (row["promoters"], row["passives"], row["detractors"]) == (215, 85, 75)
    assert row["trend"] == ""


def test_few_answers_are_no_score_and_chance_is_no_trend(store: Store) -> None:
    """29 answers are too few; 30 are a score; an arrow stands only for more than chance."""
    docs = _answers(promoter=29)
    seeded(store, docs)
    with store.reader() as conn:
        (row,) = reporting.nps(conn, programme_of(), ALWAYS, NOW).rows
    assert (row["score"], row["margin"], row["answers"]) == ("too few answers", "", 29)
    assert row["response_rate"] == "—"

    past = iso(NOW - timedelta(days=100))
    for n in range(40):
        docs[f"was-{n}"] = {"responses": {"r": {"band": "detractor", "at": past, "score": 1}}}
    seeded(store, docs | _answers(promoter=30))
    with store.reader() as conn:
        (row,) = reporting.nps(conn, programme_of(), ALWAYS, NOW).rows
    assert (row["score"], row["trend"], row["before"]) == ("100", "↑", "-100")


def test_due_times_are_counted_by_kind(store: Store) -> None:
    """Met is done and never overdue; missed is overdue; cancelled in time is neither."""
    at = NOW - timedelta(days=3)
    rows: list[tuple[str, Any, int | None]] = [
        ("done", None, 2), ("done", at, 30), ("open", at, None), ("open", None, None),
        ("cancelled", None, 1), ("moved", at, 1),
    ]  # fmt: skip
    with store.transaction() as conn:
        put(conn, TaskRow, *(
            {"key": f"t-{n}", "actor": "contact/c", "run": "r", "workflow": "promoter",
             "step": "call", "assignee": "u", "role": "sales", "title": "", "status": status,
             "opened_at": at, "due_at": at, "overdue_at": overdue,
             "closed_at": at + timedelta(hours=hours) if hours else None}
            for n, (status, overdue, hours) in enumerate(rows)
        ))  # fmt: skip
    with store.reader() as conn:
        (row,) = reporting.sla(conn, ALWAYS, LATER).rows
    assert row == {
        "task": "promoter/call", "role": "sales", "opened": 5, "met": 1, "missed": 2, "open": 2,
        "in_time": "33.3 %", "median_hours": "16.0", "within_24h": "50.0 %", "benchmark": "24 h",
    }  # fmt: skip


def test_those_recommended_are_compared_with_others(store: Store) -> None:
    """Conversion, value and retention, with the others' beside; a refund is no retention."""
    refund = {"kind": "deal.refunded", "deal": "d", "id": "x", "time": iso(NOW), "value_eur": 0}
    back = lead(4000)
    back["referred"]["news"].append(refund)
    seeded(store, {
        "c-a": {"referrals": {
            "1": referral("l-1", stage="won", value_eur=12000),
            "2": referral("l-2", stage="contacted"), "3": referral("l-3", "rejected"),
        }},
        "l-1": lead(12000), "l-2": lead(), "l-4": back,
        "o-1": lead(3000, referred=False), "o-2": lead(referred=False),
        "o-3": lead(referred=False), "o-4": lead(referred=False),
        "copy": {**lead(90000), "merged_into": "l-1"},
    })  # fmt: skip

    found = referrals(store)
    assert found["submitted"][:2] == (3, 3)
    assert found["accepted"] == (2, 3, "66.7 %", "")
    assert found["won or further"][:2] == (1, 2)
    assert found["contacted or further"][:2] == (2, 2)
    assert found["spoken to within 24 h"] == (3, 3, "100.0 %", "100 %")
    assert found["conversion of leads"] == (2, 3, "66.7 %", "25.0 % (others)")
    assert found["value of a deal, EUR, mean"] == (16000, 2, "8000", "3000 (others)")
    assert found["retention of customers"] == (1, 2, "50.0 %", "100.0 % (others)")


def test_what_only_a_stage_told_of_counts_too(store: Store) -> None:
    """A CRM that names no deal converts leads as well, and what is lost had come so far."""

    def stage(name: str, days: int) -> Doc:
        at = iso(NOW - timedelta(days=days))
        return {"kind": "lead.stage_changed", "stage": name, "id": name, "time": at}

    won, lost, again = lead(), lead(), lead()
    won["referred"]["news"].append(stage("won", 4))
    lost["referred"]["news"] += [stage("qualified", 4), stage("lost", 3)]
    lost["referred"]["line"]["r"] |= {"stage": "lost", "stage_at": iso(NOW - timedelta(days=3)),
                                      "contacted_at": iso(NOW - timedelta(days=9))}  # fmt: skip
    again["referred"]["news"] += [stage("won", 4), stage("lost", 3)]
    seeded(store, {
        "c-a": {"referrals": {
            "1": referral("l-1", stage="won"), "2": referral("l-2", stage="lost"),
        }},
        "l-1": won, "l-2": lost, "o-1": {**again, "referred": {"news": again["referred"]["news"]}},
    })  # fmt: skip

    found = referrals(store)

    assert found["contacted or further"][:2] == (2, 2)
    assert found["qualified or further"][:2] == (2, 2)
    assert found["won or further"][:2] == (1, 2)
    assert found["conversion of leads"] == (1, 2, "50.0 %", "0.0 % (others)")
    assert found["value of a deal, EUR, mean"] == (0, 0, "—", "— (others)")


def test_a_span_counts_its_own(store: Store) -> None:
    """A lead converts in the span in which it came, a win brings in the one in which it was won.

    A deal that was refunded brought nothing, and who was recommended in vain is one of those
    who were recommended.
    """
    early, since = iso(NOW - timedelta(days=40)), NOW - timedelta(days=20)
    won = {"stage": "won", "stage_at": iso(NOW), "submitted_at": early}
    old, cold = lead(9000), lead()
    old["referred"]["line"]["r"]["submitted_at"] = early
    cold["referred"]["line"]["r"] |= {"stage": "expired"}
    cold["referred"]["current"] = ""
    seeded(store, {
        "c-a": {"referrals": {
            "1": referral("l-1", **won, value_eur=9000, deal="d-1"),
            "2": referral("l-2", **won, value_eur=500, deal="d-2"),
        }, "accruals": {"deal/d-2/referrer": {"state": "reversed"}}},
        "l-1": old, "l-3": cold, "l-4": lead(3000),
    })  # fmt: skip
    with store.reader() as conn:
        told = reporting.referrals(conn, Span(since, None), LATER)
        paid = reporting.rewards(conn, programme_of(), Span(since, None), LATER, None)
        first = reporting.rewards(conn, programme_of(), Span(None, since), LATER, None)

    found = {row["measure"]: (row["count"], row["of"]) for row in told.rows}
    assert found["conversion of leads"] == (1, 2)
    assert found["value of a deal, EUR, mean"] == (12000, 2)
    brought = {row["measure"]: row["left"] for row in paid.rows}
    assert brought["value of won deals, EUR"] == 9000
    assert {row["measure"]: row["left"] for row in first.rows}["value of won deals, EUR"] == 0


def test_nobody_recommended_is_no_division(store: Store) -> None:
    """An empty installation has dashes everywhere."""
    assert {row[2] for row in referrals(store).values()} == {"—", ""}


def test_what_rewards_cost_and_what_they_brought(store: Store) -> None:
    """The return is the value of rewarded wins against what was paid or promised.

    A currency with decimals is shown, and priced, by the unit that people know.
    """
    moves = [("pending", 100), ("pending", -100), ("available", 100), ("available", -40),
             ("paid", 40), ("pending", 50), ("pending", -50), ("reversed", 50)]  # fmt: skip
    with store.transaction() as conn:
        put(conn, LedgerRow, *(
            {"key": f"k-{n}", "txn": f"t-{n}", "account": "contact/c-a", "bucket": bucket,
             "delta": delta, "reason": "deal/d/referrer", "at": NOW}
            for n, (bucket, delta) in enumerate(moves)
        ))  # fmt: skip
    won = referral("l-1", stage="won", value_eur=12000)
    seeded(store, {"c-a": {"referrals": {"1": won, "2": {**won, "rewarded": False}}}})
    with store.reader() as conn:
        found = reporting.rewards(conn, programme_of(), ALWAYS, LATER, 50)
        free = reporting.rewards(conn, programme_of(), Span(LATER, None), LATER, 0)
    rows = {row["measure"]: row for row in found.rows}
    assert (rows["available, star"]["in"], rows["available, star"]["out"]) == (100, 40)
    assert rows["reversed, star"]["left"] == 50
    assert rows["cost of rewards, paid or promised"]["left"] == 100
    assert rows["value of won deals, EUR"]["left"] == 12000
    assert rows["won for each unit, EUR"]["shown"] == "120"
    assert rows["cost of rewards, EUR"]["shown"] == "50.00"
    assert rows["return on the programme"]["shown"] == "240.0 times"

    moved = [{"benefit": "", "bucket": "available", "into": 250, "out": 0}]
    lead = Recommendations(ALWAYS, LATER, rewarded_value_eur=100)
    broken = reward_rows(moved, lead, currency="apple", unit_cents=50, decimals=2)
    said = {row["measure"]: row["shown"] for row in broken}
    assert (said["available, apple"], said["won for each unit, EUR"]) == ("2.50", "40")
    assert said["cost of rewards, EUR"] == "1.25"
    assert {row["measure"]: row["shown"] for row in free.rows[-2:]} == {
        "cost of rewards, EUR": "0.00", "return on the programme": "—",
    }  # fmt: skip


def test_a_report_asks_a_fixed_number_of_times_a_page(store: Store) -> None:
    """However many contacts a page has: its contacts, their accounts, what they said."""
    seeded(store, {f"c-{n}": {"participant": True} for n in range(300)})
    with store.reader() as conn, counted(conn) as statements:
        reporting.funnel(conn, ALWAYS, LATER)
    assert len(statements) <= 3
