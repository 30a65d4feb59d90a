"""A wish to be forgotten and what was said around it, in whatever order they are heard.

It happened when it says. What was said before it counts, without words, though it is heard
after it; what was said after it counts for nothing, though it was heard before it.
"""

from datetime import datetime

from workflows.adopted import ERASED
from workflows.domain import contacts, eligibility, ledger_reversal, nps, referrals
from workflows.state import Doc, instant
from workflows.turn import Turn


def _referral(turn: Turn, event: Doc) -> None:
    """Hand a recommendation on to the lead: it stays, and is soon nobody's."""
    referrals.submitted(turn, event)


def _answer(turn: Turn, event: Doc) -> None:
    """Count an answer; its words are forgotten already."""
    said = {name: event["data"][name] for name in ("response", "score", "revision", "survey")
            if name in event["data"]}  # fmt: skip
    nps.count(turn, {**event, "data": said})
    wordless = {name: value for name, value in turn.doc["nps"].items() if value != ""}
    turn.doc["nps"] = wordless


def _opt_in(turn: Turn, event: Doc) -> None:
    """Know since when they took part; the consent was withdrawn with the wish."""
    contacts.takes_part(turn, event["time"])


def _sooner(turn: Turn, event: Doc) -> None:
    """Hear that they asked for it sooner than was known."""
    turn.doc["erased_at"] = event["time"]
    back_to(turn, instant(event["time"]))
    unearn(turn)


_COUNTS = {
    "referral.submitted": _referral, "nps.answered": _answer, "optin.confirmed": _opt_in,
    "contact.erase_requested": _sooner,
}  # fmt: skip
"""What still counts of what was said before a wish to be forgotten, by type."""


def said_before(turn: Turn, event: Doc) -> bool:
    """Count what somebody forgotten said before their wish; False where nothing of it counts."""
    counts = _COUNTS.get(event["type"])
    mine = event.get("contact") == turn.contact and not event.get("to_lead")
    if counts is None or not mine or instant(event["time"]) > instant(turn.doc["erased_at"]):
        return False
    counts(turn, event)
    eligibility.heard(turn, event)
    turn.save()
    return True


def back_to(turn: Turn, at: datetime) -> None:
    """Let only those answers count that were given by the wish, as they were then."""
    nps.back_to(turn, at)


def unearn(turn: Turn) -> None:
    """Take back what was earned after the wish, and not handed out yet."""
    at = instant(turn.doc["erased_at"])
    for accrual in list(turn.doc.get("accruals", {}).values()):
        is_live = accrual["state"] in ("pending", "available") and not accrual.get("undone_by")
        if is_live and instant(accrual.get("since", accrual["won_at"])) > at:
            accrual["undone_by"] = ERASED
            ledger_reversal.settle(turn, accrual)
    turn.save()
