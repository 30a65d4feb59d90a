"""How much everybody together may earn: what a contact tells the actor that keeps the budget.

An accrual is booked first and asks; what finds no room is taken back with the reason `budget`.
What the budget does with it is `budgeting`. Each win has a name there, which it keeps when it
is taken back and booked again: `item`.
"""

from hashlib import sha256

from workflows.state import Doc, iso
from workflows.turn import Turn

BUDGET = "budget/rewards"
"""The actor that keeps it."""
REASON = "budget"
"""Why an accrual is taken back that found no room."""
ASKED = "budget.asked"
"""What a contact tells the budget."""


def ask(turn: Turn, win: Doc, item: str, reason: str, *, given: bool) -> None:
    """Have an amount of the currency counted, if the programme has a budget.

    `given` is what is free at once: it is asked about, and once it has room nobody takes it away.
    """
    if turn.programme.policies.rewards.budget is not None and not win["benefit"]:
        win["item"] = item
        _say(turn, "ask", win, tie=reason, given=given)


def give(turn: Turn, win: Doc) -> None:
    """Tell that something is free now: nobody takes it away any more for an older win."""
    if win.get("item"):
        _say(turn, "give", win)


def leave(turn: Turn, win: Doc, until: str, *, counted: bool) -> None:
    """Count something no more: from an instant on, or as if it had never been won.

    `counted` tells that it had room as far as this contact knows.
    """
    item = item_of(win)
    if item:
        _say(turn, "leave", {**win, "item": item}, until=until, counted=counted)
    if not until:
        win.pop("item", None)
        win.pop("budgeted", None)


def move(turn: Turn, win: Doc, was: str, reason: str, *, given: bool, counted: bool) -> None:
    """Count something from another instant on: its win happened earlier than was known."""
    item = item_of(win)
    if item:
        win = {**win, "item": item}
        _say(turn, "move", win, was=was, tie=reason, given=given, counted=counted)


def item_of(win: Doc) -> str:
    """Return the name of a win at the budget; '' where it was never asked about."""
    if win.get("budgeted"):  # by an older version, under its entry
        return str(win["entry"])
    return str(win.get("item", ""))


def _say(turn: Turn, what: str, win: Doc, **more: str | bool) -> None:
    data = {"do": what, "item": win["item"], "contact": turn.contact, "amount": win["amount"],
            "at": win["won_at"], **more}  # fmt: skip
    mark = sha256(f"{turn.mark}\n{data}".encode()).hexdigest()[:20]
    turn.forward(BUDGET, {
        "id": f"{win['item']}/{what}/{mark}", "source": "vouch", "type": ASKED, "fact": True,
        "time": iso(turn.time), "contact": "", "data": data,
    })  # fmt: skip
