"""A referrer is merged into another record: whom they recommended learn who it is now.

So what both records recommended is of one referrer, and what the lead says reaches the record
that remains at once, not over an alias and behind what was said later.
"""

from workflows.domain import referrals_lead
from workflows.state import Doc, iso
from workflows.turn import Turn


def tell_leads(turn: Turn, theirs: Doc, them: str) -> None:
    """Tell whom the other record recommended who their referrer is now."""
    leads = {each["lead"].get("id", "") for each in theirs.get("referrals", {}).values()}
    for lead in sorted(leads - {"", turn.contact, *turn.doc["aliases"]}):
        turn.forward(f"contact/{lead}", {
            "id": f"{turn.mark}/{lead}/referrer.merged", "source": "vouch",
            "type": "referrer.merged", "fact": True, "time": iso(turn.time), "contact": lead,
            "depth": turn.depth + 1, "data": {"contact": them, "into": turn.contact},
        })  # fmt: skip


def heard(turn: Turn, event: Doc) -> bool:
    """Know who recommended this lead by the record that remains: it is one referrer now."""
    referred, data = turn.doc.get("referred", {}), event["data"]
    known = (*referred.get("subs", {}).values(), *referred.get("line", {}).values())
    for each in known:
        if each["referrer"]["id"] == data["contact"]:
            each["referrer"] = {**each["referrer"], "id": data["into"]}
    turn.save()
    referrals_lead.settle(turn)
    return False
