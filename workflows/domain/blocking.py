"""Who recommended themselves too often earns nothing more, from then on, and still takes part.

From when on is decided by when things happened: what was won before counts though it is heard
later, and what was won after is taken back though it was heard first.
"""

from workflows.domain import ledger, ledger_reversal, ledger_room
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

REASON = "blocked"
"""Why a reward is taken back that was won after its contact was blocked."""


def earns(doc: Doc, at: str) -> bool:
    """Tell whether a contact earns by what happened at an instant."""
    if not doc.get("earning_blocked"):
        return True
    since = str(doc.get("blocked_at", ""))
    return bool(since) and instant(at) < instant(since)


def block(turn: Turn, since: str) -> bool:
    """End earning from an instant on, the earliest that is known; True if that is new."""
    doc = turn.doc
    known = doc.get("blocked_at")
    is_new = not doc.get("earning_blocked")
    if is_new or (known and instant(since) < instant(known)):
        doc |= {"earning_blocked": True, "blocked_at": since}
        turn.save()
    for referral in doc.get("referrals", {}).values():
        if referral.get("rewarded"):
            _unreward(turn, referral)
    for accrual in list(doc.get("accruals", {}).values()):
        is_late = accrual["state"] in ledger.LIVE and not earns(doc, accrual.get("won_at", since))
        if is_late and accrual["side"] != "referee" and not accrual.get("undone_by"):
            accrual["undone_by"] = REASON
            ledger_reversal.settle(turn, accrual)
    if ledger_room.outside(turn):
        ledger_room.look_later(turn)
    return is_new


def _unreward(turn: Turn, referral: Doc) -> None:
    """Have a win after the block pay nobody, as if it had been heard after it."""
    if earns(turn.doc, referral["stage_at"] or referral["submitted_at"]):
        return
    referral["rewarded"] = False
    if referral["stage"] != "won":
        return
    undoing = {
        "id": f"{turn.mark}/{referral['id']}/{REASON}", "by": ledger_reversal.VOIDED,
        "at": iso(turn.now), "about": {"referral": referral["id"]}, "why": REASON,
    }  # fmt: skip
    lead = referral["lead"].get("id", "")
    if lead:
        turn.forward(f"contact/{lead}", ledger_reversal.undone_event(undoing, lead))
