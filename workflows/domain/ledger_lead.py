"""What a lead's news undoes: its own benefits, and the rewards of those who recommended it.

The lead hears of losses, and its story says which win counts (`referrals_lead`); the book is
kept by whoever earned, so each is told. What taking back means is `ledger_reversal`.
"""

from workflows.domain import eligibility, ledger, ledger_places, ledger_reversal, ledger_room
from workflows.state import Doc, instant, iso
from workflows.turn import Turn


def heard(turn: Turn, event: Doc) -> None:
    """Take back what an event of a lead undoes, its own benefits and its referrers' rewards.

    A referrer who is named only later is told then: the loss may arrive before the
    recommendation.
    """
    kind = ledger_reversal.kind_of(event["type"], event["data"])
    if kind in turn.programme.rewarding.reverse_on:
        undone(turn, {**ledger_reversal.undoing_of(turn, event), "by": kind})
    elif event["type"] == "referral.submitted":
        _tell(turn, turn.doc.get("undoings", ()), {event.get("referrer", {}).get("id", "")})


def undone(turn: Turn, undoing: Doc) -> None:
    """Take back what is undone of this lead, by any of its names, and of its referrers."""
    undoing = {**undoing, "leads": _names(turn)}
    ledger_reversal.undo(turn, undoing)
    _tell(turn, [undoing], _referrers(turn))


def merged(turn: Turn) -> None:
    """Have those who recommended either of two records hear what undoes a win of either.

    What they know already they hear again, and it changes nothing.
    """
    names = set(_names(turn))
    for undoing in turn.doc.get("undoings", ()):
        about = {undoing["about"].get("lead", ""), *undoing.get("leads", ())}
        if not about & names:
            continue  # of a lead that this contact recommended
        undoing["leads"] = sorted({*undoing.get("leads", ()), *names})
        ledger_reversal.take_back(turn, undoing)
        _tell(turn, [undoing], _referrers(turn))


def _names(turn: Turn) -> list[str]:
    return sorted({turn.contact, *turn.doc.get("aliases", ())})


def _referrers(turn: Turn) -> set[str]:
    """Return who recommended this lead, and who did and was erased since."""
    referred = turn.doc.get("referred", {})
    people = {sub["referrer"]["id"] for sub in referred.get("subs", {}).values()}
    return {*people, *erased(turn).values()}


def erased(turn: Turn) -> dict[str, str]:
    """Return whose recommendations, by their ids, these were before they were erased."""
    found: dict[str, str] = turn.doc.get("referred", {}).get("earned", {})
    return found


def corrected(turn: Turn, view: Doc, was: Doc) -> None:
    """Take back what was paid for a win that is not this referral's, or not the one that counts."""
    forgotten = erased(turn).get(view["id"], "")
    person = view["referrer"]["id"] or forgotten
    if was.get("verdict") == "accepted" and view["verdict"] != "accepted":
        _voided(turn, view["id"], view["reason"], forgotten)
    elif _is_unwon(view, was) or is_won_anew(view, was):
        _unwon(turn, view["id"], person)
    elif view["stage"] == was.get("stage") == "won" and view["stage_at"] != was["stage_at"]:
        _dated(turn, view, person)


def _is_unwon(view: Doc, was: Doc) -> bool:
    """Tell whether a win that was told is not this referral's: a later loss takes none away."""
    if was.get("stage") != "won" or view["stage"] == "won" or view["verdict"] != "accepted":
        return False
    return view["stage"] != "lost" or instant(view["stage_at"]) < instant(was["stage_at"])


def is_won_anew(now: Doc, was: Doc) -> bool:
    """Tell whether late news shows another win than was told: of a deal before, after a loss."""
    if not now["stage"] == was.get("stage") == "won":
        return False
    other = was["deal"] not in ("", now["deal"])
    return other or instant(now["stage_at"]) > instant(was["stage_at"])


def _unwon(turn: Turn, referral: str, person: str) -> None:
    """Take back what a referral brought both sides for a win that is not the one that counts.

    Late news showed that it is another's, or that another deal was won before it. As after a
    void it is not remembered: the referral may win anew.
    """
    undoing = _undoing(turn, f"{referral}/unwon", referral, ledger_reversal.UNWON)
    ledger_reversal.take_back(turn, undoing)
    if person:
        turn.forward(f"contact/{person}", ledger_reversal.undone_event(undoing, person))


def _voided(turn: Turn, referral: str, why: str, erased: str) -> None:
    """Take back what a referral brought this lead, before another brings it the same.

    Its referrer hears of it too and says so, but maybe after the other's reward is granted; of
    one who was erased only the book does.
    """
    undoing = _undoing(turn, f"{referral}/voided", referral, why)
    ledger_reversal.take_back(turn, undoing)
    if erased:
        turn.forward(f"contact/{erased}", ledger_reversal.undone_event(undoing, erased))


def _undoing(turn: Turn, what: str, referral: str, why: str) -> Doc:
    return {
        "id": f"{turn.mark}/{what}", "by": ledger_reversal.VOIDED, "at": iso(turn.now),
        "about": {"referral": referral}, "why": why,
    }  # fmt: skip


def _tell(turn: Turn, undoings: "list[Doc] | tuple[()]", people: set[str]) -> None:
    for person in sorted(people - {""}):
        for undoing in undoings:
            turn.forward(f"contact/{person}", ledger_reversal.undone_event(undoing, person))


def _dated(turn: Turn, view: Doc, person: str) -> None:
    """Have both sides know that a win happened earlier: a loss of its deal after it counts."""
    referral = view["id"]
    data = {"referral": referral, "won_at": view["stage_at"], "deal": view["deal"]}
    _date(turn, data)
    if person:
        turn.forward(f"contact/{person}", {
            "id": f"{turn.mark}/{referral}/dated", "source": "vouch", "type": "reward.dated",
            "fact": True, "time": iso(turn.time), "contact": person, "data": data,
        })  # fmt: skip


def told_date(turn: Turn, event: Doc) -> bool:
    """Know when a win happened that this contact was paid for."""
    _date(turn, event["data"])
    return False


def _date(turn: Turn, data: Doc) -> None:
    if turn.programme.earning:
        eligibility.dated(turn, data["referral"], data["won_at"])
    ledger_room.dated(turn, data["referral"], data["won_at"])
    for accrual in list(turn.doc.get("accruals", {}).values()):
        about = accrual.get("about", {})
        if about.get("referral") != data["referral"] or "won_at" not in accrual:
            continue
        _redate(turn, accrual, min(accrual["won_at"], data["won_at"], key=instant))
        if data.get("deal"):
            about.setdefault("deal", data["deal"])
        turn.save()
        ledger_reversal.taken_back_already(turn, accrual)


def _redate(turn: Turn, accrual: Doc, won_at: str) -> None:
    """Count a win from when it happened; what finds no room there is taken back."""
    was, accrual["won_at"] = accrual["won_at"], won_at
    if won_at != was and accrual["state"] in ledger.LIVE:
        ledger_places.moved(turn, accrual, was)
