"""What takes back: a deal lost after all, in whatever order win and loss arrive.

`rewards.reverse` names the events, `rewards.clawback` what they do to a reward that is free
already: what is still there is taken back, what was spent is owed down to a floor, what was
given away the programme bears. A reward is taken back whole or stands whole: its accrual less
its reversals is its amount or nothing, at every moment.
"""

from collections.abc import Iterator
from datetime import datetime

from workflows.domain import engine_tasks, ledger, ledger_lots, ledger_room, tiers
from workflows.policies_rewards import Clawback
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

UNDOINGS_MAX = 50
"""Events a contact or lead remembers that undo what may still come; the oldest goes first."""
_SETTLED = ("about", "won_at", "left", "lapsed", "rule", "undone_by", "judged", "undone_at",
            "freed_at", "hold", "since", "item", "budgeted", "stays", "of", "returns")  # fmt: skip
"""What nobody asks of an accrual that was taken back: a contact's document stays small."""
WRITE_OFF = "write_off"
"""The bucket, and the task, of what the programme bears."""
WRITE_OFF_DUE = "2bd"
"""By when somebody looks at a write-off, where the policy of reviews does not say."""


# -- what was said ---------------------------------------------------------------------------------


DISQUALIFIED = "contest.disqualified"
"""Takes back the prize of its contest, whatever the policy says."""
VOIDED = "referral.voided"
"""Takes back what a referral earned that should not have counted, whatever the policy says."""
ALWAYS = frozenset({DISQUALIFIED, VOIDED})
UNWON = "others_win"
"""Why a reward is taken back: late news showed that the win belongs to another referral."""


def heard(turn: Turn, event: Doc) -> None:
    """Take back what an event of this contact undoes, now or when it is earned later."""
    kind = event["type"]
    if kind == VOIDED:
        _void(turn, event)
    elif kind in turn.programme.rewarding.reverse_on or kind == DISQUALIFIED:
        undo(turn, undoing_of(turn, event))


def told(turn: Turn, event: Doc) -> bool:
    """Take back what another actor's news undoes of this contact's rewards."""
    undoing = event["data"]
    if undoing["by"] == VOIDED:
        take_back(turn, undoing)
    else:
        undo(turn, undoing)
    return False


def _void(turn: Turn, event: Doc) -> None:
    """Take back what a referral brought both sides so far: it should never have counted.

    It is not remembered: a person may let it count after all, and then it earns anew.
    """
    undoing = {**undoing_of(turn, event), "at": iso(turn.now)}
    undoing["about"] = {"referral": str(event["data"].get("referral", ""))}
    undoing["why"] = event["data"].get("reason", "")
    take_back(turn, undoing)
    lead = event.get("lead") or event["data"].get("lead")
    if lead:
        turn.forward(f"contact/{lead}", undone_event(undoing, str(lead)))


def kind_of(kind: str, data: Doc) -> str:
    """Return what news of a lead is for the policy: a lead that is lost is a loss of its deals."""
    lost = kind == "lead.stage_changed" and data.get("stage") == "lost"
    return "deal.lost" if lost else kind


def undoing_of(turn: Turn, event: Doc) -> Doc:
    """Return what an event undoes: when it happened, and the business objects that it names."""
    mark = f"{event['source']}#{event['id']}"
    names = {k: str(v) for k, v in event["data"].items() if isinstance(v, str) and v}
    return {"id": mark, "by": event["type"], "at": event["time"], "about": names}


def undone_event(undoing: Doc, person: str) -> Doc:
    """Return the event that tells another actor what undoes its rewards."""
    return {
        "id": f"{undoing['id']}/reward.undone/{person}", "source": "vouch",
        "type": "reward.undone", "fact": True, "time": undoing["at"], "contact": person,
        "data": undoing,
    }  # fmt: skip


def undo(turn: Turn, undoing: Doc) -> None:
    """Take back what something undoes, now and when it is booked later; a second time nothing."""
    known = turn.doc.setdefault("undoings", [])
    if any(each["id"] == undoing["id"] for each in known):
        return
    known.append(undoing)
    del known[:-UNDOINGS_MAX]
    turn.save()
    take_back(turn, undoing)


