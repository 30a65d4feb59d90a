"""The event types that a workflow names: whether they exist, and whether it can hear them."""

from collections.abc import Sequence

from events.facts import NOT_TRIGGERS
from workflows.check.context import Context, Place


def check_types(context: Context, place: Place, kinds: Sequence[str]) -> bool:
    """Return whether all event types exist; report those that do not, or cannot be heard."""
    document, loc = context.where(place)
    node, _ = document.node(loc)
    listed = node is not None and isinstance(node.data, list)
    sound = True
    for number, kind in enumerate(kinds):
        at = place / number if listed else place
        if kind not in context.scopes.types:
            context.unknown("V040", at, "event type", kind, context.scopes.types)
            sound = False
        elif kind in NOT_TRIGGERS:
            message = f'"{kind}" reaches no workflow: it is about the machine'
            help_ = "wait with wait: 3d" if kind.startswith("timer.") else "name what happened"
            context.report("V041", at, message, help_)
    return sound
