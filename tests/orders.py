"""The orders in which a story's events may arrive (SCENARIOS A.3), and what must come out.

An order is **early** when nothing falls due between the events that change places: they arrive
together, each with its own time, before any timer that they affect. Then state, balances and
effects are the same. Any other order is **late**: events come minutes or weeks after they
happened, some after what they would have stopped. Then state and balances are the same, what
was sent stays sent, and nobody is sent anything twice.

What answers something of ours (a task, an ask, an offered stage, a reward that is there) comes
after what it answers: nobody closes a task that does not exist yet. Everything else may come
whenever it likes after it happened.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import permutations, product
from math import factorial, prod
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.orders_arriving import Arriving, NotYetError, is_answer
from tests.orders_outcome import Outcome, differences, outcome
from workers.programmes import Applied
from workers.scenarios.form import Happening
from workers.scenarios.local import to_utc
from workers.scenarios.reading import Story, read_story
from workers.scenarios.seed import plant
from workers.scenarios.seen import Seen, look
from workers.scenarios.suite import find_documents
from workers.trial import Trial
from workflows.durations import add_span, parse_span
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.state import iso

HERE = Path(__file__).parent / "scenarios"
LIBRARY = HERE.parents[1] / "workflows" / "library"
DELAYS = (
    timedelta(), timedelta(), timedelta(minutes=1), timedelta(minutes=7), timedelta(hours=1),
    timedelta(hours=5), timedelta(days=1), timedelta(days=3), timedelta(days=9),
    timedelta(days=30),
)  # fmt: skip
"""How much later than it happened an event may arrive."""
SETTLED = timedelta(days=62)
"""How long after its end a late story goes on: levels are lowered once a month."""
TRIES_MAX = 20
"""How many orders are drawn for each that is wanted: in some, news comes when it is given up."""


class Placed(NamedTuple):
    """An event of the story, when it arrives, and its place among all."""

    at: datetime
    place: int


Order = tuple[Placed, ...]


class Orders:
    """A story, its orders, and what it comes to as it is written."""

    def __init__(self, folder: Path, file: Path) -> None:
        loaded = _loaded(folder)
        (document,) = find_documents(loaded, folder, [file])
        story, findings = read_story(document, loaded)
        assert story, findings
        self.story: Story = story
        self._compiled: Applied | None = None
        said = sorted(story.scenario.events, key=lambda each: self.utc(each.at))
        self.events = [self._named(number, each) for number, each in enumerate(said)]
        self.times = [self.utc(each.time or each.at) for each in self.events]
        self.arrivals = [self.utc(each.at) for each in self.events]
        scenario = story.scenario
        self.end = max([self.utc(scenario.until or scenario.at), *self.arrivals])
        self.late_end = self.end + SETTLED
        self.as_written = tuple(Placed(at, place) for place, at in enumerate(self.arrivals))
        self._played: dict[tuple[Order, datetime], Outcome | None] = {}
        self._ready: dict[str, bool | str] = {}

    @cached_property
    def groups(self) -> list[list[int]]:
        """The events between which nothing fell due, as the story is written."""
        return list(self._groups(self.written(self.end)))

    def written(self, end: datetime) -> Outcome:
        """Return what the story comes to until `end` as it is written."""
        found = self.play(self.as_written, end)
        assert found is not None
        return found

    def utc(self, written: str) -> datetime:
        """Return the instant that the story writes."""
        return to_utc(written, self.story.zone)

    def _named(self, number: int, entry: Happening) -> Happening:
        """Give an event an id of its own, whenever it arrives."""
        if entry.is_webhook:
            return entry
        given = {"id": entry.id or f"e-{number}", "time": entry.time or entry.at}
        return entry.model_copy(update=given)

    # -- orders ---------------------------------------------------------------------------------

    def _groups(self, written: Outcome) -> Iterator[list[int]]:
        group: list[int] = []
        due = self._due(written)
        for place, at in enumerate(self.arrivals):
            if group and any(self.arrivals[group[-1]] <= each < at for each in due):
                yield group
                group = []
            group.append(place)
        yield group

    def _due(self, written: Outcome) -> list[datetime]:
        arrivals = set(self.arrivals)
        return [
            fact["at"]
            for fact in written.seen.facts
            if fact["at"] not in arrivals or fact["fact"] in ("timer.fired", "task.overdue")
        ]

    def early(self, wanted: int, draw: Random) -> Iterator[tuple[Order, Order]]:
        """Give orders in which nothing is late, each with the same instants in order of time."""
        every = prod(factorial(len(group)) for group in self.groups)
        if every <= 1:
            return
        plain = self._together([sorted(each, key=self._when) for each in self.groups])
        if every <= wanted:
            for found in product(*(permutations(group) for group in self.groups)):
                yield self._together(found), plain
            return
        for _ in range(wanted):
            yield self._together([draw.sample(each, len(each)) for each in self.groups]), plain

    def _when(self, place: int) -> tuple[datetime, int]:
        return self.times[place], place

    def _together(self, groups: Sequence[Sequence[int]]) -> Order:
        """Return an order in which each group arrives at one instant, its last one's."""
        return tuple(
            Placed(max(self.arrivals[each] for each in group), place)
            for group in groups
            for place in group
        )

    def late(self, wanted: int, draw: Random) -> Iterator[Order]:
        """Give orders in which events come as late as they like."""
        if len(self.events) <= 1:
            return
        self.written(self.late_end)
        if not self.is_kept(self.as_written):
            return
        given = 0
        for _ in range(wanted * TRIES_MAX):
            found: list[Placed] = []
            before = self.times[0]
            for place, entry in enumerate(self.events):
                at = self.arrivals[place]
                if not entry.is_webhook:
                    at = max(self.times[place] + draw.choice(DELAYS), self._earliest(place))
                if is_answer(entry):
                    at = max(at, before)
                before = max(before, at)
                found.append(Placed(at, place))
            order = tuple(sorted(found, key=lambda each: self._rank(each, draw)))
            if self.is_kept(order):
                yield order
                given += 1
            if given == wanted:
                return

    def is_kept(self, order: Order) -> bool:
        """Tell whether no news of a lead is given up before somebody says who that is."""
        assert self._compiled
        programme = self._compiled.programme
        span = parse_span(programme.policies.referrals.park)
        same = self._merged()
        known: dict[str, datetime] = {}
        merges = [at for at, place in order if self.events[place].type == "contact.merged"]
        for at, place in reversed(order):
            for lead in self._names(place):
                known[same.get(lead, lead)] = max([at, *merges]) if lead in same else at
                known[f"itself/{lead}"] = at
        freezes = self._freezes()
        for at, place in order:
            if any(self.arrivals[place] <= freeze < at for freeze in freezes):
                return False
            lead = str(self.events[place].data.get("lead", ""))
            until = add_span(at, span, zone=programme.zone, office=programme.office)
            there = known.get(f"itself/{lead}", known.get(same.get(lead, lead), at))
            if there >= until:
                return False
        return True

    def _lowest(self) -> str:
        """Return the level that everybody has to begin with."""
        tiers = self.story.loaded.policies.tiers
        return (
            next((name for name, needs in tiers.levels.items() if needs == 0), "") if tiers else ""
        )

    def _freezes(self) -> list[datetime]:
        contests = self.story.loaded.policies.contests.values()
        return [self.utc(each.freeze) for each in contests]

    def _names(self, place: int) -> list[str]:
        """Return whom an event makes known as a lead."""
        entry, lead = self.events[place], self.events[place].data.get("lead")
        if isinstance(lead, dict):
            return [str(lead.get("id", ""))]
        return [str(lead)] if entry.type == "lead.created" else []

    def _merged(self) -> dict[str, str]:
        """Return one name for each of the records that a merge makes one."""
        same: dict[str, str] = {}
        for entry in self.events:
            if entry.type == "contact.merged":
                one, other = (
                    same.get(name, name) for name in (entry.contact, str(entry.data["into"]))
                )
                same = {name: other if of == one else of for name, of in same.items()}
                same |= {one: other, other: other, entry.contact: other}
        return same

    def _rank(self, placed: Placed, draw: Random) -> tuple[datetime, float]:
        """Return what puts an order in order; of one instant answers come last."""
        answers = is_answer(self.events[placed.place])
        return placed.at, 1 + placed.place if answers else draw.random()

    def _earliest(self, place: int) -> datetime:
        return max(self.times[place], self.utc(self.story.scenario.at))

    # -- playing --------------------------------------------------------------------------------

    def play(self, order: Order, end: datetime) -> Outcome | None:
        """Return what an order comes to until `end`; None where it cannot be.

        What is there when an answer comes is learned from the story as it is written.
        """
        if not self._ready and order != self.as_written:
            self.written(end)
        if (order, end) not in self._played:
            learns = order == self.as_written
            self._played[order, end] = self._play(order, end, learns=learns)
        return self._played[order, end]

    def _play(self, order: Order, end: datetime, *, learns: bool) -> Outcome | None:
        events = tuple(self.events[place].model_copy(update={"at": iso(at)}) for at, place in order)
        given = {"events": events, "until": iso(end), "expect": {}}
        scenario = self.story.scenario.model_copy(update=given)
        story = Story(
            self.story.file, scenario, self.story.loaded, self.story.zone, self.story.document
        )
        with TemporaryDirectory(prefix="vouch-order-") as folder:
            trial = Trial(
                Path(folder), self.utc(scenario.at), outside=scenario.script,
                draws=scenario.draws, keeps=False,
            )  # fmt: skip
            try:
                self._compiled = trial.apply(story.loaded, compiled=self._compiled)
                plant(trial.store, story, self._compiled.programme)
                player = Arriving(story, trial, "as_written", ready=self._ready, learns=learns)
                player.play()
                return outcome(look(trial.store), self._lowest())
            except NotYetError:
                return None
            finally:
                trial.close()


