"""Recommendations: the referrer submits, the lead decides, and both hear what became of it.

The referrer's actor hands a submission to the lead with who that is; the lead's actor judges,
attributes and follows its own life (`referrals_lead`), and tells the referrer by facts. What
arrives about a lead that nobody knows is parked.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256

from workflows.domain import (
    blocking,
    ledger_past,
    ledger_room,
    referrals_known,
    referrals_merged,
    refusing,
)
from workflows.domain import referrals_checks as checks
from workflows.domain import referrals_codes as codes
from workflows.domain import referrals_firms as firms
from workflows.domain import referrals_lead as lead_side
from workflows.domain import referrals_reviews as reviews
from workflows.state import Doc, Timer, iso
from workflows.turn import Turn

PARKED_MAX = 100
"""Events about one lead nobody knows yet; the oldest goes first."""
REFERRALS_MAX = 500
"""Referrals a referrer remembers; the oldest goes first."""


def is_about_lead(turn: Turn, event: Doc) -> bool:
    """Tell whether this actor is the lead an event is about (and not the referrer)."""
    return (
        not event.get("fact")
        and bool(event.get("lead"))
        and turn.state.actor == f"contact/{event['lead']}"
        and (
            event["type"] != "referral.submitted"  # whose subject is who recommends
            or event.get("contact") != event["lead"]
            or bool(event.get("to_lead"))
        )
    )


def tell_lead(turn: Turn, event: Doc) -> None:
    """Hand news of a lead on to the lead where somebody else is its subject."""
    lead = event.get("lead")
    if (
        lead
        and turn.contact
        and turn.contact != lead
        and not event.get("fact")
        and event["type"] != "referral.submitted"
    ):
        handed = {**event, "to_lead": True, "depth": turn.depth + 1}
        handed.pop("person", None)  # what a webhook said of its subject
        turn.forward(f"contact/{lead}", handed)


# -- the referrer ----------------------------------------------------------------------------------


def submitted(turn: Turn, event: Doc) -> bool:
    """Hand a recommendation on to the lead it is about, with who recommends."""
    if codes.passed_on(turn, event):
        return False
    lead = event.get("lead") or event["data"]["lead"].get("id")
    if not lead or not turn.contact:
        return True
    lead = _same(turn, str(lead), event["data"]["lead"])
    mark = sha256(f"{event['source']}#{event['id']}".encode()).hexdigest()[:16]
    id_ = f"r-{mark}"
    ledger_room.recommended(turn, id_, event)
    turn.forward(f"contact/{lead}", {
        **event, "lead": lead, "to_lead": True, "referral_id": id_,
        "referrer": checks.identity(turn.contact, turn.doc, turn.programme.mail),
        "velocity": reviews.pace(turn, id_, {**event, "lead": lead}),
    })  # fmt: skip
    return True


def _same(turn: Turn, lead: str, given: Doc) -> str:
    """Return the lead this person was recommended as before, by the same referrer."""
    marks = set(checks.marks_of(given))
    for known in turn.doc.get("referrals", {}).values():
        if known["verdict"] != "rejected" and marks & set(checks.marks_of(known["lead"])):
            return str(known["lead"]["id"])
    return lead


def note(turn: Turn, event: Doc) -> None:
    """Keep a referral's news on the referrer's side, and record the fact there.

    Not what the referrer's side made known itself: that is `noted`.
    """
    referral = event.get("referral")
    if not event.get("fact") or referral is None or event.get("noted"):
        return
    if not blocking.earns(turn.doc, event["time"]):
        referral["rewarded"] = False
    _unname(turn, referral)
    referrals_known.tell_who_remains(turn, referral)
    known = turn.doc.setdefault("referrals", {})
    known[referral["id"]] = referral
    while len(known) > REFERRALS_MAX:
        del known[min(known, key=lambda name: (known[name]["submitted_at"], name))]
    if referral.get("winback"):
        turn.doc["winbacks"] = sorted({*turn.doc.get("winbacks", ()), referral["lead"]["id"]})
    turn.save()
    ledger_past.heard(turn, referral)
    turn.fact(event["type"], event["id"], **event["data"])
    reviews.follow(turn, referral, event["type"])


def _unname(turn: Turn, referral: Doc) -> None:
    """Leave of the lead its id where whoever recommended it asked to be forgotten meanwhile."""
    if "erased_at" in turn.doc:
        lead = referral["lead"].get("id", "")
        referral["lead"] = {"id": lead, "name": lead}


def kept(turn: Turn, event: Doc) -> bool:
    """Keep a referral current on the referrer's side; nothing happened that is worth telling."""
    known = turn.doc.get("referrals", {})
    if event["referral"]["id"] in known:
        referrals_known.tell_who_remains(turn, event["referral"])
        _unname(turn, event["referral"])
        if not blocking.earns(turn.doc, event["referral"]["stage_at"] or event["time"]):
            event["referral"]["rewarded"] = False
        known[event["referral"]["id"]] = event["referral"]
        turn.save()
        ledger_past.heard(turn, event["referral"])
    return False


