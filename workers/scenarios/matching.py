"""Whether a row that came out is one that was expected, and which belongs to which."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from workers.scenarios.local import is_instant, to_local, to_utc
from workers.scenarios.observe import Row

Fits = Callable[[int, int], bool]
"""Whether expected row i fits actual row j."""

DATA = "data."
"""What stands before a field of an event's data; what a task requires is named without it."""
_EMPTY: tuple[object, ...] = (None, "", 0, False, [], {})


def same(expected: Any, actual: Any, zone: ZoneInfo) -> bool:  # noqa: ANN401 - whatever YAML holds
    """Tell whether a value is as expected.

    Mappings match on the fields given, `null` asserts absence, a zero is also what has no
    value; lists of plain values match in any order.

    >>> from zoneinfo import ZoneInfo
    >>> same({"score": 9}, {"score": 9, "band": "promoter"}, ZoneInfo("UTC"))
    True
    >>> same(None, "", ZoneInfo("UTC")), same(False, None, ZoneInfo("UTC"))
    (True, True)
    """
    if expected is None:
        return actual is None or actual in ("", [], {})
    if isinstance(expected, Mapping):
        found = actual if isinstance(actual, Mapping) else {}
        return all(same(value, found.get(name), zone) for name, value in expected.items())
    if isinstance(expected, list):
        return _same_list(expected, actual or [], zone)
    if isinstance(actual, datetime) or (is_instant(expected) and is_instant(actual)):
        return is_instant(expected) and to_utc(expected, zone) == _utc(actual, zone)
    return _same_plain(expected, actual)


def _same_plain(expected: object, actual: object) -> bool:
    """Compare texts, numbers and truths; a number may stand where a text is meant."""
    if expected in _EMPTY and actual is None:
        return True
    if isinstance(actual, str) and isinstance(expected, int) and not isinstance(expected, bool):
        return str(expected) == actual
    return type(expected) is type(actual) and bool(expected == actual)


def _same_list(expected: Sequence[Any], actual: Sequence[Any], zone: ZoneInfo) -> bool:
    if not isinstance(actual, (list, tuple)) or len(expected) != len(actual):
        return False
    pairs = assign(len(expected), len(actual), lambda i, j: same(expected[i], actual[j], zone))
    return len(pairs) == len(expected)


def _utc(value: datetime | str, zone: ZoneInfo) -> datetime:
    return to_utc(value, zone) if isinstance(value, str) else value


def row_fits(expected: Mapping[str, Any], row: Row, zone: ZoneInfo) -> bool:
    """Tell whether a row is as expected in every field given."""
    return all(_field_fits(name, value, row, zone) for name, value in expected.items())


def _field_fits(name: str, value: Any, row: Row, zone: ZoneInfo) -> bool:  # noqa: ANN401
    """Tell whether one field is as expected; that of a reject with `data.` before it or not."""
    actual = row.values.get(name)
    if name == "field" and isinstance(value, str) and isinstance(actual, str):
        return value.removeprefix(DATA) == actual.removeprefix(DATA)
    return same(value, actual, zone)


def assign(left: int, right: int, fits: Fits) -> dict[int, int]:
    """Return as many pairs as can be made, each row in one at most: augmenting paths."""
    taken: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in range(right):
            if j in tried or not fits(i, j):
                continue
            tried.add(j)
            if j not in taken or place(taken[j], tried):
                taken[j] = i
                return True
        return False

    for i in range(left):
        place(i, set())
    return {i: j for j, i in taken.items()}


def in_order(expected: Sequence[Mapping[str, Any]], rows: Sequence[Row], zone: ZoneInfo) -> bool:
    """Tell whether the rows are those expected, in order of their first instant.

    Within one instant any order will do. Where a row's first instant can be read in more
    ways than one, one way for all rows is enough.
    """
    if len(expected) != len(rows):
        return False
    ways = max((len(row.firsts) for row in rows), default=1)
    return any(_in_order(expected, rows, zone, way) for way in range(ways))


def _in_order(
    expected: Sequence[Mapping[str, Any]], rows: Sequence[Row], zone: ZoneInfo, way: int
) -> bool:
    def first(row: Row) -> datetime:
        return row.firsts[min(way, len(row.firsts) - 1)]

    start = 0
    for _, group in groupby(sorted(rows, key=first), key=first):
        block = list(group)
        wanted = expected[start : start + len(block)]
        start += len(block)
        fits = _fits(wanted, block, zone)
        if len(assign(len(wanted), len(block), fits)) < len(block):
            return False
    return True


def _fits(expected: Sequence[Mapping[str, Any]], rows: Sequence[Row], zone: ZoneInfo) -> Fits:
    table = [[row_fits(each, row, zone) for row in rows] for each in expected]
    return lambda i, j: table[i][j]


def pair_up(
    expected: Sequence[Mapping[str, Any]], rows: Sequence[Row], zone: ZoneInfo
) -> list[tuple[int | None, int | None]]:
    """Return what differs: an expected row beside the row most like it, or one of them alone.

    Rows that fit are left out.
    """
    pairs = assign(len(expected), len(rows), _fits(expected, rows, zone))
    lonely = [i for i in range(len(expected)) if i not in pairs]
    free = sorted(set(range(len(rows))) - set(pairs.values()))
    alike = sorted(
        ((_likeness(expected[i], rows[j], zone), -i, -j) for i in lonely for j in free),
        reverse=True,
    )
    found: dict[int, int] = {}
    for likeness, i, j in alike:
        if likeness > 0 and -i not in found and -j not in found.values():
            found[-i] = -j
    left = [j for j in free if j not in found.values()]
    return [*((i, found.get(i)) for i in lonely), *((None, j) for j in left)]


ALIKE_MIN = 4
"""Fields that a row of another name must have for its likeness to say something."""
_NAMES = ("template", "task", "timer", "workflow", "kind", "type", "lead", "moment", "target")


def _likeness(expected: Mapping[str, Any], row: Row, zone: ZoneInfo) -> int:
    """Return how many fields fit; a row of another name is alike if all else fits."""
    fits = {name: _field_fits(name, value, row, zone) for name, value in expected.items()}
    if any(name in fits and not fits[name] for name in _NAMES):
        only_that = sum(fits.values()) == len(fits) - 1 and len(fits) >= ALIKE_MIN
        return len(fits) - 1 if only_that else 0
    return sum(fits.values())


def shown(row: Row, zone: ZoneInfo, *, fields: Sequence[str]) -> dict[str, Any]:
    """Return a row as a scenario would write it: the fields given, and all that has a value."""
    names = [*fields, *(name for name in row.values if name not in fields)]
    return {
        name: local(row.values.get(name), zone)
        for name in names
        if name in fields or row.values.get(name) not in _EMPTY
    }


def local(value: Any, zone: ZoneInfo) -> Any:  # noqa: ANN401 - whatever a row holds
    """Return a value with its instants as the programme's wall clock shows them."""
    if isinstance(value, datetime):
        return to_local(value, zone)
    if isinstance(value, str) and value.endswith("Z") and is_instant(value):
        return to_local(to_utc(value, zone), zone)
    if isinstance(value, Mapping):
        return {name: local(each, zone) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [local(each, zone) for each in value]
    return value