def take_back(turn: Turn, undoing: Doc) -> None:
    """Take back what is booked by now and undone; it is not remembered."""
    for accrual in list(turn.doc.get("accruals", {}).values()):
        _consider(turn, accrual, undoing)
    for reason, each in list(turn.doc.get("unearned", {}).items()):
        grant = each["grant"]  # nobody earned it yet, and nobody will
        if _concerns(_about(turn, grant), undoing) and _in_time(turn, grant, undoing):
            del turn.doc["unearned"][reason]
            turn.save()
    for wish in [*ledger_room.outside(turn).values(), *ledger_room.lost(turn)]:
        _consider_wish(turn, wish, undoing)


def _consider_wish(turn: Turn, wish: Doc, undoing: Doc) -> None:
    """Have what is not there any more be lost from an instant on, or never have counted."""
    if not _concerns(_about(turn, wish), undoing) or not _in_time(turn, wish, undoing):
        return
    if undoing["by"] != VOIDED:
        ledger_room.lose(turn, wish, undoing["at"])
    elif "until" not in wish or undoing.get("why") != UNWON:
        ledger_room.never(turn, wish)


def lost_already(turn: Turn, wish: Doc) -> None:
    """Have what found no room be lost from when it was: the loss arrived first."""
    for undoing in turn.doc.get("undoings", ()):
        found = ledger_room.outside(turn).get(wish["reason"])
        if found is not None:
            _consider_wish(turn, found, undoing)


def taken_back_already(turn: Turn, accrual: Doc) -> None:
    """Take back what was undone before it was booked: the loss arrived first."""
    for undoing in turn.doc.get("undoings", ()):
        _consider(turn, accrual, undoing)


def _consider(turn: Turn, accrual: Doc, undoing: Doc) -> None:
    if accrual["state"] not in ("pending", "available") or accrual.get("undone_by"):
        return
    about = _about(turn, accrual)
    if _concerns(about, undoing) and _in_time(turn, accrual, undoing):
        accrual["undone_by"] = undoing.get("why") or undoing["by"]
        if undoing["by"] != VOIDED:  # else it should never have counted
            accrual["undone_at"] = undoing["at"]
        turn.save()
        settle(turn, accrual)


def _about(turn: Turn, accrual: Doc) -> Doc:
    """Return what a reward is about, the deal too where it became known only afterwards."""
    about: Doc = {name: value for name, value in accrual["about"].items() if value}
    id_ = about.get("referral", "")
    sides = turn.doc.get("referrals", {}), turn.doc.get("referred", {}).get("line", {})
    for referral in (side[id_] for side in sides if id_ in side):
        if referral.get("deal"):
            about.setdefault("deal", referral["deal"])
    return about


def _concerns(mine: Doc, undoing: Doc) -> bool:
    """Tell whether both name something in common, and nothing that both name differs.

    A lead may have been merged since: it is the same one under any of its names, and whatever
    its name where the deal is the same.
    """
    other = undoing["about"]
    shared = mine.keys() & other.keys()
    differs = {name for name in shared if mine[name] != other[name]}
    if "deal" in shared - differs or mine.get("lead") in undoing.get("leads", ()):
        differs.discard("lead")
    return bool(shared) and not differs


def _in_time(turn: Turn, accrual: Doc, undoing: Doc) -> bool:
    """Tell whether it happened after the win, and within the span that the policy gives it."""
    won, at = instant(accrual["won_at"]), instant(undoing["at"])
    return undoes(turn, undoing["by"], won, at)


def undoes(turn: Turn, kind: str, won: datetime, at: datetime) -> bool:
    """Tell whether an event of this kind and instant takes back what was won at another."""
    spans = turn.programme.rewarding.reverse_on.get(kind, ("",) if kind in ALWAYS else ())
    return at >= won and any(not span or at < turn.add(won, span) for span in spans)


# -- taking back -----------------------------------------------------------------------------------


