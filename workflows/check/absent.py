"""Instants that may be without a value, in comparisons that nothing at all passes.

A field without a value is its type's zero, and the zero of an instant is 1970: earlier than
anything. So `account.customer_since < ago('1y')` holds for whoever never was a customer.
"""

from collections.abc import Collection, Mapping

from workflows.cel_scope import ExpressionError, FieldKnown, Scope
from workflows.expressions import names_in

MEANT = frozenset({"contact.cooling_until"})
"""Without a value it is over, which is what somebody means who asks whether it is."""
_TOLD_BY = {"contact.participant_since": "contact.participant"}


def absent_passes(text: str, scope: Scope, absent: Collection[str]) -> list[ExpressionError]:
    """Return the comparisons of a sound expression that hold for what has no value.

    One is passed over where the expression asks `has()` of the field, or anything of what
    stands beside it: whoever does has thought of that.

    Args:
        text: the expression.
        scope: what it may name.
        absent: the dotted paths of what may be without a value.
    """
    if "<" not in text and ">" not in text:
        return []
    names = names_in(text)
    found: list[ExpressionError] = []
    for early in names.early:
        path = early.path
        if path not in absent or path in MEANT or _kind(scope, path) != "instant":
            continue
        beside = path.rpartition(".")[0]
        inner = beside.count(".") > 0
        asked = path in names.asked or _TOLD_BY.get(path) in names.paths
        if asked or (inner and any(p != path and p.startswith(f"{beside}.") for p in names.paths)):
            continue
        message = f'"{path}" without a value is 1970, so that this holds for it'
        hint = f"write has({path}) && before it, if that is not meant"
        found.append(ExpressionError(message, offset=early.offset, end=early.end, hint=hint))
    return found


def _kind(scope: Scope, path: str) -> FieldKnown:
    here: FieldKnown = scope.names
    for part in path.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here
