"""Who finds room under limits, in order of when they won, whatever was heard first.

A pure function of wins: nothing here knows whose they are, or how they came to be known. A win
finds room where no window that holds it then holds more than it may. What was lost before it
makes room for it, what was lost after it made none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterable, Sequence
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
    asked = sorted((win for win in wins if not win.given), key=lambda win: win.order)
    behind = [win for win in asked if since is None or win.order >= since]
    given = [win for win in wins if win.given]
    limits = [_Limit(number, behind, given, together) for number in range(len(most))]
    found = {win.name for win in given}
    for win in asked:
        is_known = since is not None and win.order < since
        if win.name in known if is_known else _has_room(win, limits, most):
            found.add(win.name)
            if win.counts:
                for limit in limits:
                    limit.place(win)
    return found


def _has_room(win: Win, limits: Sequence["_Limit"], most: Sequence[int]) -> bool:
    return all(
        win.amount + limit.most(win) <= max_ for limit, max_ in zip(limits, most, strict=True)
    )


class _Limit:
    """What windows of one limit hold, of those that somebody will ask for."""

    def __init__(
        self, number: int, judged: Sequence[Win], given: Sequence[Win], together: Together
    ) -> None:
        stands = [win for win in given if win.until is None]
        spans = [win.spans[number] for win in judged if win.until is None]
        first = min((start for start, _ in spans), default=None)
        last = max((gone for _, gone in spans), default=None)
        self._number = number
        self._judged = _Windows(number, judged, together)
        self._since = _Windows(number, (
            win for win in stands
            if first is not None and last is not None and first < win.spans[number][0] < last
        ), together)  # fmt: skip
        for win in given:
            self.place(win)

    def place(self, win: Win) -> None:
        """Have all windows that hold a win count it."""
        self._judged.place(win)
        self._since.place(win)

    def most(self, win: Win) -> int:
        """Return the most that a window with a win holds besides: its own, or of what came since.

        Its own is as it was then. What was lost takes nobody's room after that.
        """
        own = self._judged.of(win)
        return own if win.until is not None else max(own, self._since.most(win))


class _Windows:
    """Windows of one limit that end with some wins, and what each of them holds.

    Every win is counted once, where it is placed: to sum them up wherever somebody asks takes
    most of a minute where a budget remembers all that it may.
    """

    def __init__(self, number: int, wins: Iterable[Win], together: Together) -> None:
        self._number, self._together = number, together
        self._ends = sorted(wins, key=lambda win: win.spans[number][0])
        self._starts = [win.spans[number][0] for win in self._ends]
        self._rows = {win.name: row for row, win in enumerate(self._ends)}
        self._held = [0] * len(self._ends)

    def place(self, win: Win) -> None:
        """Count a win in the windows that hold it: half open, and as they were then."""
        start, gone = win.spans[self._number]
        if not self._starts or gone <= self._starts[0] or start > self._starts[-1]:
            return
        for row in range(bisect_left(self._starts, start), bisect_left(self._starts, gone)):
            end = self._ends[row]
            was_there = win.until is None or win.until > end.at
            if was_there and _sees(end, win, self._together):
                self._held[row] += win.amount

    def of(self, win: Win) -> int:
        """Return what the window holds that ends with a win."""
        return self._held[self._rows[win.name]]

    def most(self, win: Win) -> int:
        """Return the most that a window holds that ends after a win, and holds it."""
        start, gone = win.spans[self._number]
        rows = range(bisect_right(self._starts, start), bisect_left(self._starts, gone))
        sees = (row for row in rows if _sees(self._ends[row], win, self._together))
        return max((self._held[row] for row in sees), default=0)


def _sees(one: Win, other: Win, together: Together) -> bool:
    """Tell whether another win counts for one: of the same record, or of both since they are one.

    Up to a merge two records were two customers for whoever looked.
    """
    return one.of == other.of or one.at >= together(one.of, other.of)