@cache
def _loaded(folder: Path) -> Loaded:
    return load_programme(load_folder(folder))


def early_differences(orders: Orders, order: Order, plain: Order) -> list[str] | None:
    """Return what an early order makes otherwise; None where it cannot be."""
    other, same = orders.play(order, orders.end), orders.play(plain, orders.end)
    if other is None or same is None:
        return None
    return differences(
        {"state": same.state, "effects": same.effects},
        {"state": other.state, "effects": other.effects},
    )


def late_differences(orders: Orders, order: Order) -> list[str] | None:
    """Return what a late order makes otherwise in the end; None where it cannot be."""
    other = orders.play(order, orders.late_end)
    if other is None:
        return None
    same = orders.written(orders.late_end)
    found = differences({"state": _settled(same.state)}, {"state": _settled(other.state)})
    twice = [key for key, times in _keys(other.seen).items() if times > 1]
    return [*found, *(f"effects.twice: {key}" for key in sorted(twice))]


ASKED = frozenset({"cooling_until", "held_until"})
"""Fields that count from when somebody was asked or called: late news has us ask later."""


def _settled(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        who: {name: value for name, value in told.items() if name not in ASKED}
        for who, told in state.items()
    }


def _keys(seen: Seen) -> Counter[str]:
    """Return how often each message was sent."""
    return Counter(str(fact["key"]) for fact in seen.of("message.sent"))
