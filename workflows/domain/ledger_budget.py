"""How much everybody together may earn: an actor of its own keeps `rewards.budget`.

It counts by days of the programme's zone, so that it stays small whatever is earned. An
accrual is booked first and asks; what finds no room is taken back with the reason `budget`.
"""

from datetime import date, datetime

from workflows.durations import parse_span, subtract_span
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

BUDGET = "budget/rewards"
"""The actor that keeps it."""
REASON = "budget"
"""Why an accrual is taken back that found no room."""


def ask(turn: Turn, accrual: Doc) -> None:
    """Have an accrual of the currency counted, if the programme has a budget."""
    if turn.programme.policies.rewards.budget is not None and not accrual["benefit"]:
        accrual["budgeted"] = True
        _say(turn, accrual, "budget.asked", accrual["amount"])


def give_back(turn: Turn, accrual: Doc) -> None:
    """Count an accrual no more: it was taken back."""
    if accrual.pop("budgeted", None):
        _say(turn, accrual, "budget.asked", -accrual["amount"])


def move(turn: Turn, accrual: Doc, was: str) -> None:
    """Count an accrual on another day than before: its win happened earlier than was known."""
    if accrual.get("budgeted"):
        _say(turn, accrual, "budget.asked", accrual["amount"], was=was)


def _say(turn: Turn, accrual: Doc, kind: str, amount: int, *, was: str = "") -> None:
    known = {"was": was} if was else {}
    mark = f"{accrual['entry']}/{kind}/{amount}"
    turn.forward(BUDGET, {
        "id": f"{mark}/{accrual['won_at']}" if was else mark, "source": "vouch", "type": kind,
        "fact": True, "time": iso(turn.time), "contact": "",
        "data": {"contact": turn.contact, "entry": accrual["entry"], "amount": amount,
                 "at": accrual["won_at"], **known},
    })  # fmt: skip


def asked(turn: Turn, event: Doc) -> bool:
    """Count an amount on its day, or refuse it: the budget's own actor."""
    data, policy = event["data"], turn.programme.policies.rewards.budget
    days: dict[str, int] = turn.doc.setdefault("days", {})
    at = instant(data["at"]).astimezone(turn.programme.zone)
    day = at.date().isoformat()
    refused: list[str] = turn.doc.setdefault("refused", [])
    if data["amount"] < 0 and data["entry"] in refused:
        refused.remove(data["entry"])  # it was taken back before it heard, and never counted
        turn.save()
        return False
    if "was" in data:
        if data["entry"] in refused:
            return False  # it hears so, and is taken back
        before = instant(data["was"]).astimezone(turn.programme.zone).date().isoformat()
        days[before] = days.get(before, 0) - data["amount"]
    if policy is not None and data["amount"] > 0:
        asked_for = {**days, day: days.get(day, 0) + data["amount"]}
        if _most(turn, policy.within, asked_for, at) > policy.max:
            refused.append(data["entry"])
            del refused[:-REFUSED_MAX]
            turn.save()
            turn.forward(f"contact/{data['contact']}", {
                "id": f"{data['entry']}/budget.refused", "source": "vouch", "fact": True,
                "type": "budget.refused", "time": event["time"], "contact": data["contact"],
                "data": {"entry": data["entry"]},
            })  # fmt: skip
            return False
    days[day] = days.get(day, 0) + data["amount"]
    while len(days) > DAYS_MAX:
        del days[min(days)]
    turn.save()
    return False


def _most(turn: Turn, within: str, days: dict[str, int], at: datetime) -> int:
    """Return the most that is counted in any window with the day of `at` in it.

    Also in one that ends later: a win may be heard after those of the days that follow.
    """
    most, span = 0, parse_span(within)
    zone, office = turn.programme.zone, turn.programme.office
    for end in (day for day in days if day >= at.date().isoformat()):
        then = datetime.combine(date.fromisoformat(end), at.time(), tzinfo=zone)
        since = subtract_span(then, span, zone=zone, office=office).astimezone(zone).date()
        if since < at.date():
            first = since.isoformat()
            most = max(most, sum(n for on, n in days.items() if first < on <= end))
    return most


REFUSED_MAX = 1000
"""Refusals a budget remembers, for those whose taking back is on its way already."""
DAYS_MAX = 5 * 366
"""Days a budget remembers: the longest span there is."""
