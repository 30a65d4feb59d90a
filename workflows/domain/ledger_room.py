"""Room for what a contact earns: what found none, and what was lost, is kept to be judged again.

`rewards.limits` bounds each contact, `rewards.budget` everybody together. Who won earlier has the
room, whatever is heard first: what found none comes back when it turns out that there was some
when it was won. Who acts on that is `ledger_places`; programmes without either keep nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from workflows.domain import joined, ledger, ledger_budget, room
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

CAPPED = "capped"
"""Why nothing is earned, or what was earned is taken back: a limit has no room for it."""
REFUSALS = frozenset({CAPPED, ledger_budget.REASON})
"""Reasons of which late news may be the end: there was room after all."""
LOOK = "room.looked"
"""What a contact tells itself: who finds room may have changed."""
OUTSIDE_MAX = 50
"""Wins without room that a contact remembers; the oldest goes first."""
RETURNS_MAX = 10
"""How often one win may come back that was refused: then it stays refused, whatever is heard."""
LOOKS_MAX = 8
"""How often one look may lead to another in one instant; what is left waits for other news."""
LOST_MAX = 50
"""Lost wins that a contact remembers, for the room they took; the first lost goes first."""


def is_bounded(turn: Turn) -> bool:
    """Tell whether the programme bounds what is earned."""
    rewards = turn.programme.policies.rewards
    return bool(rewards.limits) or rewards.budget is not None


def outside(turn: Turn) -> dict[str, Doc]:
    """Return the wins that found no room, by their reasons."""
    found: dict[str, Doc] = turn.doc.get("room", {}).get("out", {})
    return found


def lost(turn: Turn) -> list[Doc]:
    """Return the wins that were lost, and took room until then."""
    found: list[Doc] = turn.doc.get("room", {}).get("lost", [])
    return found


def whose(turn: Turn, event: Doc | None) -> str:
    """Return by which record something is earned, where that was merged into this one since."""
    said = event or {}
    referral = (said.get("referral") or {}).get("id", "")
    who = turn.doc.get("room", {}).get("of", {}).get(referral) or said.get("contact", "")
    by = who if who in turn.doc.get("records", ()) and who != turn.contact else ""
    return by or joined.record_of(turn.doc, said)


def recommended(turn: Turn, referral: str, event: Doc) -> None:
    """Know by which record somebody was recommended, where that was merged into this one since."""
    by = joined.record_of(turn.doc, event)
    if by and turn.programme.policies.rewards.limits:
        turn.doc.setdefault("room", {}).setdefault("of", {})[referral] = by


# -- judging ---------------------------------------------------------------------------------------


def wins(turn: Turn, more: Doc | None = None, *, but: Doc | None = None) -> Iterator[room.Win]:
    """Give everything of this contact that may take room; `but` is not given any more.

    `more` is about to be earned: its name is ''.
    """
    for accrual in turn.doc.get("accruals", {}).values():
        if not accrual["benefit"] and accrual["state"] in ledger.LIVE:
            given = accrual["state"] != "pending" or accrual.get("stays", False)
            tie = ledger.reason_of(accrual)
            yield _win(turn, accrual["entry"], tie, accrual, given=given and accrual is not but)
    for reason, wish in outside(turn).items():
        counts = wish["why"] != ledger_budget.REASON
        yield _win(turn, f"out/{reason}", reason, wish, counts=counts)
    for number, each in enumerate(lost(turn)):
        until, counts = instant(each["until"]), each["why"] != ledger_budget.REASON
        given = each["given"]
        name = f"lost/{number}"
        yield _win(turn, name, each["reason"], each, until=until, counts=counts, given=given)
    if more is not None:
        yield _win(turn, "", more["reason"], more)


def _win(turn: Turn, name: str, tie: str, said: Doc, **more: Any) -> room.Win:  # noqa: ANN401
    at, of = instant(said["won_at"]), said.get("of", "")
    return room.Win(
        name,
        (at, tie, of),
        said["amount"],
        tuple((at, turn.add(at, limit.within)) for limit in turn.programme.policies.rewards.limits),
        of=of,
        **more,
    )


def fitting(turn: Turn, more: Doc | None = None, *, but: Doc | None = None) -> set[str]:
    """Return the names of wins that have room under the limits of this contact."""
    most = [limit.max for limit in turn.programme.policies.rewards.limits]
    return room.fitting(list(wins(turn, more, but=but)), most, together=_together(turn))


def _together(turn: Turn) -> room.Together:
    known: dict[tuple[str, str], datetime] = {}

    def since(one: str, other: str) -> datetime:
        if (one, other) not in known:
            known[one, other] = instant(joined.together(turn.doc, one, other))
        return known[one, other]

    return since


def as_policy_says(turn: Turn) -> None:
    """Leave what was judged under other limits as it was judged: they bind what comes after."""
    now = repr(turn.programme.policies.rewards.limits)
    known = turn.doc.setdefault("room", {})
    if known.get("limits", now) != now:
        for accrual in turn.doc.get("accruals", {}).values():
            if accrual["state"] == "pending" and not accrual["benefit"]:
                accrual["stays"] = True
        for reason in list(outside(turn)):
            drop(turn, reason)
    known["limits"] = now


# -- remembering -----------------------------------------------------------------------------------


def refuse(turn: Turn, wish: Doc, why: str) -> None:
    """Remember a win that found no room: late news may show that there was some."""
    drop(turn, wish["reason"])
    if wish.get("returns", 0) >= RETURNS_MAX:
        ledger_budget.leave(turn, wish, "", counted=False)
        return
    out: dict[str, Doc] = turn.doc.setdefault("room", {}).setdefault("out", {})
    out[wish["reason"]] = wish | {"why": why}
    while len(out) > OUTSIDE_MAX:
        drop(turn, min(out, key=lambda reason: (instant(out[reason]["won_at"]), reason)))
    turn.save()


def drop(turn: Turn, reason: str) -> None:
    """Forget a win that found no room: nobody earns by it any more, or they have."""
    wish = outside(turn).pop(reason, None)
    if wish is not None:
        ledger_budget.leave(turn, wish, "", counted=False)
        turn.save()


def lose(turn: Turn, wish: Doc, until: str) -> None:
    """Know of a win that found no room that it was lost, or was lost earlier than was known."""
    if "until" in wish:
        if instant(until) >= instant(wish["until"]):
            return
        wish["until"] = until
    else:
        del outside(turn)[wish["reason"]]
        remember_lost(turn, wish, until, given=False)
    ledger_budget.leave(turn, wish, until, counted=False)
    look_later(turn)


def never(turn: Turn, wish: Doc) -> None:
    """Know of a win that is not there any more that it should never have counted."""
    if "until" in wish:
        lost(turn).remove(wish)
        ledger_budget.leave(turn, wish, "", counted=False)
    else:
        drop(turn, wish["reason"])
    look_later(turn)


def taken_back(turn: Turn, accrual: Doc, bucket: str) -> None:
    """Remember what was taken back, by what it was for: to be judged again, or as lost."""
    if accrual["benefit"] or not is_bounded(turn):
        return
    why, until = accrual["undone_by"], accrual.get("undone_at", "")
    given = bucket != "pending"
    wish = wish_of(accrual)
    if why in REFUSALS:
        if why == CAPPED:
            ledger_budget.leave(turn, wish, "", counted=True)
        refuse(turn, wish, why)
    else:
        ledger_budget.leave(turn, wish, until, counted=True)
        if until:
            remember_lost(turn, wish, until, given=given)
    look_later(turn)


def is_too_old(turn: Turn, until: str) -> bool:
    """Tell whether a win was lost before all that a contact has room to remember."""
    kept = lost(turn)
    return len(kept) >= LOST_MAX and instant(until) <= instant(kept[0]["until"])


def remember_lost(turn: Turn, wish: Doc, until: str, *, given: bool) -> None:
    """Remember a win that was lost, for the room that it took until then."""
    kept = turn.doc.setdefault("room", {}).setdefault("lost", [])
    for each in list(kept):
        if _is_same(each, wish):  # it was found out before it was told
            kept.remove(each)
            if each.get("item") != wish.get("item"):
                ledger_budget.leave(turn, each, "", counted=False)
    kept.append(wish | {"until": until, "given": given})
    kept.sort(key=lambda each: (instant(each["until"]), each["reason"]))
    del kept[:-LOST_MAX]
    turn.save()


def _is_same(one: Doc, other: Doc) -> bool:
    if one["about"].get("referral") != other["about"].get("referral"):
        return False
    return one["reason"] == other["reason"] and instant(one["won_at"]) == instant(other["won_at"])


def wish_of(accrual: Doc) -> Doc:
    """Return what is kept of an accrual that is not there any more, and may come back."""
    names = ("object", "side", "amount", "benefit", "rule", "won_at", "about", "judged", "of",
             "item", "returns")  # fmt: skip
    found = {name: accrual[name] for name in names if name in accrual}
    since = {"hold": accrual.get("hold", ""), "since": accrual.get("since", accrual["won_at"])}
    reason = accrual.get("reason") or ledger.reason_of(accrual)
    return found | since | {"reason": reason, "why": ""}


def named(turn: Turn, reason: str) -> str:
    """Return a name of its own for a win at the budget that nothing is booked for."""
    return sha256(f"{turn.state.actor}\n{reason}\n{turn.mark}".encode()).hexdigest()[:20]


def look_later(turn: Turn) -> None:
    """Have this contact look who finds room now, once all of this is settled."""
    if turn.depth > LOOKS_MAX or any(event["type"] == LOOK for event, _ in turn.queue):
        return
    turn.queue.append(({
        "id": f"{turn.mark}/{LOOK}", "source": "vouch/room", "type": LOOK, "fact": True,
        "time": iso(turn.time), "contact": turn.contact, "data": {},
    }, turn.depth + 1))  # fmt: skip


# -- dates and merges ------------------------------------------------------------------------------


def dated(turn: Turn, referral: str, won_at: str) -> None:
    """Know that a referral was won earlier than was known, of what is not there any more."""
    for each in [*outside(turn).values(), *lost(turn)]:
        was = each["won_at"]
        if each["about"].get("referral") == referral and instant(won_at) < instant(was):
            each["won_at"] = each["since"] = won_at
            ledger_budget.move(turn, each, was, each["reason"], given=False, counted=False)
            look_later(turn)


def merged(turn: Turn, theirs: Doc, them: str) -> None:
    """Take over what another record of this contact earned, and found no room for."""
    if not is_bounded(turn) or them == turn.contact:
        return
    mine, other = turn.doc.setdefault("room", {}), theirs.get("room", {})
    if turn.programme.policies.rewards.limits:
        marked = [*theirs.get("accruals", {}).values(), *other.get("lost", ())]
        for each in [*marked, *other.get("out", {}).values()]:
            each["of"] = each.get("of") or them
        by = dict.fromkeys(theirs.get("referrals", {}), them) | other.get("of", {})
        mine["of"] = by | mine.get("of", {})
    mine.setdefault("lost", []).extend(other.get("lost", ()))
    for reason, wish in other.get("out", {}).items():
        key = reason if reason not in outside(turn) else f"{reason}#{them}"
        mine.setdefault("out", {})[key] = wish | {"reason": key}
    look_later(turn)