def settle(turn: Turn, accrual: Doc) -> None:
    """Take back an accrual that was undone, unless a call in flight has to decide first."""
    if accrual["state"] not in ("pending", "available") or not accrual.get("undone_by"):
        return
    if ledger_lots.in_flight(turn, accrual):
        return
    bucket = accrual["state"]
    if bucket == "pending":
        turn.cut_timer(f"{accrual['entry']}/hold", "reversed")
        amount = accrual["amount"]
        ledger.post(turn, accrual, "reversed", {"pending": -amount, "reversed": amount})
        accrual["state"] = "reversed"
    else:
        turn.cut_timer(f"{accrual['entry']}/expiry", "reversed")
        _claw_back(turn, accrual)
    accrual["left"] = 0
    if accrual["state"] == "reversed":
        ledger_room.taken_back(turn, accrual, bucket)
    tiers.undone(turn, accrual)
    turn.save()
    if accrual["state"] == "reversed":
        key = f"{accrual['entry']}/reversed"
        said = ledger.said_of(accrual)
        turn.fact("reward.reversed", key, bucket=bucket, reason=accrual["undone_by"], **said)
        for name in _SETTLED:
            accrual.pop(name, None)


def _claw_back(turn: Turn, accrual: Doc) -> None:
    """Book what is taken back, what is owed and what the programme bears."""
    lapsed = accrual.get("lapsed", 0)
    if accrual["benefit"]:
        back, owed, under = accrual["left"], 0, 0
    else:
        back, owed, under = _parts(turn, accrual, turn.programme.policies.rewards.clawback)
    borne = accrual["amount"] - back - owed - lapsed
    moved = [
        ("reversed", {"available": -back, "reversed": back}, back),
        ("owed", {"available": -owed, "reversed": owed}, owed),
        ("lapsed", {"expired": -lapsed, "reversed": lapsed}, lapsed),
    ]
    for what, moves, amount in moved:
        if amount:
            ledger.post(turn, accrual, what, moves)
    is_whole = borne == accrual["amount"]
    if borne:  # nothing taken back: the reward stands, and the book says who bears it
        moves = {WRITE_OFF: 0} if is_whole else {"reversed": borne, WRITE_OFF: -borne}
        ledger.post(turn, accrual, WRITE_OFF, moves)
    accrual["state"] = "kept" if is_whole else "reversed"
    if under:
        _report(turn, accrual, under)


def _parts(turn: Turn, accrual: Doc, policy: Clawback) -> tuple[int, int, int]:
    """Return what is taken back, what is owed, and what the floor keeps from being owed."""
    donated = ledger_lots.donated_of(turn, accrual)
    kept = accrual["amount"] - accrual.get("lapsed", 0) - donated
    then = ledger.available(turn) - _freed_since(turn, accrual)
    there = min(kept, max(0, then))
    spent = kept - there
    back = there if policy.available == "take_back" else 0
    owed = spent if policy.spent == "owe" else 0
    if policy.donated == "owe":
        owed += donated
    room = max(0, then - back - policy.floor)
    return back, min(owed, room), max(0, owed - room)


def _freed_since(turn: Turn, undone: Doc) -> int:
    """Return what became free after a loss that is heard late: it was not there to be taken."""
    lost_at = undone.get("undone_at")
    if not lost_at:
        return 0
    since = instant(lost_at)
    return sum(
        each["amount"] - each.get("lapsed", 0)
        for each in turn.doc.get("accruals", {}).values()
        if each["state"] == "available" and not each["benefit"] and each is not undone
        and instant(each.get("freed_at", each["free_at"])) > since
    )  # fmt: skip


def _report(turn: Turn, accrual: Doc, under: int) -> None:
    """Have somebody look at what the floor made the programme bear."""
    policies = turn.programme.policies
    review, alarm = policies.referrals.review, policies.unassigned
    role = policies.rewards.clawback.to or (review.to if review else alarm.to if alarm else "")
    title = f"{ledger.reason_of(accrual)}: {under} below the floor, borne by the programme"
    due = review.due if review else WRITE_OFF_DUE
    key = f"{accrual['entry']}/{WRITE_OFF}"
    engine_tasks.open_task(turn, key, WRITE_OFF, role, title=title, due=due)


def undone(turn: Turn) -> Iterator[Doc]:
    """Give the accruals that were undone and wait for a call to decide."""
    for accrual in list(turn.doc.get("accruals", {}).values()):
        if accrual.get("undone_by") and accrual["state"] in ("pending", "available"):
            yield accrual
