"""What is told of an event that changes nothing: refused, or kept though there is nothing to do.

Both bear a stable reason and the field it is about, so that `vouch explain` can say in words
why nothing happened.
"""

from workflows.state import Doc
from workflows.turn import Turn


def reject(turn: Turn, event: Doc, reason: str, field: str) -> bool:
    """Refuse an event that only the actor's state shows to be wrong; give False, as rules do."""
    said = {"event": event["id"], "type": event["type"], "reason": reason, "field": field}
    turn.fact("event.rejected", event["id"], **said)
    return False


def nothing_to_do(turn: Turn, event: Doc, reason: str, field: str) -> bool:
    """Keep an event that comes too late to change anything; give True: workflows hear of it.

    It was not wrong to say so, so that it is no refusal: the reason stands among those who
    looked at it.
    """
    turn.looked.append({"idle": event["type"], "reason": reason, "field": field})
    return True