def reviewed(turn: Turn, event: Doc) -> bool:
    """Take a person's decision about a recommendation, from whichever side it comes."""
    if reviews.decide(turn, event) or lead_side.review(turn, event):
        return True
    return refusing.reject(turn, event, "unknown_referral", "data.referral")


# -- the lead --------------------------------------------------------------------------------------


def apply_to_lead(turn: Turn, event: Doc) -> bool:
    """Apply what happened to a lead; parked while nobody knows the lead."""
    kind = event["type"]
    if kind == "referral.submitted":
        if event.get("to_lead"):
            lead_side.submit(turn, event)
        return False  # workflows hear of it on the referrer's side
    if kind in ("review.approved", "review.rejected"):
        by_referrer = event.get("contact") not in ("", None, event["lead"])  # who says so itself
        if not lead_side.review(turn, event) and not by_referrer:
            refusing.reject(turn, event, "unknown_referral", "data.referral")
        return False
    if kind.startswith("deal."):
        lead_side.note_deal(turn, event)
    alone = not event.get("to_lead")  # else workflows hear of it with its subject
    if kind == "lead.created":
        _created(turn, event)
        return alone
    if not turn.doc.get("lead_known"):
        _park(turn, event)
        return False
    lead_side.hear(turn, event)
    lead_side.settle(turn)
    return alone


def _created(turn: Turn, event: Doc) -> None:
    """A lead that sales entered; with who recommended it, that is a submission by phone."""
    turn.doc["lead_known"] = True
    if event.get("account") and not turn.doc.get("account"):
        turn.doc["account"] = event["account"]
    turn.save()
    lead_side.unpark(turn)
    lead_side.settle(turn)
    referrer = str(event["data"].get("referred_by") or "")
    if not referrer:
        return
    lead = {name: turn.doc[name] for name in ("email", "phone") if turn.doc.get(name)}
    turn.forward(f"contact/{referrer}", {
        "id": f"{event['id']}/referral", "source": event["source"], "type": "referral.submitted",
        "time": event["time"], "arrived": event.get("arrived", iso(turn.at)), "contact": referrer,
        "lead": event["lead"], "data": {"lead": {"id": event["lead"], **lead}, "via": "crm"},
    })  # fmt: skip


def told_of_firm(turn: Turn, event: Doc) -> bool:
    """Go on with the story once a firm answered; domains and accounts hear their own part."""
    if event["type"] != "firm.told":
        return firms.heard(turn, event)
    if firms.told(turn, event):
        lead_side.settle(turn)
    return False


def paced(turn: Turn, event: Doc) -> bool:
    """Hear that a referrer's pace was found to be another."""
    lead_side.paced(turn, event)
    return False


# -- parking ---------------------------------------------------------------------------------------


def _park(turn: Turn, event: Doc) -> None:
    parked = turn.doc.setdefault("parked", [])
    parked.append(event)
    del parked[:-PARKED_MAX]
    turn.save()
    turn.set_timer(
        "park",
        f"{event['source']}#{event['id']}/park",
        turn.add(turn.now, turn.programme.policies.referrals.park),
        name="park",
        subject=event["id"],
    )
    turn.fact(
        "event.parked",
        event["id"],
        event=event["id"],
        type=event["type"],
        reason="unknown_lead",
        field="data.lead",
    )


def park_passed(turn: Turn, timer: Timer) -> None:
    """Nobody ever named the lead: the event stays in the view of parked ones, without effect."""
    turn.doc["parked"] = [e for e in turn.doc.get("parked", ()) if e["id"] != timer.subject]
    turn.save()


def attribution_passed(turn: Turn, timer: Timer) -> None:
    """Not contacted in time: it expires, and the next in line is promoted."""
    del timer  # the story knows which
    lead_side.expire(turn)


def known_customer(turn: Turn) -> None:
    """Look again at what was decided, now that somebody became or ceased to be a customer."""
    if turn.contact:
        lead_side.settle(turn)
    else:
        firms.announce(turn)


_FROM_ACTORS: Mapping[str, Callable[[Turn, Doc], bool]] = {
    "referral.paced": paced,
    "referral.kept": kept,
    "referrer.merged": referrals_merged.heard,
    "code.claimed": codes.claimed,
    "firm.asked": told_of_firm,
    "firm.told": told_of_firm,
    "firm.linked": told_of_firm,
    "firm.dealt": told_of_firm,
}
RULES: dict[str, Callable[[Turn, Doc], bool]] = {
    "referral.submitted": submitted,
    "link.clicked": codes.clicked,
    "review.approved": reviewed,
    "review.rejected": reviewed,
    **_FROM_ACTORS,
}
"""What applies an event, by its type."""
FROM_FACTS = frozenset(_FROM_ACTORS)
"""Types that actors send each other: nobody else may say them."""
