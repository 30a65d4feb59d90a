"""Conditions so plain that Python answers them: comparisons, `!`, `&&` and `||`.

The library answers every expression; handing it the values and taking its answer costs ten
times what such a comparison takes by itself, and most conditions are nothing else. Values come
from the same activation, converted and checked the same, so both give the same answer: a
property test holds them together.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from workflows.cel_names import Slot
from workflows.cel_syntax import Node
from workflows.cel_values import Activation

Plain = Callable[[Activation], object]
"""Gives a part's value; of a condition True or False.

Raises:
    EvaluationError: A value is not of the type that its name has.
"""

_Compare: TypeAlias = Callable[[Any, Any], bool]

_EQUAL: Mapping[str, _Compare] = {"_==_": operator.eq, "_!=_": operator.ne}
_ORDERED: Mapping[str, _Compare] = {
    **_EQUAL, "_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge,
}  # fmt: skip
# Texts are compared by code points in both languages, but only `==` is common enough to matter.
_COMPARED: Mapping[object, Mapping[str, _Compare]] = {
    "string": _EQUAL,
    "bool": _EQUAL,
    "int": _ORDERED,
    "instant": _ORDERED,
}
_CONSTANTS: dict[type, str] = {str: "string", bool: "bool", int: "int"}
_KINDS: Mapping[object, type] = {kind: type_ for type_, kind in _CONSTANTS.items()}


def plain_condition(tree: Node, slots: Mapping[int, Slot]) -> Plain | None:
    """Return a function that answers the condition, None where it takes the library.

    Args:
        tree: The parsed condition.
        slots: What a name asks for, by `id` of its node.
    """
    return _condition(tree, slots)


def _condition(node: Node, slots: Mapping[int, Slot]) -> Plain | None:
    slot = slots.get(id(node))
    if slot is not None:
        return _value(slot) if slot.kind == "bool" else None
    if node.kind != "call":
        return None
    if node.name in {"_&&_", "_||_"}:
        parts = [_condition(child, slots) for child in node.children]
        return _joined(node.name, *parts) if None not in parts else None  # type: ignore[arg-type]
    if node.name == "!_":
        inner = _condition(node.children[0], slots)
        return (lambda values: not inner(values)) if inner is not None else None
    return _comparison(node, slots)


def _joined(name: str, left: Plain, right: Plain) -> Plain:
    if name == "_&&_":
        return lambda values: left(values) and right(values)
    return lambda values: left(values) or right(values)


def _comparison(node: Node, slots: Mapping[int, Slot]) -> Plain | None:
    """Return a comparison of a name with a constant or another name of the same type."""
    if len(node.children) != 2:  # noqa: PLR2004
        return None
    left, right = node.children
    first, second = slots.get(id(left)), slots.get(id(right))
    if first is None or not isinstance(first.kind, str) or first.kind not in _COMPARED:
        return None
    compare = _COMPARED[first.kind].get(node.name)
    if compare is None:
        return None
    here = _value(first)
    if second is not None:
        there = _value(second)
        same = second.kind == first.kind
        return (lambda values: compare(here(values), there(values))) if same else None
    if right.kind != "const" or _CONSTANTS.get(type(right.value)) != first.kind:
        return None
    constant = right.value
    return lambda values: compare(here(values), constant)


def _value(slot: Slot) -> Plain:
    """Return a function that looks a value up; what is absent or of another form is converted."""
    kind = _KINDS.get(slot.kind) if slot.how == "value" and slot.path != ("now",) else None
    key, path = slot.key, slot.path

    def converted(values: Activation) -> object:
        cache = values.cache
        return cache[key] if key in cache else values.get(slot)

    if kind is None:
        return converted

    zero = slot.zero or kind()

    def value(values: Activation) -> object:
        cache = values.cache
        if key in cache:
            return cache[key]
        found: object = values.roots
        for part in path:
            if type(found) is not dict:
                return zero if found is None else values.get(slot)
            found = found.get(part)
        if found is None:
            found = zero
        elif type(found) is not kind:
            return values.get(slot)
        cache[key] = found  # the record of what a condition saw asks for it again
        return found

    return value
