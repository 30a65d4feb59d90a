"""The earliest word closes an ask, whatever is heard first."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations, permutations
from random import Random
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.office import HEAD
from tests.replay import Replay
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.state import Ask, Doc, State, iso
from workflows.steps import ask_history

START = datetime(2027, 1, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PROGRAMME = f"""\
{HEAD}
rewards: {{currency: {{code: star}}, hold: 0d}}
asks:
  ladder: [{{kind: quote, done_by: quote.given}}, {{kind: referral, done_by: review.posted}}]
  cooldown: {{declined: 60d, answered: 90d, silent: 45d}}
  snooze: 3mo
"""
ASKS = """\
workflow: asks
trigger: {event: problem.solved}
exit:
  - {event: story.given, as: left}
steps:
  - ask: {kind: referral, template: question, within: 10d}
    id: q
    then:
      answered:
        - credit: {amount: 1, object: "'yes'"}
        - send: {template: kit, class: plain}
          if: steps.q.event.type == 'ask.answered'
      declined:
        - send: {template: fine, class: plain}
      withdrawn:
        - send: {template: gone, class: plain}
"""
LATER = """\
  - wait: LATER
  - credit: {amount: 10, object: "'later'"}
"""
Word = tuple[str, Doc]
WORDS: dict[str, Word] = {
    "gladly": ("ask.answered", {"answer": "gladly"}),
    "no": ("ask.answered", {"answer": "not_now"}),
    "never": ("ask.answered", {"answer": "never"}),
    "done": ("review.posted", {"url": "https://r.example"}),
    "exit": ("story.given", {}),
    "detractor": ("nps.answered", {"response": "r-1", "score": 2}),
    "unsubscribed": ("contact.unsubscribed", {}),
    "other": ("quote.given", {}),
}


@cache
def _programme(steps: str = ASKS) -> Programme:
    names = ("question", "kit", "fine", "gone")
    files = {"programme.yaml": PROGRAMME, "workflows/asks.yaml": steps} | {
        f"templates/{name}/en.md": "---\nsubject: Hello\n---\nWell\n" for name in names
    }
    loaded = load_programme(Folder(files))
    return compile_programme(
        loaded.policies, loaded.workflows, catalogue=default_catalogue(),
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
    )  # fmt: skip


class World(Replay):
    """Somebody who was asked, and of whom things are heard in whatever order."""

    def __init__(self, programme: Programme, **known: Any) -> None:
        super().__init__(programme, START)
        doc = {"id": "c-a", "name": "A", "email": "a@x.example"} | known
        self.states["contact/c-a"] = State("contact/c-a", doc)
        self.hears("problem.solved", 0, {})
        (self.ask,) = self.asks

    def hears(self, kind: str, days: float, data: Doc) -> None:
        """Hear now of something that happened so many days after the start."""
        said = data | {"ask": self.ask} if kind == "ask.answered" else data
        self.event({
            "id": f"{kind}/{days}", "source": "t", "type": kind, "data": said, "account": "",
            "time": iso(START + days * DAY), "contact": "c-a", "lead": "",
        })  # fmt: skip

    def plays(self, words: Sequence[tuple[float, str]], late: float = 0) -> "World":
        """Hear of words that were said on some day, then or all of them `late`."""
        for days, name in words:
            kind, data = WORDS[name]
            self.advance(START + (late or days) * DAY)
            self.hears(kind, days, data)
        self.advance(START + 80 * DAY)
        return self

    @property
    def state(self) -> Doc:
        """What is true in the end."""
        doc, ask = self.states["contact/c-a"].doc, self.asks[self.ask]
        names = ("cooling_until", "refused", "refused_at", "no_asks")
        return {name: doc.get(name) for name in names} | {
            "outcome": ask.status, "reason": ask.reason, "cooling": ask.cooling_until,
        }  # fmt: skip

    @property
    def told(self) -> Counter[str]:
        """What was sent."""
        return Counter(message.template for message, _ in self.sent.values())

    @property
    def earned(self) -> int:
        """What was credited."""
        return sum(entry.delta for entry in self.entries if entry.bucket == "available")


def _same(programme: Programme, words: Sequence[tuple[float, str]], late: float) -> None:
    in_time = World(programme).plays(words)
    for order in permutations(words):
        world = World(programme).plays(order, late)
        assert world.state == in_time.state, order
        if all(name != "exit" for _, name in words):  # which takes back what has not left
            assert in_time.told <= world.told, order
        assert max(world.told.values()) == 1, order
        assert world.earned >= in_time.earned, order


@pytest.mark.parametrize("pair", list(combinations(WORDS, 2)), ids="-".join)
def test_of_two_words_the_earlier_closes_the_ask(pair: tuple[str, str]) -> None:
    """Outcome, cool-down and what was refused are those of the earlier, and its steps are taken."""
    for one, other in (pair, pair[::-1]):
        _same(_programme(), [(1, one), (2, other)], late=5)


@pytest.mark.parametrize("name", [name for name in WORDS if name != "other"])
def test_a_word_that_came_before_the_silence_counts_after_it(name: str) -> None:
    """An ask that nobody seemed to answer was answered, or withdrawn, in time."""
    _same(_programme(), [(3, name)], late=30)


@pytest.mark.parametrize("seed", range(8))
def test_a_run_that_went_on_goes_back_to_its_ask(seed: int) -> None:
    """What it waits for counts from the earliest word, and nothing is done twice."""
    draw = Random(seed)
    names = draw.sample(list(WORDS), 3)
    programme = _programme(ASKS + LATER.replace("LATER", draw.choice(["3d", "20d"])))

    _same(programme, list(zip((1, 2, 3), names, strict=True)), late=draw.choice([4, 15, 50]))


def test_later_said_in_time_has_the_silence_undone() -> None:
    """Somebody who said later, and is heard after the limit, is asked anew when they said."""
    world = World(_programme())
    world.advance(START + 20 * DAY)

    world.hears("ask.answered", 3, {"answer": "later"})

    assert world.asks[world.ask].status == "open"
    assert "cooling_until" not in world.states["contact/c-a"].doc
    world.advance(START + 100 * DAY)  # 9 a.m. three months later
    assert world.told == {"question": 2}
    world.hears("ask.answered", 101, {"answer": "gladly"})
    world.advance(START + 102 * DAY)
    assert (world.asks[world.ask].status, world.told["kit"]) == ("answered", 1)


def test_of_several_asks_what_was_refused_follows_in_order_of_time() -> None:
    """A yes that was given before a no, and is heard after it, does not take the no back."""
    world = World(_programme())
    world.plays([(1, "no")])
    first, world.now = world.ask, START + 80 * DAY
    world.hears("problem.solved", 80, {})
    world.ask = next(key for key in world.asks if key != first)
    world.advance(START + 95 * DAY)  # nobody answered
    world.ask = first
    world.hears("review.posted", 0.5, {"url": "https://r.example"})

    doc = world.states["contact/c-a"].doc

    assert world.asks[first].status == "answered"
    assert "refused" not in doc
    assert doc["cooling_until"] == iso(START + 90 * DAY + 45 * DAY)


def test_what_was_known_before_the_first_ask_stays() -> None:
    """A cool-down that somebody came with is there when the one of an ask goes."""
    until = iso(START + 30 * DAY)
    world = World(_programme(), cooling_until=until, refused="quote")
    world.plays([(2, "gladly"), (1, "detractor")], late=3)

    doc = world.states["contact/c-a"].doc

    assert (doc["cooling_until"], doc["refused"]) == (until, "quote")


def test_closed_asks_are_remembered_up_to_a_bound() -> None:
    """The one that was closed first goes first."""
    world = World(_programme())
    run = next(iter(world.runs.values()))
    doc = world.states["contact/c-a"].doc
    turn: Any = _Turn(doc)
    for number in range(ask_history.KEPT_MAX + 1):
        ask = Ask(f"a-{number}", "contact/c-a", run.id, "asks", "q", "quote", "withdrawn")
        ask_history.keep(turn, ask, START + number * DAY)

    assert [each["key"] for each in doc["asks_closed"]] == [
        f"a-{number}" for number in range(1, ask_history.KEPT_MAX + 1)
    ]


class _Turn:
    """As much of a turn as remembering takes."""

    def __init__(self, doc: Doc) -> None:
        self.doc, self.state, self.programme = doc, State("contact/c-a", doc), _programme()

    def save(self) -> None:
        """Nothing is written."""
