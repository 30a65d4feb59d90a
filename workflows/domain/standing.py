"""What the programme counts of a contact: for its tier, for contests, for gifts."""

from workflows.domain import contests, tiers
from workflows.rewarding import LOST, TAKES_BACK
from workflows.state import Doc
from workflows.turn import Turn


def count(turn: Turn, event: Doc) -> None:
    """Count an event that was applied, or take back what it undoes."""
    if event["type"] in TAKES_BACK:
        tiers.forget(turn, tiers.key_of(event))
        contests.take_back(turn, event)
    elif event["type"] == LOST:
        tiers.lost(turn, event)
    tiers.count(turn, event)
    contests.count(turn, event)


def merged(turn: Turn, them: str, theirs: Doc) -> None:
    """Count as one person what two records of it had done."""
    if turn.programme.rewarding.counted:
        tiers.keep_higher(turn, theirs.get("tier", ""))
        tiers.reach(turn)
        contests.merged(turn, them, theirs.get("contests", {}))


def noted(turn: Turn, event: Doc) -> bool:
    """Record on the contact's side what a contest or a stock decided."""
    turn.fact(event["type"], event["id"], **event["data"])
    return True
