"""How much may be earned: `rewards.caps`, counted per contact over a rolling window."""

from datetime import datetime

from workflows.state import instant
from workflows.turn import Turn

CAPPED = "capped"
"""Why nothing was earned: a cap has no room for it."""


def reached(turn: Turn, amount: int, won_at: datetime) -> str:
    """Return `capped` where an amount finds no room under a cap; '' where it does.

    What was taken back counts no more; exactly a window's span earlier no longer counts.
    """
    caps = turn.programme.policies.rewards.caps
    if not amount or not caps:
        return ""
    earned = [
        (instant(accrual["won_at"]), accrual["amount"])
        for accrual in turn.doc.get("accruals", {}).values()
        if not accrual["benefit"] and accrual["state"] != "reversed"
    ]
    for cap in caps:
        counted = (n for at, n in earned if turn.add(at, cap.within) > won_at)
        if sum(counted) + amount > cap.max:
            return CAPPED
    return ""
