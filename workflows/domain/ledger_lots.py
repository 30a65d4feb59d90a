"""Which reward a payout spent: the oldest that are free go first.

Every payout notes what it took from which accrual, so that news about one deal finds what
became of its reward, and of no other.
"""

from collections.abc import Iterator

from workflows.domain import ledger
from workflows.state import Doc
from workflows.turn import Turn

RESERVED = "reward.reserved"
"""The fact that starts the run which hands a payout over."""


def spend(turn: Turn, amount: int, benefit: str = "") -> dict[str, int]:
    """Take an amount off the free accruals, oldest first; return what was taken off each.

    What is free and belongs to no accrual, such as a transfer or an opening balance, is
    older than all of them.
    """
    lots = [a for a in turn.doc.get("accruals", {}).values() if _is_free(a, benefit)]
    rest = amount
    if not benefit:
        rest -= min(rest, max(0, ledger.available(turn) - sum(lot["left"] for lot in lots)))
    taken: dict[str, int] = {}
    for lot in sorted(lots, key=lambda lot: (lot["free_at"], lot["entry"])):
        part = min(rest, lot["left"])
        if part:
            lot["left"] -= part
            taken[lot["entry"]] = part
            rest -= part
    return taken


def put_back(turn: Turn, payout: Doc) -> None:
    """Give back to the accruals what a payout had taken.

    One that was taken back meanwhile has nothing to be taken of any more: what it had lent makes
    good what is owed for it.
    """
    for accrual in turn.doc.get("accruals", {}).values():
        part = payout["taken"].get(accrual["entry"], 0)
        if part and accrual["state"] != "reversed":
            accrual["left"] += part


def pieces(turn: Turn, benefit: str) -> int:
    """Return how many pieces of a benefit are free."""
    accruals = turn.doc.get("accruals", {}).values()
    return sum(a["left"] for a in accruals if _is_free(a, benefit))


def donated_of(turn: Turn, accrual: Doc) -> int:
    """Return how much of an accrual was given away."""
    given = (p for p in payouts_of(turn, accrual) if p["donated"])
    return sum(payout["taken"][accrual["entry"]] for payout in given)


def payouts_of(turn: Turn, accrual: Doc) -> Iterator[Doc]:
    """Give the payouts that took something of an accrual and stand."""
    for payout in turn.doc.get("payouts", {}).values():
        if accrual["entry"] in payout["taken"] and payout["status"] != "cancelled":
            yield payout


def in_flight(turn: Turn, accrual: Doc) -> bool:
    """Tell whether a call is handing over something of an accrual just now."""
    return any(is_called(turn, payout) for payout in payouts_of(turn, accrual))


def is_called(turn: Turn, payout: Doc) -> bool:
    """Tell whether a run that hands this payout over waits for its call."""
    if payout["status"] == "wanted":
        return True  # the stock has not said yet
    if payout["status"] != "reserved":
        return False
    for run in turn.state.runs.values():
        trigger = run.doc["trigger"]
        if trigger["type"] == RESERVED and trigger["data"]["entry"] == payout["entry"]:
            node = turn.programme.of(run).nodes.get(run.doc.get("at", ""))
            if node is not None and node.step.verb == "call" and run.status == "live":
                return True
    return False


def _is_free(accrual: Doc, benefit: str) -> bool:
    return bool(
        accrual["state"] == "available" and accrual["benefit"] == benefit and accrual["left"]
    )
