"""Who recommended is known by more than before: whom they recommended learn of it.

By a merge, or by a word on them that was heard late.
"""

from typing import Any

from workflows.domain import referrals_checks as checks
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

_SIGNS = frozenset({"email", "phone", "payment_ref", "account"})
"""Fields of a contact by which a lead is found to be the referrer, or a colleague."""


def tell_leads(turn: Turn, theirs: Doc, them: str) -> None:
    """Tell whom either record recommended who their referrer is now, and known by what."""
    known = checks.identity(turn.contact, turn.doc, turn.programme.mail)
    either = (*theirs.get("referrals", {}).values(), *turn.doc.get("referrals", {}).values())
    leads = {each["lead"].get("id", "") for each in either}
    told: Doc = {"contact": them, "into": turn.contact, "known": known}
    _tell(turn, leads - {"", turn.contact, *turn.doc["aliases"]}, told)


def tell_who_remains(turn: Turn, referral: Doc) -> None:
    """Tell a lead that knows its referrer by a record that was merged who that is now.

    It told the other record of the recommendation while that was merged: nobody knew of it then.
    """
    told = referral["referrer"]["id"]
    if told in turn.doc.get("aliases", ()):
        referral["referrer"] = {**referral["referrer"], "id": turn.contact}
        known = checks.identity(turn.contact, turn.doc, turn.programme.mail)
        lead = referral["lead"].get("id", "")
        _tell(turn, {lead} - {"", turn.contact, *turn.doc["aliases"]},
              {"contact": told, "into": turn.contact, "known": known})  # fmt: skip


def tell_late(turn: Turn, event: Doc, fields: Doc) -> None:
    """Tell whom this contact recommended since then what was heard only now of who it is."""
    late = instant(event["time"])
    leads = {
        each["lead"].get("id", "")
        for each in turn.doc.get("referrals", {}).values()
        if instant(each["submitted_at"]) >= late
    }
    if not leads or _SIGNS.isdisjoint(fields):
        return
    known = checks.identity(turn.contact, fields, turn.programme.mail)
    me = turn.contact
    told: Doc = {"contact": me, "into": me, "known": known, "since": event["time"]}
    _tell(turn, leads - {"", me}, told)


def _tell(turn: Turn, leads: set[str], data: dict[str, Any]) -> None:
    for lead in sorted(leads):
        turn.forward(f"contact/{lead}", {
            "id": f"{turn.mark}/{lead}/referrer.merged", "source": "vouch",
            "type": "referrer.merged", "fact": True, "time": iso(turn.time), "contact": lead,
            "depth": turn.depth + 1, "data": data,
        })  # fmt: skip
