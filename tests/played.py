"""Streams of events over programmes that were made, and what came of them, for properties."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple, TypeAlias

import yaml
from hypothesis import reject
from hypothesis import strategies as st

from tests.examples import NIGHTLY
from tests.generated import busy, compiled, made
from tests.generated_workflows import HEARD
from tests.replay import Replay
from workflows.compiled import Programme
from workflows.engine import ChainError
from workflows.state import Changes, Doc, Message, iso
from workflows.steps.calling import is_call

START = datetime(2027, 3, 1, 8, 20, tzinfo=UTC)
CONTACTS = ("c-anna", "c-bram", "c-cleo")
PROGRAMMES = 1_000_000 if NIGHTLY else 8
"""How many there are to choose from: compiling one takes as long as twenty runs of it."""
MOVES_MAX = 16
AFTERWARDS = timedelta(days=120)

KINDS = (
    "nps.answered", "nps.answered", "project.delivered", "problem.solved", "product.upgraded",
    "favour.granted", "compliment.given", "optin.confirmed", "contact.unsubscribed", "quote.given",
    "story.given", "review.posted", "message.reported", "contact.updated", "owner.changed",
    "own.ping", "deal.lost", "reward.chosen", "answer", "answer", "task", "task", "stage",
    "operator",
)  # fmt: skip


@dataclass(frozen=True)
class Move:
    """Something that happens: `wait` minutes after the one before, told `late` minutes after."""

    wait: int
    kind: str
    contact: str
    number: int
    late: int = 0


Stream: TypeAlias = "list[Move]"


class Numbered(NamedTuple):
    """A move and its number in its stream, from which the id of its event follows."""

    number: int
    move: Move


def streams_of(*kinds: str, wait_max: int, least: int = 1) -> st.SearchStrategy[Stream]:
    """Give streams of these kinds of events, with waits of at most so many minutes."""
    waits = st.one_of(st.integers(0, 90), st.integers(0, wait_max))
    late = st.sampled_from((0, 0, 0, 1, 200, 4_000))
    who = st.sampled_from(CONTACTS)
    move = st.builds(Move, waits, st.sampled_from(kinds), who, st.integers(0, 30), late)
    return st.lists(move, min_size=least, max_size=MOVES_MAX)


streams = streams_of(*KINDS, wait_max=9 * 24 * 60)
crowded = streams_of(*HEARD, "message.reported", wait_max=3 * 24 * 60, least=10)
"""Much happens in little time."""
seeds = st.integers(0, PROGRAMMES - 1)


@lru_cache(maxsize=64)
def programme_of(seed: int) -> Programme:
    """Return the programme of a seed, compiled."""
    return compiled(made(Random(f"programme/{seed}")))


class Word(NamedTuple):
    """A word on consent: of when it is, whether it is a yes, when we heard it."""

    time: datetime
    is_yes: bool
    heard: datetime


@lru_cache(maxsize=64)
def waiting_programme(waits: Sequence[str], within: str) -> Programme:
    """Return a programme that waits for one event after the other, and writes after each."""
    steps: list[Doc] = []
    for kind in waits:
        steps += [
            {"wait_for": {"event": kind, "within": within},
             "then": {"timeout": [{"stop": "too_late"}]}},
            {"send": {"template": "plain-1", "class": "transactional"}},
            {"task": {"to": "chief", "title": "Call", "due": "2bd", "within": "0h"}},
        ]  # fmt: skip
    flow = {"workflow": "waits", "trigger": {"event": "problem.solved"}, "steps": steps}
    files = {path: text for path, text in made(Random("waits")).items()
             if not path.startswith("workflows/")}  # fmt: skip
    return compiled({**files, "workflows/waits.yaml": yaml.safe_dump(flow, sort_keys=False)})


@lru_cache(maxsize=64)
def busy_programme_of(seed: int) -> Programme:
    """Return a programme that writes about everything, compiled."""
    return compiled(busy(Random(f"busy/{seed}")))


@dataclass
class Played(Replay):
    """A replay whose calls are answered, and which counts open asks after every input.

    Attributes:
        noes: Contact, channel and topic to what was said, when, and when it was heard.
        asks_max: The most asks that one contact had open at one instant.
    """

    noes: dict[tuple[str, str, str], list[Word]] = field(default_factory=dict)
    asks_max: int = 0

    def take(self, changes: Changes) -> None:
        """Keep what a decision wants written, and count what is open then."""
        super().take(changes)
        if changes.asks:
            open_ = Counter(a.actor for a in self.asks.values() if a.status in {"pending", "open"})
            self.asks_max = max(self.asks_max, *open_.values(), 0)

    def call(self, message: Message) -> None:
        """Answer a call by its key: most succeed."""
        if is_call(message.to):
            ended = "failed" if sum(map(ord, message.key)) % 4 == 0 else "done"
            event = {"id": f"{message.key}/attempt1", "source": "vouch", "type": "call.attempted",
                     "fact": True, "time": iso(message.planned_at), "run": message.run,
                     "step": message.step, "contact": message.actor.removeprefix("contact/"),
                     "data": {"message": message.key, "ended": ended}}  # fmt: skip
            self._handle(message.actor, event=event)


def play(
    programme: Programme,
    stream: Stream,
    *,
    delay: timedelta = timedelta(),
    afterwards: timedelta = AFTERWARDS,
) -> Played:
    """Play a stream to its end; `delay` is by how much workers come later to every input."""
    numbered = [Numbered(number, move) for number, move in enumerate(stream)]
    return play_numbered(programme, numbered, delay=delay, afterwards=afterwards)


def play_numbered(
    programme: Programme,
    moves: Sequence[Numbered],
    *,
    delay: timedelta = timedelta(),
    afterwards: timedelta = AFTERWARDS,
) -> Played:
    """Play moves in this order, whatever their numbers are.

    Where two workflows start each other there is nothing to be seen: such an input is set aside.
    """
    try:
        return _played(programme, moves, delay, afterwards)
    except ChainError:
        reject()


def _played(
    programme: Programme, moves: Sequence[Numbered], delay: timedelta, afterwards: timedelta
) -> Played:
    world = Played(programme, START)
    for number, contact in enumerate(CONTACTS):
        known(world, contact, number)
    at = START
    for number, move in moves:
        at += timedelta(minutes=move.wait)
        world.advance(at + delay)
        say(world, move, f"e-{number}", at)
    world.advance(at + afterwards)
    return world


def known(world: Replay, contact: str, number: int) -> None:
    """Have a contact be known: two of them work at one firm."""
    data = {"email": f"{contact}@acme.example", "phone": f"+3161234567{number}",
            "first_name": contact[2:].title(), "owner": ("u-sam", "u-lena", "")[number],
            "zone": ("", "America/New_York", "Asia/Kolkata")[number],
            "consent": {"sms": ["programme"]} if number == 0 else {}}  # fmt: skip
    world.event({**_event(f"known-{contact}", "contact.updated", contact, START, data),
                 "account": ("acme", "acme", "")[number]})  # fmt: skip
    account = ("acme", "acme", "")[number]
    if account:
        world.event(_event(f"of-{contact}", "contact.updated", contact, START,
                           {"account": account}))  # fmt: skip


def _event(id_: str, kind: str, contact: str, time: datetime, data: Doc) -> Doc:
    return {"id": id_, "source": "test", "type": kind, "time": iso(time), "contact": contact,
            "account": "", "lead": "", "data": data}  # fmt: skip


def say(world: Played, move: Move, id_: str, at: datetime) -> None:
    """Publish what a move says, as it is then: which ask, task or run it is about."""
    time = at - timedelta(minutes=move.late)
    kind, data = _said(world, move)
    if not kind:
        return
    event = _event(id_, kind, move.contact, time, data)
    if kind.startswith(("run.", "ask.withdraw")):
        event |= {"source": "vouch/operator", "fact": True}
    if kind == "contact.unsubscribed":
        key = (f"contact/{move.contact}", data["channel"], data["topic"])
        world.noes.setdefault(key, []).append(Word(time, is_yes=False, heard=world.now))
    if kind == "optin.confirmed":
        key = (f"contact/{move.contact}", "email", "programme")
        world.noes.setdefault(key, []).append(Word(time, is_yes=True, heard=world.now))
    world.event(event)


def _said(world: Played, move: Move) -> tuple[str, Doc]:
    """Return the type and the data of a move's event; '' where there is nothing to be about."""
    number, mine = move.number, f"contact/{move.contact}"
    match move.kind:
        case "answer":
            asks = [key for key, ask in sorted(world.asks.items()) if ask.actor == mine]
            said = ("gladly", "not_now", "later", "never")[number % 4]
            return _about("ask.answered", "ask", asks, number // 4, answer=said)
        case "task":
            tasks = [key for key, task in sorted(world.tasks.items()) if task.actor == mine]
            kind = ("task.closed", "task.closed", "task.accepted", "task.cancelled")[number % 4]
            return _about(kind, "task", tasks, number // 4, by="u-ben", root_cause="x")
        case "stage":
            return "journey.answered", {"stage": f"s-{number % 3}", "text": "yes"}
        case "operator":
            verb = ("pause", "resume", "resume", "cancel", "withdraw")[number % 5]
            if verb == "withdraw":
                asks = [key for key, ask in sorted(world.asks.items()) if ask.actor == mine]
                return _about("ask.withdraw", "ask", asks, number // 5, by="u-pim")
            runs = [id_ for id_, run in sorted(world.runs.items()) if run.actor == mine]
            return _about(f"run.{verb}", "run", runs, number // 5, by="u-pim")
        case kind:
            return kind, data_of(kind, number, move.contact)


def _about(kind: str, name: str, keys: Sequence[str], number: int, **data: str) -> tuple[str, Doc]:
    return (kind, {name: keys[number % len(keys)], **data}) if keys else ("", {})


def data_of(kind: str, number: int, contact: str) -> Doc:
    """Return the data of an event of this type."""
    said: dict[str, Doc] = {
        "nps.answered": {"response": f"r-{contact}-{number % 3}", "score": number % 11,
                         "improve": "slow"},
        "project.delivered": {"project_id": f"p-{number % 4}", "value_eur": number * 9_000},
        "problem.solved": {"ticket": f"t-{number % 3}"},
        "product.upgraded": {"product": "max"},
        "contact.unsubscribed": {"topic": ("programme", "survey")[number % 2],
                                 "channel": ("email", "email", "sms")[number % 3]},
        "quote.given": {"text": "Good", "may_publish": number % 2 == 0},
        "story.given": {"text": "Once", "url": "https://acme.example/s"},
        "review.posted": {"url": "https://acme.example/r"},
        "message.reported": {"class": "newsletter"},
        "contact.updated": {"first_name": f"Kim {number}", "vip": number % 2 == 0},
        "owner.changed": {"owner": ("u-sam", "u-ada", "u-lena")[number % 3]},
        "own.ping": {"number": number % 6},
        "deal.lost": {"lead": "l-1", "deal": f"d-{number % 2}"},
        "reward.chosen": {"choice": ("donation", "training")[number % 2], "amount": 1 + number,
                          "charity": "forest"},
    }  # fmt: skip
    return dict(said.get(kind, {}))


def ends(world: Replay, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything that came out, in no order: to compare two plays."""
    return {
        "docs": {actor: {name: value for name, value in state.doc.items() if name not in without}
                 for actor, state in world.states.items()},
        "runs": {run.id: (run.workflow, run.status, run.ended_as, run.doc.get("steps"))
                 for run in world.runs.values()},
        "asks": {ask.key: (ask.status, ask.touches, ask.reason) for ask in world.asks.values()},
        "tasks": {task.key: (task.status, task.due_at, task.assignee)
                  for task in world.tasks.values()},
        "timers": {timer.key: timer.due_at for timer in world.timers.values()},
        "sent": {key: (message.to, message.template, leave.planned)
                 for key, (message, leave) in world.sent.items()},
        "skipped": dict(world.skipped),
        "entries": {entry.key: entry.delta for entry in world.entries},
    }  # fmt: skip
