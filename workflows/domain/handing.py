"""Runs that hand something over: a payout that was chosen, a gift that was given.

A run does so by a call, or by a task for somebody who does it by hand; done, it was handed
over.
"""

from workflows.domain import gifts, ledger_lots, ledger_payout
from workflows.nodes import Node
from workflows.state import Run
from workflows.steps.outcome import UNCERTAIN, Outcome
from workflows.turn import Turn

_TRIGGERS = frozenset({ledger_lots.RESERVED, gifts.RESERVED})
_VERBS = frozenset({"call", "task"})


def is_handing(run: Run) -> bool:
    """Tell whether a run hands over what somebody chose or was given."""
    return run.doc["trigger"]["type"] in _TRIGGERS


def is_taken_back(turn: Turn, run: Run) -> bool:
    """Tell whether what a run would hand over was taken back: a retried step must not."""
    trigger = run.doc["trigger"]
    if trigger["type"] != ledger_lots.RESERVED:
        return False
    payout = turn.doc.get("payouts", {}).get(trigger["data"]["entry"])
    return payout is not None and payout["status"] == "cancelled"


def decided(turn: Turn, run: Run, node: Node, outcome: Outcome) -> bool:
    """Note what a step handed over; True where the run has nothing left to hand over."""
    if node.step.verb not in _VERBS:
        return False
    if run.doc["trigger"]["type"] == gifts.RESERVED:
        gifts.shipped(turn, run, outcome)
        return False
    return ledger_payout.decided(turn, run, node, outcome)


def undelivered(turn: Turn) -> list[Run]:
    """Return the live runs that have handed nothing over yet, and asked nobody to.

    A call that is under way, or that may have been heard, counts as handed over.
    """
    return [
        run for run in turn.state.runs.values()
        if is_handing(run) and "call" not in run.doc.get("wait", {})
        and not any(each.get("reason") == UNCERTAIN for each in run.doc.get("steps", {}).values())
    ]  # fmt: skip


def forgone(turn: Turn, runs: list[Run]) -> None:
    """Put back what these runs were to hand over to somebody who is forgotten."""
    for run in runs:
        trigger = run.doc["trigger"]
        if trigger["type"] == ledger_lots.RESERVED:
            ledger_payout.forgone(turn, trigger["data"]["entry"])
        elif trigger.get("stock"):
            gifts.forgo(turn, trigger["stock"], run.id)


def over(turn: Turn) -> None:
    """Decide what waited for a run that is over."""
    ledger_payout.over(turn)
