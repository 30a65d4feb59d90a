"""What lapses: a free reward that nobody used within `rewards.expires`."""

from datetime import datetime

from workflows.domain import ledger
from workflows.state import Doc, Timer
from workflows.turn import Turn


def set_timer(turn: Turn, accrual: Doc, free_at: datetime) -> None:
    """Promise to look whether anything is left when the span has passed."""
    span = turn.programme.policies.rewards.expires
    if span:
        entry = accrual["entry"]
        due = turn.add(free_at, span)
        turn.set_timer("expiry", f"{entry}/expiry", due, name="expiry", subject=entry)


def passed(turn: Turn, timer: Timer) -> None:
    """Let lapse what is left of a reward; what was chosen in time stays chosen."""
    accrual = ledger.by_entry(turn, timer.subject)
    if accrual is None or accrual["state"] != "available":
        return
    there = accrual["left"]
    if not accrual["benefit"]:
        there = min(there, max(0, ledger.available(turn)))
    if there <= 0:
        return
    accrual["left"] -= there
    accrual["lapsed"] = there
    ledger.post(turn, accrual, "expired", {"available": -there, "expired": there})
