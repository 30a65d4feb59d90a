"""How much one contact may earn: `rewards.limits`, counted over rolling windows."""

from datetime import datetime

from workflows.state import instant
from workflows.turn import Turn

CAPPED = "capped"
"""Why nothing was earned: a limit has no room for it."""


def reached(turn: Turn, amount: int, won_at: datetime) -> str:
    """Return `capped` where an amount finds no room under a limit; '' where it does.

    What was taken back counts no more; exactly a window's span earlier no longer counts.
    """
    limits = turn.programme.policies.rewards.limits
    if not amount or not limits:
        return ""
    earned = [
        (instant(accrual["won_at"]), accrual["amount"])
        for accrual in turn.doc.get("accruals", {}).values()
        if not accrual["benefit"] and accrual["state"] != "reversed"
    ]
    for limit in limits:
        counted = (n for at, n in earned if turn.add(at, limit.within) > won_at)
        if sum(counted) + amount > limit.max:
            return CAPPED
    return ""
