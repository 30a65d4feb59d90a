"""The budget of everybody: an actor of its own says who has room, in order of when they won.

It counts by days of the programme's zone. What is free already is nothing but a sum by day;
what is still held, what found no room and what was lost are kept one by one, so that late news
finds them. So it stays small whatever is earned.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from workflows.calendars import Calendar
from workflows.domain import room
from workflows.domain.ledger_budget import REASON
from workflows.durations import add_span, parse_span
from workflows.state import Doc, instant, iso
from workflows.turn import Turn
from workflows.wallclock import local_to_utc

REFUSED, ADMITTED = "budget.refused", "budget.admitted"
"""What it tells a contact: there is no room for something, or there is after all."""
HELD_MAX = 500
"""Wins with room that are still held; of more the oldest count as free, and keep their room."""
OUT_MAX = 500
"""Wins without room that late news may find some for; the oldest goes first."""
LOST_MAX = 200
"""Wins that were lost, kept for the room they took until then; the first lost goes first."""
DAYS_MAX = 5 * 366
"""Days a budget remembers: the longest span there is."""
_ALL: room.Order = (datetime.min.replace(tzinfo=UTC), "", "")
"""From there on all is judged again: what is given binds older wins as well."""
_DAY = timedelta(days=1)
"""A sum by day stands for its end: what was lost on that day is gone by then."""

__all__ = ["ADMITTED", "REASON", "REFUSED", "asked"]


def asked(turn: Turn, event: Doc) -> bool:
    """Count what a contact tells, and tell contacts for whom there is room, and for whom not."""
    data = event["data"]
    _as_policy_says(turn)
    wins: dict[str, Doc] = turn.doc["wins"]
    since = _taken(turn, data if "do" in data else _of_old(turn, data), wins)
    if since is not None:
        _judge(turn, since)
    _bounded(turn)
    turn.save()
    return False


def _taken(turn: Turn, said: Doc, wins: dict[str, Doc]) -> room.Order | None:
    """Note what is said; return from which place on all is to be judged again."""
    item, win = said["item"], wins.get(said["item"])
    match said["do"]:
        case "ask":
            win = wins[item] = {name: said[name] for name in ("contact", "amount", "at", "tie")}
            win |= {"in": False, "given": said["given"], "told": True}
            return _order(win)
        case "give":
            if win is None or "until" in win or not (win["in"] or win.get("had")):
                return None  # refused, and taken back by now
            _give(turn, item)
            return None if win["in"] else _ALL
        case "leave":
            return _left(turn, said, win)
        case _:
            return _moved(turn, said, win)


def _left(turn: Turn, said: Doc, win: Doc | None) -> room.Order | None:
    wins, item, until = turn.doc["wins"], said["item"], said["until"]
    if win is None:
        if not said["counted"]:
            return None
        _count(turn, said["at"], -said["amount"])
        win = {"contact": said["contact"], "amount": said["amount"], "at": said["at"], "tie": "",
               "in": True, "given": True}  # fmt: skip
    elif not until:
        del wins[item]
    if until:
        wins[item] = win | {"until": min(win.get("until", until), until, key=instant)}
    return _ALL if win["given"] else _order(win)


def _moved(turn: Turn, said: Doc, win: Doc | None) -> room.Order | None:
    """Have something judged at another place; what is free as well, as if it asked anew."""
    if win is None:
        if not said["counted"]:
            return None
        _count(turn, said["was"], -said["amount"])
        win = {"contact": said["contact"], "amount": said["amount"], "tie": said["tie"],
               "in": False, "given": said["given"], "told": True, "at": said["was"]}  # fmt: skip
        turn.doc["wins"][said["item"]] = win
    was = _order(win)
    win["at"] = said["at"]
    return _ALL if win["given"] else min(was, _order(win))


def _give(turn: Turn, item: str) -> None:
    win = turn.doc["wins"].pop(item)
    _count(turn, win["at"], win["amount"])


def _count(turn: Turn, at: str, amount: int) -> None:
    days, on = turn.doc["days"], _day(turn, at).isoformat()
    days[on] = days.get(on, 0) + amount
    if not days[on]:
        del days[on]


# -- who has room ----------------------------------------------------------------------------------


def _judge(turn: Turn, since: room.Order) -> None:
    """Judge all wins from a place on, and tell those for whom that changes something."""
    policy, wins = turn.programme.policies.rewards.budget, turn.doc["wins"]
    known = {item for item, win in wins.items() if win["in"]}
    if policy is None:
        found = set(wins)
    else:
        all_ = list(_wins(turn, policy.within))
        found = room.fitting(all_, [policy.max], since=since, known=known)
    for item, win in list(wins.items()):
        is_new, was = win.pop("told", False), win["in"]
        win["in"] = item in found
        if win["in"] and not was and not is_new:
            _tell(turn, ADMITTED, item, win)
        elif not win["in"] and (was or is_new):
            _tell(turn, REFUSED, item, win)
        if win["in"] and "until" not in win:
            win["had"] = True
            if win["given"]:
                _give(turn, item)
        elif "until" not in win:
            win["given"] = False  # it is taken back, and will be told when it is free again


def _wins(turn: Turn, within: str) -> Iterator[room.Win]:
    for on, amount in turn.doc["days"].items():
        span = _span(date.fromisoformat(on), within, turn.programme.zone, turn.programme.office)
        yield room.Win("", (span[0] + _DAY, "", ""), amount, (span,), given=True)
    for item, win in turn.doc["wins"].items():
        until = win.get("until", "")
        day = _day(turn, win["at"])
        span = _span(day, within, turn.programme.zone, turn.programme.office)
        yield room.Win(
            item, _order(win), win["amount"], (span,), given=bool(until and win["given"]),
            until=instant(until) if until else None,
        )  # fmt: skip


def _order(win: Doc) -> room.Order:
    return instant(win["at"]), win["tie"], win["contact"]


def _day(turn: Turn, at: str) -> date:
    return instant(at).astimezone(turn.programme.zone).date()


@lru_cache(maxsize=2 * DAYS_MAX)
def _span(day: date, within: str, zone: ZoneInfo, office: Calendar) -> tuple[datetime, datetime]:
    """Return when a day begins, and with it its part in windows, and when that ends."""
    start = local_to_utc(datetime.combine(day, time()), zone)
    return start, add_span(start, parse_span(within), zone=zone, office=office)


def _tell(turn: Turn, kind: str, item: str, win: Doc) -> None:
    """Tell a contact; `displaced` is what had room: by now it may be free, and then it stays."""
    data = {"entry": item, "displaced": bool(win.get("had"))}
    mark = sha256(f"{turn.mark}\n{kind}".encode()).hexdigest()[:20]
    turn.forward(f"contact/{win['contact']}", {
        "id": f"{item}/{kind}/{mark}", "source": "vouch", "fact": True, "type": kind,
        "time": iso(turn.time), "contact": win["contact"], "data": data,
    })  # fmt: skip


# -- what it keeps ---------------------------------------------------------------------------------


def _bounded(turn: Turn) -> None:
    """Keep as much as the budget may remember, and no more."""
    wins = turn.doc["wins"]
    there = [item for item, win in wins.items() if win["in"] and "until" not in win]
    for item in _oldest(wins, there, HELD_MAX):
        _give(turn, item)
    out = [item for item, win in wins.items() if not win["in"] and "until" not in win]
    for item in _oldest(wins, out, OUT_MAX):
        del wins[item]
    lost = sorted((instant(win["until"]), item) for item, win in wins.items() if "until" in win)
    for _, item in lost[:-LOST_MAX]:
        del wins[item]
    days = turn.doc["days"]
    for day in sorted(days)[:-DAYS_MAX]:
        del days[day]


def _oldest(wins: dict[str, Doc], items: list[str], most: int) -> list[str]:
    """Return what is too much, the oldest; nothing is sorted where it is not."""
    if len(items) <= most:
        return []
    return sorted(items, key=lambda item: _order(wins[item]))[:-most]


def _as_policy_says(turn: Turn) -> None:
    """Leave what was judged under another budget as it was judged: it binds what comes after."""
    turn.doc.setdefault("days", {})
    wins: dict[str, Doc] = turn.doc.setdefault("wins", {})
    now = repr(turn.programme.policies.rewards.budget)
    if turn.doc.get("policy", now) != now:
        for item, win in list(wins.items()):
            if "until" not in win and win["in"]:
                _give(turn, item)
            elif "until" not in win:
                del wins[item]
    turn.doc["policy"] = now


def _of_old(turn: Turn, data: Doc) -> Doc:
    """Return what an older version said, in the words of this one: it counted at once."""
    known = data["entry"] in turn.doc.get("refused", ())
    said: Doc = {"item": data["entry"], "contact": data["contact"], "at": data["at"]}
    if data["amount"] < 0:
        return said | {"do": "leave", "amount": -data["amount"], "until": "", "counted": not known}
    said |= {"amount": data["amount"], "given": True, "counted": True, "tie": data["entry"]}
    return said | ({"do": "move", "was": data["was"]} if "was" in data else {"do": "ask"})
