"""What differs between two programmes, part by part: as stored, so that only meaning counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Bundle = Mapping[str, Any]
How: TypeAlias = Literal["added", "changed", "removed"]

PARTS: Mapping[str, str] = {
    "policies": "policy",
    "workflows": "workflow",
    "templates": "template",
    "sources": "source",
    "event_types": "event type",
}
"""The parts of a bundle, and what one entry of each is called."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that is not the same in both.

    Attributes:
        part: What it is: `workflow`, `policy` (a section of programme.yaml), `template` ...
        name: Its name; a template's is its path.
        how: Whether it was added, changed or removed.
        before: What it was; None where it was not.
        after: What it is; None where it is not.
    """

    part: str
    name: str
    how: How
    before: Any
    after: Any


def differences(before: Bundle | None, after: Bundle) -> list[Difference]:
    """Return all that differs, workflows first, each part by name; all is new to None."""
    order = ("workflows", *(part for part in PARTS if part != "workflows"))
    return [each for part in order for each in _of(part, (before or {}).get(part, {}), after[part])]


def _of(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        how: How = "added" if name not in old else "removed" if name not in new else "changed"
        yield Difference(PARTS[part], name, how, old.get(name), new.get(name))


def counted(found: list[Difference]) -> str:
    """Return differences in a few words.

    >>> counted([Difference("workflow", "a", "added", None, {}),
    ...          Difference("template", "t", "changed", "", "x")])
    '1 workflow added, 1 template changed'
    >>> counted([])
    'nothing differs'
    """
    numbers: dict[tuple[str, str], int] = {}
    for each in found:
        numbers[each.part, each.how] = numbers.get((each.part, each.how), 0) + 1
    words = [
        f"{number} {part if number == 1 else _many(part)} {how}"
        for (part, how), number in numbers.items()
    ]
    return ", ".join(words) or "nothing differs"


def _many(part: str) -> str:
    return "policies" if part == "policy" else f"{part}s"
