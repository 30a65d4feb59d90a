"""Who finds room now: what is still held yields to an older win, what was refused comes back.

Whatever changes who has room has the contact look once, when all else of that instant is
settled. The difference to what is booked is acted on by the steps that everything takes: what
yields is taken back, what comes back is credited as if it had been when it was won.
"""

from workflows.domain import (
    blocking,
    eligibility,
    ledger,
    ledger_budget,
    ledger_past,
    ledger_reversal,
    ledger_room,
)
from workflows.domain.ledger_accrual import Grant, accrue
from workflows.state import Doc, instant
from workflows.turn import Turn


def look(turn: Turn, _event: Doc) -> bool:
    """Act on what is otherwise than it was: who has room under the limits, and in the budget."""
    ledger_room.as_policy_says(turn)
    ledger_past.reconcile(turn)
    fits = ledger_room.fitting(turn)
    for accrual in list(turn.doc.get("accruals", {}).values()):
        is_held = accrual["state"] == "pending" and not accrual["benefit"]
        if is_held and accrual["entry"] not in fits and not accrual.get("undone_by"):
            _take_back(turn, accrual, ledger_room.CAPPED)
    for number, each in enumerate(ledger_room.lost(turn)):
        _look_at_lost(turn, each, has_room=f"lost/{number}" in fits)
    for reason, wish in list(ledger_room.outside(turn).items()):
        if not _earns(turn, wish):
            ledger_room.drop(turn, reason)
        elif wish["why"] == ledger_budget.REASON:
            continue  # whatever its limit says by then, the budget has to say so first
        elif f"out/{reason}" not in fits:
            ledger_budget.leave(turn, wish, "", counted=False)
            wish["why"] = ledger_room.CAPPED
        else:
            _credit(turn, reason, wish)
    turn.save()
    return False


def _look_at_lost(turn: Turn, each: Doc, *, has_room: bool) -> None:
    """Have the budget know whether something that was lost had room until then."""
    if not has_room and each["why"] != ledger_room.CAPPED:
        ledger_budget.leave(turn, each, "", counted=False)
        each["why"] = ledger_room.CAPPED
    elif has_room and each["why"] == ledger_room.CAPPED:
        each["why"] = ""
        reason = each["reason"]
        ledger_budget.ask(turn, each, ledger_room.named(turn, reason), reason, given=False)
        ledger_budget.leave(turn, each, each["until"], counted=False)


def _earns(turn: Turn, wish: Doc) -> bool:
    """Tell whether somebody still earns by what found no room: not after asking to be forgotten."""
    gone = turn.doc.get("erased_at")
    if gone and instant(wish["since"]) > instant(gone):
        return False
    return wish["side"] == "referee" or blocking.earns(turn.doc, wish["won_at"])


def _take_back(turn: Turn, accrual: Doc, why: str) -> None:
    accrual["undone_by"] = why
    ledger_reversal.settle(turn, accrual)


def _credit(turn: Turn, reason: str, wish: Doc) -> None:
    """Credit what there is room for after all, as if it had been when it was won."""
    key = ledger.key_of(turn.doc.get("accruals", {}), reason)
    if turn.doc.get("accruals", {}).get(key, {}).get("state") in ledger.LIVE:
        ledger_room.drop(turn, reason)  # it was posted again meanwhile
        return
    del ledger_room.outside(turn)[reason]
    names = ("object", "side", "amount", "benefit", "hold", "rule", "won_at", "about")
    grant = Grant(**{name: wish[name] for name in names})
    now, turn.time = turn.time, instant(wish["since"])
    accrue(turn, grant, again=wish)
    if judged := wish.get("judged"):
        eligibility.earned(turn, grant, judged, wish["since"])
    turn.time = now


def moved(turn: Turn, accrual: Doc, was: str) -> None:
    """Have room found for a win that happened earlier; what is free as well, as if it were new."""
    if accrual["benefit"] or not ledger_room.is_bounded(turn):
        return
    ledger_room.as_policy_says(turn)
    given, reason = accrual["state"] != "pending", ledger.reason_of(accrual)
    ledger_budget.move(turn, accrual, was, reason, given=given, counted=True)
    if accrual["entry"] not in ledger_room.fitting(turn, but=accrual):
        _take_back(turn, accrual, ledger_room.CAPPED)
    ledger_room.look_later(turn)


# -- what the budget says --------------------------------------------------------------------------


def refused(turn: Turn, event: Doc) -> bool:
    """Take back what the programme's budget has no room for.

    Not what had room when it asked and is free by now: the budget hears so, and counts it.
    """
    item, displaced = str(event["data"]["entry"]), event["data"].get("displaced", False)
    for accrual in list(turn.doc.get("accruals", {}).values()):
        if ledger_budget.item_of(accrual) != item:
            continue
        if accrual["state"] == "pending" or (accrual["state"] == "available" and not displaced):
            _take_back(turn, accrual, ledger_budget.REASON)
    _noted(turn, item, ledger_budget.REASON)
    return False


def admitted(turn: Turn, event: Doc) -> bool:
    """Credit what the programme's budget has room for after all."""
    _noted(turn, str(event["data"]["entry"]), "")
    return False


def _noted(turn: Turn, item: str, why: str) -> None:
    """Note what the budget says of something that is not there any more."""
    for each in [*ledger_room.outside(turn).values(), *ledger_room.lost(turn)]:
        if each.get("item") == item and each["why"] != ledger_room.CAPPED and each["why"] != why:
            each["why"] = why
            ledger_room.look_later(turn)
            turn.save()


RULES = {ledger_room.LOOK: look, "budget.refused": refused, "budget.admitted": admitted}
"""What applies an event, by its type."""
