"""What an operator does: an input like any other, with who and when."""

from workflows.state import Doc
from workflows.steps.outcome import Outcome
from workflows.turn import Turn


def cancel_run(turn: Turn, event: Doc) -> bool:
    """End a run by hand, as an exit would."""
    run = turn.state.runs.get(event["data"]["run"])
    if run is not None:
        turn.leaving.append((run.id, str(event["data"].get("as", "cancelled"))))
    return False


def outcome(name: str) -> Outcome:
    """Return an outcome an operator gives by hand."""
    return Outcome(name, reason="by_hand")
