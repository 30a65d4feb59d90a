"""Customers, answers and referrals that reports are made of."""

from datetime import timedelta
from typing import Any

from events.catalogue import default_catalogue
from store import contacts
from store.db import Store
from store.tables import EventRow
from tests.conformance.rows import NOW, put
from workers import reporting
from workflows.compiling import compile_programme
from workflows.policies import Policies
from workflows.referral.people import Span
from workflows.state import Doc, iso

ALWAYS = Span(None, None)
LATER = NOW + timedelta(days=1)
BEFORE = iso(NOW - timedelta(days=10))


def programme_of() -> Any:
    policies = Policies.model_validate({
        "programme": "acme",
        "classes": {"poll": {"consent": "survey"}, "ask": {"consent": "programme"}},
        "rewards": {"currency": {"code": "star", "names": {"en": "stars"}}},
    })  # fmt: skip
    return compile_programme(policies, {}, templates={}, catalogue=default_catalogue())


def seeded(store: Store, docs: dict[str, Doc]) -> None:
    with store.transaction() as conn:
        contacts.seed(conn, {f"contact/{name}": {"id": name, **doc} for name, doc in docs.items()})


def said(store: Store, *given: tuple[str, str]) -> None:
    with store.transaction() as conn:
        put(conn, EventRow, *(
            {"id": f"e-{n}", "source": "t", "type": kind, "contact": who, "seq": 1000 + n,
             "time": NOW, "arrived": NOW, "doc": {}}
            for n, (who, kind) in enumerate(given)
        ))  # fmt: skip


def referral(lead: str, verdict: str = "accepted", **more: Any) -> Doc:
    return {"id": f"r-{lead}", "lead": {"id": lead}, "verdict": verdict, "stage": "submitted",
            "submitted_at": BEFORE, "rewarded": True, "value_eur": 0, **more}  # fmt: skip


def lead(won: int = 0, *, referred: bool = True, **more: Any) -> Doc:
    news: list[Doc] = [{"kind": "lead.stage_changed", "stage": "contacted", "id": "n",
             "time": iso(NOW - timedelta(days=9))}]  # fmt: skip
    if won:
        at = iso(NOW - timedelta(days=5))
        news.append({"kind": "deal.won", "deal": "d", "id": "w", "time": at, "value_eur": won})
    known = referral("x", stage="won" if won else "contacted")
    line = {"line": {"r": known}, "current": "r", "subs": {"r": {}}} if referred else {}
    return {"lead_known": True, "referred": {"news": news, **line}, **more}


def referrals(store: Store) -> dict[str, tuple[Any, ...]]:
    with store.reader() as conn:
        found = reporting.referrals(conn, ALWAYS, LATER)
    return {row["measure"]: (row["count"], row["of"], row["shown"], row["benchmark"])
            for row in found.rows}  # fmt: skip
