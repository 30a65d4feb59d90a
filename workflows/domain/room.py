"""Who finds room under limits, in order of when they won, whatever was heard first.

A pure function of wins: nothing here knows whose they are, or how they came to be known. A win
finds room where no window that holds it then holds more than it may. What was lost before it
makes room for it, what was lost after it made none.
"""

from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

Together = Callable[[str, str], datetime]
"""Since when two records are one person; '' is the one that remains."""
Order = tuple[datetime, str, str]
"""What puts wins in order: when, what for, whose. Nothing of it depends on what came first."""


class Win(NamedTuple):
    """What somebody won, and how long it counts.

    Attributes:
        name: What it is called among the others.
        order: Its place among them.
        spans: Of each limit, from when on and until when windows that end then hold it.
        given: Nobody takes it away any more: it has its room.
        until: When it was lost; None where it stands.
        counts: It takes room; False where it was refused elsewhere.
        of: The record that won it, where several are one person now; '' is the one that remains.
    """

    name: str
    order: Order
    amount: int
    spans: tuple[tuple[datetime, datetime], ...]
    given: bool = False
    until: datetime | None = None
    counts: bool = True
    of: str = ""

    @property
    def at(self) -> datetime:
        """When it was won."""
        return self.order[0]


def _always(_one: str, _other: str) -> datetime:
    return datetime.min.replace(tzinfo=UTC)


def fitting(
    wins: Sequence[Win],
    most: Sequence[int],
    *,
    together: Together = _always,
    since: Order | None = None,
    known: Container[str] = (),
) -> set[str]:
    """Return the names of wins that have room; `most` is what a window of each limit may hold.

    Wins before `since` are not judged again: those of `known` have room, the others have none.
    """
    placed = [win for win in wins if win.given]
    found = {win.name for win in placed}
    for win in sorted((win for win in wins if not win.given), key=lambda win: win.order):
        is_known = since is not None and win.order < since
        if win.name in known if is_known else _has_room(win, placed, most, together):
            found.add(win.name)
            if win.counts:
                placed.append(win)
    return found


def _has_room(win: Win, placed: Sequence[Win], most: Sequence[int], together: Together) -> bool:
    for number, max_ in enumerate(most):
        after = _most_after(win, placed, number, together)
        if win.amount + max(_held(win, placed, number, together), after) > max_:
            return False
    return True


def _held(win: Win, placed: Sequence[Win], number: int, together: Together) -> int:
    """Return what the window that ends with a win holds besides, as it was then."""
    end = win.spans[number][0]
    return sum(
        each.amount
        for each in placed
        if each.spans[number][0] <= end < each.spans[number][1]
        and (each.until is None or each.until > win.at)
        and _sees(win, each, together)
    )


def _most_after(win: Win, placed: Sequence[Win], number: int, together: Together) -> int:
    """Return the most that a window holds besides that ends with what was given since."""
    if win.until is not None:
        return 0  # it takes nobody's room
    start, gone = win.spans[number]
    ends = {
        (each.spans[number][0], each.of): each
        for each in placed
        if each.given and each.until is None
        and start < each.spans[number][0] < gone and _sees(each, win, together)
    }  # fmt: skip
    return max((_held(end, placed, number, together) for end in ends.values()), default=0)


def _sees(one: Win, other: Win, together: Together) -> bool:
    """Tell whether another win counts for one: of the same record, or of both since they are one.

    Up to a merge two records were two customers for whoever looked.
    """
    return one.of == other.of or one.at >= together(one.of, other.of)
