"""Keys that are right and stand in the wrong place: beside what they belong in, or too far in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from events.errors import NEAR, did_you_mean
from workflows.check.other_words import instead, other_word

Loc: TypeAlias = tuple[str | int, ...]
Keys: TypeAlias = Callable[[Loc], list[str]]
"""The keys that are known in the mapping at a place."""

_ALMOST = 0.8
"""So close is a key misspelt, whatever else bears its name."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A key that is known a level further in or out.

    Attributes:
        to: The mapping it belongs in.
        message: What is wrong.
        help: Where it belongs.
    """

    to: Loc
    message: str
    help: str


def misplaced(data: Any, loc: Loc, keys: Keys) -> Misplaced | None:  # noqa: ANN401
    """Return where the unknown key at `loc` belongs; None where its name is known nowhere near.

    Args:
        data: what the file holds.
        loc: of the key.
        keys: gives the keys that are known at a place.
    """
    *inside, last = loc
    parent, name = tuple(inside), str(last)
    if get_close_matches(name, keys(parent), n=1, cutoff=_ALMOST):
        return None
    beside = part_of(data, parent)
    for key, value in beside.items() if isinstance(beside, dict) else ():
        within = (*parent, key)
        if (value is None or isinstance(value, dict)) and name in _inner(keys, parent, within):
            message = f'"{name}" stands beside {key} and belongs in it'
            return Misplaced(within, message, f"indent it further than {key}:")
    around = parent[:-1]
    if parent and isinstance(parent[-1], str) and name in keys(around):
        message = f'"{name}" stands in {parent[-1]} and belongs beside it'
        return Misplaced(around, message, f"indent it as far as {parent[-1]}:")
    return None


def _inner(keys: Keys, parent: Loc, within: Loc) -> list[str]:
    """Return the keys of a mapping, none where nothing but its parent's could be found."""
    found = keys(within)
    return [] if found == keys(parent) else found


def moved(data: Any, loc: Loc, to: Loc) -> None:  # noqa: ANN401
    """Move the key at `loc` to the mapping at `to`, if nothing of its name is there."""
    *inside, last = loc
    beside = part_of(data, tuple(inside))
    value = beside.pop(str(last), None)
    target = part_of(data, to)
    if target is None and isinstance(around := part_of(data, to[:-1]), dict):
        target = around[str(to[-1])] = {}
    if isinstance(target, dict):
        target.setdefault(str(last), value)


def part_of(data: Any, loc: Loc) -> Any:  # noqa: ANN401
    """Return what stands at a place of plain data, None where nothing does."""
    here = data
    for part in loc:
        if isinstance(here, dict):
            here = here.get(str(part))
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


def meant(name: str, known: Iterable[str], elsewhere: Mapping[str, list[str]]) -> str:
    """Return the key that is meant by a misspelt one, '' where none is near enough to say so.

    Args:
        name: the key.
        known: the keys that can stand there and do not.
        elsewhere: by key, what it is a key of.
    """
    known = list(known)
    close = get_close_matches(name, known, n=1, cutoff=_ALMOST)
    if not close and (other := other_word(name, known)):
        return other
    cutoff = _ALMOST if name in elsewhere else NEAR
    return next(iter(get_close_matches(name, known, n=1, cutoff=cutoff)), "")


def key_help(name: str, known: list[str], elsewhere: Mapping[str, list[str]]) -> str:
    """Return what to do about an unknown key: the nearest, or whose key it is.

    Args:
        name: the key.
        known: the keys that can stand there.
        elsewhere: by key, what it is a key of.
    """
    if not get_close_matches(name, known, n=1, cutoff=_ALMOST):
        if said := instead(name, known):
            return said
        if other := other_word(name, known):
            return f'did you mean "{other}"?'
    if name in elsewhere and not get_close_matches(name, known, n=1, cutoff=_ALMOST):
        return f"it is a key of {' and of '.join(elsewhere[name][:2])}"
    return did_you_mean(name, known)
