"""The funnel on both databases: ways, customers, spans, and records that were merged."""

from datetime import timedelta
from typing import Any

from store.db import Store
from store.tables import TaskRow
from tests.conformance.reported import (
    ALWAYS,
    BEFORE,
    LATER,
    lead,
    referral,
    referrals,
    said,
    seeded,
)
from tests.conformance.rows import NOW, put
from workers import reporting
from workflows.referral.people import Span
from workflows.state import Doc, iso


def test_ways_clicks_and_where_they_heard(store: Store) -> None:
    """Ways are of accepted ones only; clicks of a merged record count there; a copy not at all."""
    known = {"a": referral("l-1", via="link/whatsapp"), "b": referral("l-2", "rejected", via="x")}
    seeded(store, {
        "c-a": {"referrals": known, "clicks": {"X": 2, "Y": 1}},
        "copy": {"referrals": known, "clicks": {"X": 9}, "merged_into": "c-a"},
    })  # fmt: skip
    with store.transaction() as conn:
        put(conn, TaskRow, {"key": "t", "actor": "contact/c-a", "status": "done", "closed_at": NOW,
                            "doc": {"data": {"heard_of_us": "Van Anna."}}})  # fmt: skip

    found = referrals(store)
    assert found["came by: link/whatsapp"][:2] == (1, 1)
    assert "came by: x" not in found
    assert found["clicks on share links, ever"][0] == 3
    assert found["heard of us: van anna"][:2] == (1, 1)


def _funnel(store: Store, span: Span = ALWAYS) -> list[tuple[Any, ...]]:
    with store.reader() as conn:
        found = reporting.funnel(conn, span, LATER)
    return [tuple(row[name] for name in ("count", "of", "share", "verdict")) for row in found.rows]


def test_the_funnel_of_section_b(store: Store) -> None:
    """400 customers, 100 opted in, 10 gave something, 2 brought us into contact: all met."""
    docs: dict[str, Doc] = {f"c-{n}": {} for n in range(400)}
    for n in range(100):
        docs[f"c-{n}"] = {"participant": True, "participant_since": BEFORE}
    for n in (0, 1):
        docs[f"c-{n}"]["referrals"] = {"r": referral(f"l-{n}"), "q": referral(f"m-{n}")}
        docs[f"l-{n}"] = {"lead_known": True}
    docs["c-2"]["referrals"] = {"r": referral("l-0", "rejected", reason="self")}
    seeded(store, docs)
    given = [(f"c-{n}", "quote.given") for n in range(2, 9)]
    said(store, *given, ("c-2", "quote.given"), ("c-9", "referral.submitted"),
          ("c-300", "story.given"), ("c-10", "nps.answered"))  # fmt: skip

    assert _funnel(store) == [
        (100, 400, "25.0 %", "met"),
        (10, 100, "10.0 %", "met"),
        (2, 100, "2.0 %", "met"),
    ]


def test_a_span_counts_who_was_a_customer_by_its_end(store: Store) -> None:
    """Who became one later, or whose firm did, is none yet; a lead is one from what it bought."""
    later = {"customer_since": iso(NOW + timedelta(days=1))}
    seeded(
        store, {"c-a": {}, "c-b": later, "c-c": {"customer_since": "2020-01-01"}, "l-1": lead(9)}
    )

    assert _funnel(store)[0][1] == 4
    assert _funnel(store, Span(None, NOW))[0][1] == 3
    assert _funnel(store, Span(None, NOW - timedelta(days=7)))[0][1] == 2


def test_the_funnel_of_nobody(store: Store) -> None:
    """With a denominator of 0 the share is a dash; of whom only a deal was heard is nobody."""
    seeded(store, {"l-x": {"id": "l-x", "name": "l-x", "deals": {"d": {}}, "parked": []}})
    assert _funnel(store) == [(0, 0, "—", "—")] * 3


def test_merged_counts_once_and_erased_stays_in_past_spans(store: Store) -> None:
    """What the other record gave counts for the one that lives on; the forgotten stay counted."""
    seeded(store, {
        "c-a": {"participant": True, "participant_since": BEFORE},
        "c-old": {"participant": True, "participant_since": BEFORE, "merged_into": "c-a"},
        "c-gone": {"participant": True, "participant_since": BEFORE, "erased_at": iso(NOW)},
    })  # fmt: skip
    said(store, ("c-old", "quote.given"))

    assert _funnel(store)[:2] == [(2, 2, "100.0 %", "met"), (1, 2, "50.0 %", "met")]
    later = _funnel(store, Span(NOW + timedelta(hours=1), None))
    assert later[:2] == [(1, 1, "100.0 %", "met"), (0, 1, "0.0 %", "below")]
