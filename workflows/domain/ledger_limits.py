"""How much one contact may earn: `rewards.limits`, counted over rolling windows."""

from datetime import datetime

from workflows.state import Doc, instant
from workflows.turn import Turn

CAPPED = "capped"
"""Why nothing was earned: a limit has no room for it."""


def reached(turn: Turn, amount: int, won_at: datetime, *, but: Doc | None = None) -> str:
    """Return `capped` where an amount finds no room under a limit; '' where it does.

    `but` is the accrual whose amount it is, where it was booked already.

    No window may hold more, also none that ends after a win that is heard late. What was taken
    back counts no more; exactly a window's span earlier no longer counts.
    """
    limits = turn.programme.policies.rewards.limits
    if not amount or not limits:
        return ""
    earned = [
        (instant(accrual["won_at"]), accrual["amount"])
        for accrual in turn.doc.get("accruals", {}).values()
        if not accrual["benefit"] and accrual["state"] != "reversed" and accrual is not but
    ]
    for limit in limits:
        spans = [(at, turn.add(at, limit.within), n) for at, n in [*earned, (won_at, amount)]]
        until = spans[-1][1]
        for end in {won_at, *(at for at, _, _ in spans if won_at <= at < until)}:
            if sum(n for at, gone, n in spans if at <= end < gone) > limit.max:
                return CAPPED
    return ""
