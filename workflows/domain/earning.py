"""The rules of rewards, tiers, contests and gifts: what each event and timer of theirs does."""

from collections.abc import Callable, Mapping

from workflows.domain import (
    budgeting,
    contest_draw,
    contests,
    eligibility,
    gifts,
    ledger_accrual,
    ledger_expiry,
    ledger_lead,
    ledger_named,
    ledger_payout,
    ledger_places,
    ledger_reversal,
    standing,
    tiers,
)
from workflows.state import Doc, Timer
from workflows.turn import Turn


def _gift_reserved(turn: Turn, event: Doc) -> bool:
    standing.noted(turn, event)
    return ledger_payout.stocked(turn, event)


_FROM_OUTSIDE: Mapping[str, Callable[[Turn, Doc], bool]] = {
    "reward.approved": ledger_accrual.approved,
    "reward.chosen": ledger_payout.chosen,
}
_FROM_ACTORS: Mapping[str, Callable[[Turn, Doc], bool]] = {
    "reward.granted": eligibility.granted,
    "reward.undone": ledger_reversal.told,
    "reward.dated": ledger_lead.told_date,
    ledger_named.UNDONE_OF_LEAD: ledger_named.told_of_lead,
    "budget.asked": budgeting.asked,
    **ledger_places.RULES,
    "contest.disqualified": contests.disqualified,
    "contest.standing": contest_draw.standing,
    "contest.disqualify": contest_draw.disqualify,
    "contest.draw": contest_draw.requested,
    "contest.drawn": standing.noted,
    "gift.wanted": gifts.wanted,
    "gift.returned": gifts.returned,
    "gift.sent": gifts.sent,
    "gift.reserved": _gift_reserved,
    "gift.none_left": ledger_payout.stocked,
    "gift.shipped": standing.noted,
    "gift.cancelled": standing.noted,
}

RULES: dict[str, Callable[[Turn, Doc], bool]] = {**_FROM_OUTSIDE, **_FROM_ACTORS}
"""What applies an event, by its type."""
FROM_FACTS = frozenset(_FROM_ACTORS)
"""Types that actors, and operators, send each other: nobody else may say them."""
WAKES: Mapping[str, Callable[[Turn, Timer], None]] = {
    "hold": ledger_accrual.hold_passed,
    "expiry": ledger_expiry.passed,
    "lower": tiers.lower,
    "freeze": contest_draw.freeze,
    "draw": contest_draw.retry,
    "gifts": gifts.give,
}
"""What a timer does, by its kind."""


def applied(turn: Turn, event: Doc) -> None:
    """Count an event that was applied, and take back what it undoes."""
    if event["type"] not in turn.programme.rewarding.listens:
        return
    standing.count(turn, event)
    if ledger_named.is_own(turn, event):
        ledger_named.heard(turn, event)
    elif "referred" in turn.doc and event["type"] in turn.programme.rewarding.reverse_on:
        ledger_lead.heard(turn, event)
    else:
        ledger_reversal.heard(turn, event)


def applied_to_lead(turn: Turn, event: Doc) -> None:
    """Take back what news of a lead undoes."""
    if turn.programme.rewarding.reverse_on:
        ledger_lead.heard(turn, event)
