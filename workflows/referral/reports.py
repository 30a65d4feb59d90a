"""The reports, as rows that say what they count, of how many, and what good programmes reach."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor
from statistics import median
from typing import Any

from workflows.referral.funnel import NO_SHARE, Level, Standing, funnel
from workflows.referral.leads import MANY_WAYS
from workflows.referral.nps import Answers, margin, response_rate, score, shown, trend
from workflows.referral.people import Group, Recommendations, Survey
from workflows.state import instant

DAY = timedelta(hours=24)
"""Within how long somebody is spoken to in good programmes."""
_DAY_SAID = "24 h"
Rows = list[dict[str, Any]]
ARROWS = {1: "↑", -1: "↓", 0: ""}


def share(count: int, of: int) -> str:
    """Return a share as people read it; `—` of nobody, not 0 % and no error.

    >>> share(41, 99), share(0, 5), share(0, 0)
    ('41.4 %', '0.0 %', '—')
    """
    return NO_SHARE if not of else f"{100 * count / of:.1f} %"


def mean(total: float, of: float) -> str:
    """Return a mean as people read it, to the nearest whole, a half up.

    >>> mean(25000, 2), mean(53, 2), mean(0, 0)
    ('12500', '27', '—')
    """
    return NO_SHARE if not of else str(floor(total / of + 0.5))


# -- funnel ----------------------------------------------------------------------------------------


def funnel_rows(standings: Iterable[Standing]) -> Rows:
    """Return the three levels with their benchmarks."""
    return [
        {
            "level": level.name,
            "count": level.count,
            "of": level.of,
            "share": level.shown,
            "benchmark": f"{level.benchmark} %",
            "verdict": _verdict(level),
        }
        for level in funnel(standings)
    ]


def _verdict(level: Level) -> str:
    return NO_SHARE if level.share is None else "met" if level.met else "below"


# -- nps -------------------------------------------------------------------------------------------


def nps_rows(now: Survey, before: Survey | None, delivered: int) -> Rows:
    """Return the score of the relationship, then of each survey, with what it rests on.

    The arrow against the span before stands only where chance does not explain the difference.
    """
    whole = now.relationship.answers()
    rate = response_rate(whole.total, delivered)
    rows = [
        {
            **_score_row("relationship", whole, before.relationship.answers() if before else None),
            "delivered": delivered,
            "response_rate": NO_SHARE if rate is None else f"{rate:.1f} %",
        }
    ]
    for name in sorted(now.surveys):
        if name:
            past = before.surveys.get(name) if before else None
            rows.append(
                _score_row(name, now.surveys[name].answers(), past.answers() if past else None)
            )
    return rows


def _score_row(name: str, answers: Answers, past: Answers | None) -> dict[str, Any]:
    points, error = score(answers), margin(answers)
    told = points is not None and error is not None and not answers.too_few
    return {
        "survey": name,
        "score": shown(answers),
        "margin": f"± {error:.1f}" if told else "",
        "trend": ARROWS[trend(past, answers)] if past is not None else "",
        "before": shown(past) if past is not None else "",
        "answers": answers.total,
        "promoters": answers.promoters,
        "passives": answers.passives,
        "detractors": answers.detractors,
    }


# -- sla -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    opened: int = 0
    met: int = 0
    missed: int = 0
    open: int = 0
    in_a_day: int = 0
    hours: list[float] = field(default_factory=list)


def is_met(task: Mapping[str, Any]) -> bool:
    """Tell whether a task was done by its due time, whenever that was heard."""
    if task["status"] != "done":
        return False
    return task["overdue_at"] is None or _done_at(task) <= task["due_at"]


def _done_at(task: Mapping[str, Any]) -> datetime:
    """Return when a task was done; `done_at` is there where it was heard later than that."""
    known: datetime = task["closed_at"]
    return min(instant(task["done_at"]), known) if task.get("done_at") else known


def sla_rows(tasks: Iterable[Mapping[str, Any]]) -> Rows:
    """Return how each kind of task kept its due time, and how many were done within a day.

    Met is what was done by its due time, and it counts when it was done, not when that was
    heard. Missed is what else was overdue, whether it was done then or not. What was cancelled
    in time is neither.
    """
    kinds: dict[tuple[str, str, str], _Kept] = {}
    for task in tasks:
        kind = (task["workflow"], task["step"], task["role"])
        kept = kinds.setdefault(kind, _Kept())
        kept.opened += 1
        met = is_met(task)
        kept.met += met
        kept.missed += task["overdue_at"] is not None and not met
        kept.open += task["status"] == "open"
        if task["status"] == "done" and task["closed_at"] is not None:
            took = max(_done_at(task) - task["opened_at"], timedelta(0))
            kept.in_a_day += took <= DAY
            kept.hours.append(took.total_seconds() / 3600)
    return [
        {
            "task": "/".join(part for part in kind[:2] if part),
            "role": kind[2],
            "opened": kept.opened,
            "met": kept.met,
            "missed": kept.missed,
            "open": kept.open,
            "in_time": share(kept.met, kept.met + kept.missed),
            "median_hours": f"{median(kept.hours):.1f}" if kept.hours else NO_SHARE,
            "within_24h": share(kept.in_a_day, len(kept.hours)),
            "benchmark": _DAY_SAID,
        }
        for kind, kept in sorted(kinds.items())
    ]


# -- recommendations -------------------------------------------------------------------------------


_AFTER = ("submitted", "accepted", "contacted", "qualified", "won")


def referral_rows(found: Recommendations, heard: Counter[str]) -> Rows:
    """Return what became of recommendations, how they came, and how their customers compare.

    `heard` is where customers said they had heard of us.
    """
    total = sum(found.verdicts.values())
    accepted = sum(found.stages.values())
    rows: Rows = [_row("submitted", total, total)]
    for verdict in ("accepted", "review", "held", "rejected", "not_eligible", "duplicate"):
        count = accepted if verdict == "accepted" else found.verdicts.get(verdict, 0)
        rows.append(_row(verdict, count, total))
    for stage in ("contacted", "qualified", "won"):
        reached = sum(found.stages.get(each, 0) for each in _AFTER[_AFTER.index(stage) :])
        reached += found.passed[stage]
        rows.append(_row(f"{stage} or further", reached, accepted))
    rows += [_row(stage, found.stages.get(stage, 0), accepted) for stage in ("lost", "expired")]
    quick = sum(hours <= DAY.total_seconds() / 3600 for hours in found.hours)
    rows.append({**_row("spoken to within 24 h", quick, len(found.hours)), "benchmark": "100 %"})
    hours = {"measure": "hours to first word, mean", "count": len(found.hours), "of": accepted}
    rows.append({**hours, "shown": mean(sum(found.hours), len(found.hours)), "benchmark": "24"})
    rows += compared(found.referred, found.others)
    clicks = {"measure": "clicks on share links, ever", "count": found.clicks, "of": ""}
    rows.append({**clicks, "shown": "", "benchmark": ""})
    for what, counted in (("came by", found.ways), ("heard of us", heard)):
        for which, number in counted.most_common(MANY_WAYS):
            rows.append(_row(f"{what}: {which}", number, counted.total()))
    return rows


def compared(referred: Group, others: Group) -> Rows:
    """Return conversion, value and retention of those recommended, the others' as benchmark."""
    return [
        {
            "measure": name,
            "count": count,
            "of": of,
            "shown": figure,
            "benchmark": f"{other} (others)",
        }
        for name, count, of, figure, other in (
            ("conversion of leads", referred.won, referred.leads,
             share(referred.won, referred.leads), share(others.won, others.leads)),
            ("value of a deal, EUR, mean", referred.value_eur, referred.deals,
             mean(referred.value_eur, referred.deals), mean(others.value_eur, others.deals)),
            ("retention of customers", referred.stayed, referred.customers,
             share(referred.stayed, referred.customers), share(others.stayed, others.customers)),
        )
    ]  # fmt: skip


