"""The event types that a programme names: whether they exist, and whether it can hear them."""

from collections.abc import Iterator, Sequence

from events.facts import NOT_TRIGGERS
from workflows.check.context import Context, Place


def check_types(context: Context, place: Place, kinds: Sequence[str]) -> bool:
    """Return whether all event types exist; report those that do not, or cannot be heard."""
    sound = True
    for at, kind in each_of(context, place, kinds):
        if kind not in context.scopes.types:
            context.unknown("V040", at, "event type", kind, context.scopes.types)
            sound = False
        elif kind in NOT_TRIGGERS:
            message = f'"{kind}" reaches no workflow: it is about the machine'
            help_ = "wait with wait: 3d" if kind.startswith("timer.") else "name what happened"
            context.report("V041", at, message, help_)
    return sound


def each_of(context: Context, place: Place, kinds: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Give each of the types written at a place, alone or in a list, with its own place."""
    document, loc = context.where(place)
    node, _ = document.node(loc)
    listed = node is not None and isinstance(node.data, list)
    for number, kind in enumerate(kinds):
        yield (place / number if listed else place), kind
