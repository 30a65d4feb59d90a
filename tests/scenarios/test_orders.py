"""All twenty scenarios in the orders of arrival that SCENARIOS A.3 allows (`tests/orders.py`).

With every change each of the twenty is played in one early or late order of one of its files; in
a night every file of all, in every early order where they are few, else in a hundred, and in as
many late ones, with orders nobody tried before.
"""

import os
import re
from math import ceil
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.examples import NIGHTLY
from tests.orders import HERE, LIBRARY, Orders, early_differences, late_differences

SEED = os.environ.get("VOUCH_TEST_SEEDS_FROM", "1") if NIGHTLY else "1"
A_STORY = 240
"""Orders of each of the twenty in a night, early and late, shared out among its files."""
A_FILE_MIN = 24
EVENTS_MAX = 8
"""Of more events a file is played by day where no other of its story has an order."""


class Known(NamedTuple):
    """A rule by which the first word heard decides, and where it shows.

    Attributes:
        stories: Files to which it applies.
        what: What may differ.
        why: The rule, as docs/nothing-is-lost.md explains it.
    """

    stories: str
    what: str
    why: str


KNOWN = (
    Known(r"s04a|s04b|s04-down|s04-two-tasks", r"effects\.(messages|tasks)",
          "thanks or a call that an answer asks for are done before an older one is heard"),
    Known(r"s04c|s04d", r"effects\.(messages|tasks)",
          "so it is, and an older revision triggers nothing (S4)"),
    Known(r"s04c|s04d", r"state\.c-\w+\.open_case",
          "an older revision that is a detractor's opens no case; heard first it opens one that "
          "a later high score does not close (S4, open_case_wins)"),
    Known(r"s02-two-(in-a-week|records)", r"effects\.tasks",
          "the task of an alarm is given at once, due from what had been heard: once it is closed "
          "nothing makes it due earlier, and a merge heard later does not make it due later"),
    Known(r"s16-(a-budget|a-limit|limits)", r"effects\.ledger|.*\.(balance|tier)\b.*",
          "what is free, as is all that no hold keeps, stays with who has it"),
    Known(r"s16-(a-call-that-fails|down-to)", r"state\.c-\w+\.balance\b.*",
          "what is handed over stays, and what is chosen late finds what a loss has left"),
    Known(r"s18-(owner-changed|a-new-owner|assigned-in-time)|s19-(nobodys-task|a-task-that)",
          r"effects\.messages",
          "an owner is told of a task that was theirs when the word of a new one came"),
    Known(r"s18-full-hands", r"effects\.tasks",
          "whose hands are full is counted when a task is opened"),
    Known(r"s19-a-task-that", r"effects\.tasks",
          "a task that is done when the merge is heard closes none that is alike"),
    Known(r"s19-what-a-merge", r"effects\.messages",
          "thanks of a run that a merge ends have left where the merge is heard later"),
)  # fmt: skip
"""All that an order of arrival may change, in any of the twenty."""


def _files() -> dict[str, list[tuple[Path, Path]]]:
    """Return every file of the twenty, by story, with the programme it belongs to."""
    places = [(LIBRARY, LIBRARY / "scenarios"), (LIBRARY, HERE / "library")]
    places += [(each, each / "scenarios") for each in sorted((HERE / "programmes").iterdir())]
    found: dict[str, list[tuple[Path, Path]]] = {}
    for folder, below in places:
        for path in sorted(below.rglob("*.yaml")):
            if named := re.match(r"s\d\d", path.stem):
                found.setdefault(named[0], []).append((folder, path))
    return found


FILES = _files()


def test_there_are_orders_of_all_twenty() -> None:
    """Every one of the twenty scenarios has files to be played."""
    assert sorted(FILES) == [f"s{number:02}" for number in range(1, 21)]


def in_another_order(story: str) -> None:
    """State, balances and, where nothing is late, effects are the same in another order."""
    draw = Random(f"{SEED}/{story}")
    some = [Orders(*each) for each in draw.sample(FILES[story], len(FILES[story]))]
    early = int(story[1:]) % 2
    for orders in sorted(some, key=lambda each: len(each.events) > EVENTS_MAX):
        if played(orders, draw, early=early, late=1 - early):
            return
    assert all(len(orders.events) <= 1 for orders in some)


def in_many_orders(story: str, folder: Path, path: Path) -> None:
    """The same, of every file in every early order or many, and in many late ones."""
    wanted = max(A_FILE_MIN, ceil(A_STORY / 2 / len(FILES[story])))
    played(Orders(folder, path), Random(f"{SEED}/{path.stem}"), early=wanted, late=wanted)


if NIGHTLY:
    test_a_story_ends_alike_in_many_orders = pytest.mark.parametrize(
        ("story", "folder", "path"),
        [(story, *each) for story, files in sorted(FILES.items()) for each in files],
        ids=lambda value: value.stem if isinstance(value, Path) else value,
    )(in_many_orders)
else:
    test_a_story_ends_alike_in_another_order = pytest.mark.parametrize("story", sorted(FILES))(
        in_another_order
    )


def played(orders: Orders, draw: Random, *, early: int, late: int) -> int:
    """Play so many orders and return how many of them can be."""
    count = 0
    for order, plain in orders.early(early, draw) if early else ():
        found = early_differences(orders, order, plain)
        count += found is not None
        assert not _unknown(orders, found or []), order
    for order in orders.late(late, draw) if late else ():
        found = late_differences(orders, order)
        count += found is not None
        assert not _unknown(orders, found or []), order
    return count


def _unknown(orders: Orders, found: list[str]) -> list[str]:
    """Return the differences that no rule explains."""
    stem = Path(orders.story.file).stem
    rules = [each for each in KNOWN if re.match(each.stories, stem)]
    return [
        difference
        for difference in found
        if not any(re.match(rule.what, difference.partition(": ")[0]) for rule in rules)
    ]