def _row(measure: str, count: int, of: int) -> dict[str, Any]:
    return {"measure": measure, "count": count, "of": of, "shown": share(count, of),
            "benchmark": ""}  # fmt: skip


# -- rewards ---------------------------------------------------------------------------------------


def reward_rows(
    moved: Iterable[Mapping[str, Any]],
    found: Recommendations,
    *,
    currency: str,
    unit_cents: int | None,
    decimals: int = 0,
) -> Rows:
    """Return what was earned, spent and taken back, and what the programme brought for it.

    Args:
        moved: What came into and went out of contacts' accounts, by benefit and bucket.
        found: The recommendations of the same span.
        currency: What the currency is called.
        unit_cents: What one unit of it costs the company, in cents; None where nobody says.
        decimals: How many the currency has: amounts are in its smallest unit, and are shown, and
            priced, by the unit that people know.
    """
    rows: Rows = []
    cost, one = 0, 10**decimals

    def said(amount: int) -> str:
        return f"{Decimal(amount) / one:.{decimals}f}" if decimals else ""

    for each in moved:
        unit = each["benefit"] or currency or "units"
        into, out = each["into"], -each["out"]
        rows.append({"measure": f"{each['bucket']}, {unit}", "in": into, "out": out,
                     "left": into - out,
                     "shown": "" if each["benefit"] else said(into - out)})  # fmt: skip
        if not each["benefit"] and each["bucket"] in ("pending", "available", "paid"):
            cost += into - out
    value = found.rewarded_value_eur
    figures = [
        ("cost of rewards, paid or promised", cost, said(cost)),
        ("value of won deals, EUR", value, ""),
        ("won for each unit, EUR", "", mean(value, cost / one) if cost > 0 else NO_SHARE),
    ]
    if unit_cents is not None:
        spent = cost / one * unit_cents / 100
        figures.append(("cost of rewards, EUR", "", f"{spent:.2f}"))
        figures.append(("return on the programme", "",
                        f"{value / spent:.1f} times" if spent > 0 else NO_SHARE))  # fmt: skip
    rows += [{"measure": name, "in": "", "out": "", "left": left, "shown": figure}
             for name, left, figure in figures]  # fmt: skip
    return rows
