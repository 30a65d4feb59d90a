"""What an expression may call, with which literals, and at what cost."""

import re
from datetime import datetime

from events.errors import VouchError, did_you_mean
from workflows.cel_scope import ExpressionError, Scope
from workflows.cel_syntax import Node, Source

MAPS_MAX = 8
"""How many `map()` an expression may hold, side by side."""

TYPE_NAMES = frozenset({"bool", "int", "list", "map", "null_type", "string", "type"})
_OWN = frozenset({"ago", "seen", "sum", "has"})
FUNCTIONS = _OWN | frozenset(
    {
        "all", "bool", "contains", "duration", "dyn", "endsWith", "exists", "exists_one", "filter",
        "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours",
        "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "int", "map", "matches", "size",
        "startsWith", "string", "timestamp", "type",
    }
)  # fmt: skip
_BROKEN = frozenset({"double", "uint", "bytes"})
_DURATION = re.compile(r"[-+]?(\d+(\.\d*)?(h|ms|us|ns|m|s))+|0")
_WORD = re.compile(r"[A-Za-z0-9]+")


def check_number(node: Node, source: Source) -> list[ExpressionError]:
    """Refuse numbers with a fraction and unsigned ones: CEL does not mix them with whole ones."""
    start, end = source.span(node)
    text = source.text[start:end]
    if isinstance(node.value, float) or (text[-1:] in {"u", "U"} and text[:1].isdigit()):
        hint = "write a share as 100 * a >= 90 * b, money in cents"
        return [_error((start, end), f"numbers are whole here: {text}", hint)]
    return []


def check_function(node: Node, source: Source) -> list[ExpressionError]:
    """Refuse unknown functions, and literals that are sure to fail when they are evaluated."""
    span, name = source.name_span(node.pos), node.name
    if name in _BROKEN:
        return [_error(span, f"there is no {name}(): numbers are whole here", "use int()")]
    if name not in FUNCTIONS:
        return [_error(span, f'unknown function "{name}"', did_you_mean(name, FUNCTIONS))]
    value = node.children[-1].value if node.children else None
    if name == "matches" and not isinstance(value, str):
        hint = "write matches('[0-9]+')"
        message = "matches() needs a literal pattern: one that arrives has no bound in cost"
        return [_error(span, message, hint)]
    if not isinstance(value, str):
        return []
    inner = source.span(node.children[-1])
    if name == "duration" and not _DURATION.fullmatch(value):
        hint = "use ago('7d') for a span before now"
    elif name == "timestamp" and not _is_instant(value):
        hint = "write it like timestamp('2027-02-03T14:00:00Z')"
    else:
        return []
    return [_error(inner, f"{name}() does not take '{value}'", hint)]


def check_span(span: tuple[int, int], text: str, scope: Scope) -> list[ExpressionError]:
    """Refuse what `ago()` could not subtract."""
    hint = "write a span like '180d' or '2h30m'"
    if not _WORD.fullmatch(text):
        return [_error(span, f"ago() does not take '{text}'", hint)]
    if scope.check_span is not None:
        try:
            scope.check_span(text)
        except (VouchError, ValueError) as error:
            return [_error(span, str(error), getattr(error, "hint", "") or hint)]
    return []


def check_bounds(tree: Node, source: Source) -> list[ExpressionError]:
    """Refuse what could grow without bound: loops in loops, and maps over maps."""
    loops = [node for node in tree.walk() if node.kind == "comprehension"]
    for loop in loops:
        _, _, _, step, result = loop.children
        for inner in (*step.walk(), *result.walk()):
            if inner.kind == "comprehension":
                message = "a loop inside a loop is refused: its cost has no bound"
                return [_error(source.span(inner), message, "make two conditions of it")]
    maps = [loop for loop in loops if macro_of(loop, source) == "map"]
    if len(maps) > MAPS_MAX:
        message = f"map() may stand at most {MAPS_MAX} times in an expression"
        return [_error(source.span(maps[0]), message, "make two conditions of it")]
    for loop in maps:
        below = (node for node in loop.children[0].walk() if node.kind == "comprehension")
        if any(macro_of(node, source) == "map" for node in below):
            message = "map() over the result of a map() is refused: its cost has no bound"
            return [_error(source.span(loop), message, "write one map() that does both")]
    return []


def macro_of(loop: Node, source: Source) -> str:
    """Return the name of the macro that a comprehension was written with."""
    start, end = source.name_span(loop.pos)
    return source.text[start:end]


def _error(span: tuple[int, int], message: str, hint: str = "") -> ExpressionError:
    return ExpressionError(message, offset=span[0], end=span[1], hint=hint)


def _is_instant(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
