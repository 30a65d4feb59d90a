"""Wins that were over when they were heard: they took room, and nobody was told of them.

A lead's story says since when and until when a referral was won (`referrals_story`). Where the
programme bounds what is earned, the referrer keeps those wins with what they brought. What a
win would have brought that nobody was told of is found out by a rehearsal (`rehearsing`).
"""

from workflows.domain import ledger_budget, ledger_room
from workflows.state import Doc, instant
from workflows.turn import Turn

PAST = "room.rehearsed"
"""What a contact tells itself: to find out what a win would have brought."""


def heard(turn: Turn, referral: Doc) -> None:
    """Look again who has room, where a referral was won and lost."""
    if any(until for _, until, _ in referral.get("wins", ())):
        ledger_room.look_later(turn)


def reconcile(turn: Turn) -> None:
    """Have exactly the lost wins of each referral that its story has, with what they brought."""
    for id_, referral in turn.doc.get("referrals", {}).items():
        wins = referral.get("wins", ())
        if not wins:
            continue
        kinds = _kinds(turn, id_)
        since = {instant(at) for at, _, _ in wins}
        for each in list(ledger_room.lost(turn)):
            if _is_of(each, id_) and instant(each["won_at"]) not in since:
                ledger_room.never(turn, each)
        for at, until, deal in wins:
            if not until:
                continue
            if not kinds and not ledger_room.is_too_old(turn, until):
                _rehearse(turn, referral, at, deal)
            for kind in kinds:
                _lost(turn, kind, at, until)


def _is_of(each: Doc, referral: str) -> bool:
    return bool(each.get("about", {}).get("referral") == referral)


def _kinds(turn: Turn, referral: str) -> list[list[Doc]]:
    """Return what a referral brought or would have, apart by the step that credits it."""
    found: dict[tuple[str, str], list[Doc]] = {}
    booked = [
        accrual for accrual in turn.doc.get("accruals", {}).values()
        if not accrual["benefit"] and "won_at" in accrual
    ]  # fmt: skip
    for each in [*booked, *ledger_room.outside(turn).values(), *ledger_room.lost(turn)]:
        if _is_of(each, referral):
            step = each["rule"].partition("@")[0] + each["rule"].rpartition("/")[2]
            found.setdefault((step, each["side"]), []).append(each)
    return list(found.values())


def _lost(turn: Turn, known: list[Doc], at: str, until: str) -> None:
    """Remember a lost win by what another of its kind brought, unless it is known."""
    for each in known:
        if instant(each["won_at"]) == instant(at):
            if "until" in each:
                ledger_room.lose(turn, each, until)
            return
    if ledger_room.is_too_old(turn, until):
        return
    wish = ledger_room.wish_of(known[0]) | {"won_at": at, "since": at}
    wish.pop("item", None)
    name = ledger_room.named(turn, f"{wish['reason']}/{at}")
    ledger_budget.ask(turn, wish, name, wish["reason"], given=False)
    ledger_budget.leave(turn, wish, until, counted=False)
    ledger_room.remember_lost(turn, wish, until, given=False)
    ledger_room.look_later(turn)


def _rehearse(turn: Turn, referral: Doc, at: str, deal: str) -> None:
    """Have it found out what a win would have brought, once."""
    found = turn.doc.setdefault("room", {}).setdefault("tried", {})
    tried: list[str] = found.setdefault(referral["id"], [])
    if at in tried:
        return
    tried.append(at)
    for gone in found.keys() - turn.doc["referrals"].keys():
        del found[gone]
    del tried[: -ledger_room.LOST_MAX]
    won = {**referral, "stage": "won", "stage_at": at, "deal": deal or referral["deal"]}
    turn.queue.append(({
        "id": f"{turn.mark}/{referral['id']}/{PAST}", "source": "vouch/room", "type": PAST,
        "fact": True, "time": at, "contact": turn.contact, "data": {}, "referral": won,
    }, turn.depth + 1))  # fmt: skip


def learned(turn: Turn, found: Doc, referral: str) -> set[str]:
    """Remember what a rehearsal found out, and return its names at the budget."""
    known = [dict(each) for each in ledger_room.lost(turn)]
    new = [each for each in found.get("lost", ()) if _is_of(each, referral) and each not in known]
    for each in new:
        ledger_room.remember_lost(turn, each, each["until"], given=False)
    ledger_room.look_later(turn)
    return {each["item"] for each in new if "item" in each}
