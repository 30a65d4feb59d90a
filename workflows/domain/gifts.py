"""Gifts with a stock: an actor of its own gives them out, so no two workers can give the last.

Gifts wanted in one instant are given in order of the events that earned them. A contact gets
one gift a contest, and one for each choice of a gift. A gift that was not shipped goes back
into stock when what earned it is taken back.
"""

from typing import Any

from workflows.rewarding import CompiledContest
from workflows.state import Doc, Run, Timer, instant, iso
from workflows.steps.outcome import Outcome
from workflows.turn import Turn

RESERVED = "gift.reserved"
"""The fact that starts the run which ships a gift."""
NONE_LEFT = "gift.none_left"
"""Tells a contact that there is none; of a contest's nobody hears."""
_GIVE = "give"


# -- the contact's side ----------------------------------------------------------------------------


def want(turn: Turn, contest: CompiledContest, key: str, at: str, mark: str = "") -> None:
    """Ask the stock for a gift; `mark` tells a word from an earlier one on the same."""
    ask(turn, contest.name, "gift.wanted", f"{key}/wanted{mark}", {"key": key, "at": at})


def give_back(turn: Turn, contest: CompiledContest, key: str, mark: str = "") -> None:
    """Tell the stock that what earned a gift was taken back."""
    ask(turn, contest.name, "gift.returned", f"{key}/returned{mark}", {"key": key})


def forgo(turn: Turn, stock: str, mark: str) -> None:
    """Tell the stock that a gift is not shipped: whose it is was forgotten."""
    ask(turn, stock, "gift.returned", f"{mark}/forgone", {"key": "", "forgone": True})


def shipped(turn: Turn, run: Run, outcome: Outcome) -> None:
    """Tell the stock that a gift is on its way: the run that ships it handed it over."""
    trigger = run.doc["trigger"]
    if outcome.name == "done" and trigger.get("stock"):
        ask(turn, trigger["stock"], "gift.sent", f"{run.id}/sent", {})


def ask(turn: Turn, stock: str, kind: str, key: str, data: Doc) -> None:
    """Put a word into the inbox of a stock; `data.payout` tells several of one contact apart.

    A gift may have been given to another record of the contact, which the stock knows it by.
    """
    if aliases := turn.doc.get("aliases"):
        data = {**data, "aliases": aliases}
    turn.forward(f"gift/{stock}", {
        "id": f"{turn.contact}/{key}", "source": "vouch", "type": kind, "fact": True,
        "time": iso(turn.time), "contact": "", "data": {"contact": turn.contact, **data},
    })  # fmt: skip


# -- the stock's side ------------------------------------------------------------------------------


def wanted(turn: Turn, event: Doc) -> bool:
    """Note who wants a gift; they are given when nothing else of this instant is waiting."""
    data = event["data"]
    waiting, who = turn.doc.setdefault("wanted", {}), _who(turn, data)
    known = waiting.get(who)
    if known is None or instant(data["at"]) < instant(known["at"]):
        waiting[who] = {"key": data["key"], "at": data["at"]}
    turn.save()
    turn.set_timer("gifts", f"{turn.state.actor}/{_GIVE}", turn.now, name=_GIVE)
    return False


def give(turn: Turn, _timer: Timer) -> None:
    """Give out what is in stock, in order of the events that earned it."""
    waiting = turn.doc.pop("wanted", {})
    given: dict[str, Doc] = turn.doc.setdefault("given", {})
    for who in sorted(waiting, key=lambda who: (instant(waiting[who]["at"]), who)):
        kind = _in_stock(turn, given)
        if who not in given and kind:
            given[who] = {"gift": kind, "key": waiting[who]["key"], "status": "reserved"}
            _tell(turn, RESERVED, who, kind)
        elif who not in given:
            _tell(turn, NONE_LEFT, who, "")
    turn.save()


def returned(turn: Turn, event: Doc) -> bool:
    """Put a gift back into stock, unless it is on its way."""
    who, key = _who(turn, event["data"]), event["data"]["key"]
    waiting = turn.doc.get("wanted", {})
    if waiting.get(who, {}).get("key") == key:
        del waiting[who]
    gift = turn.doc.get("given", {}).get(who)
    is_it = gift is not None and (gift["key"] == key or event["data"].get("forgone"))
    if gift is not None and is_it and gift["status"] == "reserved":
        del turn.doc["given"][who]
        _tell(turn, "gift.cancelled", who, gift["gift"])
    turn.save()
    return False


def sent(turn: Turn, event: Doc) -> bool:
    """Note that a gift is on its way: it comes back no more."""
    who = _who(turn, event["data"])
    gift = turn.doc.get("given", {}).get(who)
    if gift is not None and gift["status"] == "reserved":
        gift["status"] = "shipped"
        turn.save()
        _tell(turn, "gift.shipped", who, gift["gift"])
    return False


def _in_stock(turn: Turn, given: dict[str, Doc]) -> str:
    """Return the first kind of which there is one left; '' where all are given."""
    stock = turn.programme.rewarding.stocks.get(_name(turn), {})
    for kind, pieces in stock.items():
        if sum(gift["gift"] == kind for gift in given.values()) < pieces:
            return kind
    return ""


def _who(turn: Turn, data: Doc) -> str:
    """Return for whom a gift is: a contact, or one payout of a contact, as it is known here."""
    payout = f"#{data['payout']}" if data.get("payout") else ""
    names = [f"{contact}{payout}" for contact in (data["contact"], *data.get("aliases", ()))]
    here = {**turn.doc.get("given", {}), **turn.doc.get("wanted", {})}
    return next((name for name in names if name in here), names[0])


def _name(turn: Turn) -> str:
    return turn.state.actor.partition("/")[2]


def _tell(turn: Turn, kind: str, who: str, gift: str) -> None:
    contact, _, payout = who.partition("#")
    said: dict[str, Any] = {
        "id": f"{turn.mark}/{kind}/{who}", "source": "vouch", "type": kind, "fact": True,
        "time": iso(turn.time), "contact": contact, "data": {"gift": gift},
        "stock": _name(turn), "payout": payout,
    }  # fmt: skip
    turn.forward(f"contact/{contact}", said)
