"""Plays the year: lines come in by their doors, time goes on, people react, facts are counted."""

import heapq
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TextIO

from rich.console import Console

from store.listings.facts import each_fact
from store.listings.ledger import verify
from store.stats import health
from workers.demo import summary
from workers.demo.company import Person, found
from workers.demo.doors import Door, open_doors
from workers.demo.generate import SEED, generate
from workers.demo.lines import ENDS_AT, STARTS_AT, Line, Via
from workers.demo.reactions import Reactions
from workers.demo.tally import Tally
from workers.trial import Trial
from workflows.load import load_folder, load_programme

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
YEAR_FILE = Path(__file__).parent / "year.jsonl"

TOGETHER = timedelta(hours=2)
"""Lines that arrive within this span of each other come in as one request or message."""

LOOK = timedelta(hours=3)
"""How often people look at what is new; with something urgent at once."""

URGENT = frozenset(
    {
        "deal.lost",
        "deal.won",
        "lead.stage_changed",
        "nps.answered",
        "referral.submitted",
        "task.closed",
    }
)
"""With these a clock is running: they come in at their own minute, and what waited with them."""

TOGETHER_MAX = 500
WIDTH = 110
"""Columns, where no terminal says how many there are."""

TICK = timedelta(microseconds=1)
"""The clock moves on at least so much between two requests, so that no fact is read twice."""


@dataclass(slots=True)
class Year:
    """The lines still to come, those of people's reactions among them, in order of arrival."""

    _heap: list[tuple[datetime, int, Line]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(self, lines: Iterable[Line]) -> None:
        """Put lines in their place."""
        for line in lines:
            heapq.heappush(self._heap, (line.arrival, next(self._numbers), line))

    def take(self, until: datetime) -> list[Line]:
        """Return the next lines that come in together; none if none arrives before `until`."""
        taken: list[Line] = []
        while self._heap and self._heap[0][0] < until and len(taken) < TOGETHER_MAX:
            if taken and self._heap[0][0] - taken[0].arrival >= TOGETHER:
                break
            taken.append(heapq.heappop(self._heap)[2])
            if _is_urgent(taken[-1]):
                break
        return taken


def _is_urgent(line: Line) -> bool:
    return isinstance(line.event, dict) and line.event["type"] in URGENT


def year_of(seed: int) -> Iterator[Line]:
    """Give the year's lines: from the file that the repository holds, or made by the seed."""
    if seed != SEED:
        yield from generate(seed)
        return
    for text in YEAR_FILE.read_bytes().splitlines():
        yield Line.decode(text)


class Demo:
    """One year of one company on one trial.

    Args:
        trial: The real App on a database of its own, the shipped programme applied.
        doors: The ways in, by the name that lines use.
        people: Who may react.
    """

    def __init__(
        self, trial: Trial, doors: Mapping[Via, Door], seed: int, people: Sequence[Person]
    ) -> None:
        self.tally = Tally()
        self._trial = trial
        self._doors = doors
        self._reactions = Reactions(seed, people)
        self._read_until = trial.clock.now()

    def play(self, lines: Iterable[Line], until: datetime) -> Iterator[datetime]:
        """Play up to `until`; give the instant reached after each request or message."""
        year = Year()
        year.add(lines)
        while together := year.take(until):
            self._go(max(together[-1].arrival, self._trial.clock.now() + TICK))
            self._publish(together)
            self._trial.settle()
            if _is_urgent(together[-1]) or self._trial.clock.now() - self._read_until >= LOOK:
                year.add(self._look())
            yield self._trial.clock.now()
        self._go(until)
        self._look()
        yield until

    def _go(self, until: datetime) -> None:
        """Go to `until` from one due moment to the next.

        `Trial.advance` does that too, and settles before it begins and after it has arrived;
        here all is settled already, and what was published last settles what is due then.
        """
        app, clock = self._trial.app, self._trial.clock
        while (due := app.next_due()) is not None and clock.now() < due < until:
            clock.set(due)
            self._trial.settle()
        clock.set(until)

    def _publish(self, lines: Sequence[Line]) -> None:
        for name, door in self._doors.items():
            mine = [line for line in lines if line.via == name]
            if mine:
                verdicts = door.publish([line.event for line in mine])
                for line, verdict in zip(mine, verdicts, strict=True):
                    self.tally.took(line, verdict)

    def _look(self) -> list[Line]:
        """Count the facts made since the last look, and return what people do about them."""
        since, self._read_until = self._read_until, self._trial.clock.now() + TICK
        with self._trial.store.reader() as conn:
            facts = list(each_fact(conn, since=since, until=self._read_until))
        self.tally.saw(facts)
        return self._reactions.react(facts)


def run_demo(
    seed: int, out: TextIO, folder: Path | None = None, *, until: datetime = ENDS_AT
) -> Tally:
    """Play the shipped programme through a year, show how it goes, and sum it up.

    Args:
        seed: Which year; the default's is a file in the repository.
        out: Where progress and summary are written.
        folder: Where database and mails go; a new temporary one if not given. It is kept.
        until: When to stop, if not at the end of the year.

    Returns:
        What was counted.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="vouch-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(file=out, highlight=False, width=None if out.isatty() else WIDTH)
    _, people = found(seed)
    trial = Trial(folder, STARTS_AT)
    try:
        trial.apply(load_programme(load_folder(LIBRARY)))
        with open_doors(trial) as doors:
            demo = Demo(trial, doors, seed, people)
            summary.opening(console, seed, len(people))
            _show_months(console, demo, demo.play(year_of(seed), until))
        with trial.store.reader() as conn:
            dead = health(conn, now=until).dead
            wrong = len(verify(conn))
        books = summary.Books(until, people, folder, seed, dead=dead, wrong=wrong)
        summary.closing(console, demo.tally, books)
    finally:
        trial.close()
    return demo.tally


def _show_months(console: Console, demo: Demo, instants: Iterator[datetime]) -> None:
    """Write a line a month: the year goes by in less than a minute, and shows that it does."""
    month, before = STARTS_AT, Counter[str]()
    for instant in instants:
        if (instant.year, instant.month) != (month.year, month.month):
            before = summary.month(console, month, demo.tally, before)
            month = instant
