"""How much everybody together may earn: an actor of its own keeps `rewards.budget`.

It counts by days of the programme's zone, so that it stays small whatever is earned. An
accrual is booked first and asks; what finds no room is taken back with the reason `budget`.
"""

from datetime import timedelta

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


def _say(turn: Turn, accrual: Doc, kind: str, amount: int) -> None:
    turn.forward(BUDGET, {
        "id": f"{accrual['entry']}/{kind}/{amount}", "source": "vouch", "type": kind,
        "fact": True, "time": iso(turn.time), "contact": "",
        "data": {"contact": turn.contact, "entry": accrual["entry"], "amount": amount,
                 "at": accrual["won_at"]},
    })  # fmt: skip


def asked(turn: Turn, event: Doc) -> bool:
    """Count an amount on its day, or refuse it: the budget's own actor."""
    data, policy = event["data"], turn.programme.policies.rewards.budget
    days: dict[str, int] = turn.doc.setdefault("days", {})
    zone = turn.programme.zone
    day = instant(data["at"]).astimezone(zone).date().isoformat()
    if policy is not None:
        since = subtract_span(
            instant(data["at"]), parse_span(policy.within), zone=zone, office=turn.programme.office
        )
        first = (since.astimezone(zone).date() + timedelta(days=1)).isoformat()
        spent = sum(amount for on, amount in days.items() if first <= on <= day)
        if data["amount"] > 0 and spent + data["amount"] > policy.max:
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


DAYS_MAX = 5 * 366
"""Days a budget remembers: the longest span there is."""
