"""What a win would have brought that was over before anybody heard of it.

The engine is pure: the win is played on a copy of the contact, and of what comes of it only the
room is kept that it took (`domain.ledger_past`). Nobody is told of it, and nothing is booked.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from workflows.domain import ledger_budget, ledger_past
from workflows.state import Changes, Doc, Input, State
from workflows.turn import Turn

Decide = Callable[..., None]


def rehearse(turn: Turn, event: Doc, decide: Decide) -> None:
    """Play a win on a copy of this contact, and remember what it brought until it was lost."""
    referral = event["referral"]
    state = State(turn.state.actor, deepcopy(turn.doc), turn.state.account)
    state.consents = dict(turn.state.consents)
    state.doc.get("referrals", {})[referral["id"]] = referral
    state.doc.pop("ended", None)
    changes = Changes()
    won: dict[str, Any] = {
        "id": event["id"], "source": "vouch", "type": "referral.won", "fact": True,
        "noted": True, "time": event["time"], "contact": turn.contact, "referral": referral,
        "lead": referral["lead"].get("id", ""),
        "data": {"referral": referral["id"], "lead": referral["lead"].get("id", ""),
                 "stage": "won", "deal": referral["deal"]},
    }  # fmt: skip
    item = Input(turn.state.actor, turn.at, 0, event=won)
    decide(turn.programme, state, item, now=turn.now, changes=changes, loads={})
    learned = ledger_past.learned(turn, state.doc.get("room", {}), referral["id"])
    for each in changes.forwards:
        kind, data = each.event["type"], each.event["data"]
        is_its_own = kind == ledger_budget.ASKED and data["item"] in learned
        if is_its_own or (kind == "reward.granted" and data["amount"]):
            turn.forward(each.actor, each.event)
