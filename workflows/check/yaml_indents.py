"""Which line stands a space too far out or in, where YAML only says that something does not fit.

The parser notices on the line after, or reads a line on as text of the one before; whose fault
it is, the lines around tell: those of one mapping stand below each other.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(r"(?P<indent> *)(?P<dash>(?:- +)*)(?P<key>[\w.\"'-]+)(?=:(?:\s|$))")
_KEYLESS = re.compile(r"(?P<indent> *)(?P<dash>- +)(?P<key>\S+)")
_FOLLOW = (
    "mapping values are not allowed",
    "did not find expected key",
    "did not find expected '-'",
)


class Line(NamedTuple):
    """A line that begins with a key, or an item.

    Attributes:
        start: Index of its first character that is no space.
        end: Index after its first key.
        indent: How many spaces stand before it.
        column: How many characters stand before its key, a dash among them.
        item: Whether it begins with a dash.
    """

    start: int
    end: int
    indent: int
    column: int
    item: bool


class Indent(NamedTuple):
    """A line that is not where it belongs, and where that may be, the likeliest first."""

    start: int
    end: int
    is_: int
    should: tuple[int, ...]


def misindented(text: str, problem: int, said: str) -> Indent | None:
    """Return the line whose indentation made YAML stop at `problem`; None if it was not that.

    Args:
        text: the file.
        problem: index at which the parser gave up.
        said: the parser's own words.
    """
    lines = list(_lines(text))
    if lines and lines[0].indent and said.endswith("<document start>"):
        return _wrong(lines[0], 0)
    here = next((n for n in reversed(range(len(lines))) if lines[n].start <= problem), None)
    if here is None or not here or not said.startswith(_FOLLOW):
        return None
    if lines[here].item:
        return _item(lines, here)
    if lines[here].column > lines[here - 1].column:
        return _further_in(lines, here)
    return _further_out(lines, here)


_STEP = 2
"""How much further in what belongs to a line stands, if nothing else is known."""
_SLIP = 2
"""So many spaces are a slip: more are another place."""


def _is_first_of_its(lines: list[Line], here: int) -> bool:
    """Return whether a line is the first one that far in, behind what it belongs to."""
    return here == 0 or lines[here - 1].column < lines[here].column


def _slipped(before: Line, line: Line, after: list[Line], outside: int) -> bool:
    """Return whether the first of two that belong together is the one out of line."""
    if before.column - line.column > _SLIP:
        return False
    nearest = after[0].column if after else -1
    if line.column == outside + _STEP != before.column:
        return True
    return nearest == line.column or (before.column % 2 == 1 and line.column % 2 == 0)


def _further_in(lines: list[Line], here: int) -> Indent | None:
    """Return which of two lines slipped where the second is read on as text of the first."""
    line, before = lines[here], lines[here - 1]
    if before.column == 0:
        return _wrong(line, line.indent - line.column)
    above = _siblings(reversed(lines[: here - 1]), before.column)
    below = _siblings(iter(lines[here + 1 :]), before.column - 1)
    follows = (other.column for other in lines[here + 1 :] if other.column <= line.column)
    told = line.column in above or next(follows, -1) == line.column
    odd = before.column % 2 == 1 and line.column % 2 == 0 and before.column not in below
    if told or odd:
        return _wrong(before, before.indent + line.column - before.column)
    return _wrong(line, line.indent + before.column - line.column)


def _further_out(lines: list[Line], here: int) -> Indent | None:
    """Return which line slipped where one fits none of the mappings that are still open."""
    line, before = lines[here], lines[here - 1]
    columns = sorted({other.column for other in _open(lines, here)}, reverse=True)
    if line.column in columns:
        return None
    if _is_first_of_its(lines, here - 1) and _slipped(
        before, line, lines[here + 1 :], lines[here - 2].column if here > 1 else 0
    ):
        return _wrong(before, before.indent + line.column - before.column)
    item = _item_beside(lines, here)
    if item is not None:
        return item
    near = sorted(columns, key=lambda column: abs(column - line.column))
    near = [column for column in near if abs(column - line.column) <= _SLIP]
    least = [column for column in near if abs(column - line.column) == abs(near[0] - line.column)]
    return _wrong(line, *(line.indent + column - line.column for column in least))


def _item_beside(lines: list[Line], here: int) -> Indent | None:
    """Return the first item of a list that slipped, if a line stands where its keys would."""
    line = lines[here]
    open_ = _open(lines, here)
    for place, item in enumerate(open_[1:], 1):
        right = open_[place - 1].column + _STEP
        if item.item and item.indent != right and right + _STEP == line.column:
            return _wrong(item, right)
    return None


def _item(lines: list[Line], here: int) -> Indent | None:
    """Return which item slipped where one fits none of the lists that are still open."""
    line = lines[here]
    items = [other for other in _open(lines, here) if other.item]
    if not items or any(other.indent == line.indent for other in items):
        return None
    nearest = min(items, key=lambda other: abs(other.indent - line.indent))
    place = lines.index(nearest)
    outside = lines[place - 1].column if place else 0
    if line.indent == outside + _STEP and abs(nearest.indent - line.indent) <= _SLIP:
        return _wrong(nearest, line.indent)
    return _wrong(line, nearest.indent)


def _siblings(lines: Iterator[Line], outside: int) -> set[int]:
    """Return the columns of lines up to the first that stands outside."""
    found: set[int] = set()
    for line in lines:
        if line.column <= outside:
            break
        found.add(line.column)
    return found


def _open(lines: list[Line], here: int) -> list[Line]:
    """Return the lines before that a line may be beside: the mappings and lists still open."""
    found: list[Line] = []
    least = 1_000_000
    for line in reversed(lines[:here]):
        if line.indent < least or line.column < least:
            found.append(line)
            least = min(least, line.indent)
    return list(reversed(found))


def _wrong(line: Line, *should: int) -> Indent | None:
    places = tuple(column for column in should if column >= 0 and column != line.indent)
    return Indent(line.start, line.end, line.indent, places) if places else None


def _lines(text: str) -> Iterator[Line]:
    at = 0
    for raw in text.splitlines(keepends=True):
        found = _LINE.match(raw) or _KEYLESS.match(raw)
        if found:
            indent = len(found["indent"])
            yield Line(
                at + indent, at + found.end(), indent, found.start("key"), bool(found["dash"])
            )
        at += len(raw)
