"""Runs that the contacts of an account share: one live at a time, whatever arrives when."""

from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, compiled, library
from workflows import account_runs
from workflows.compiled import Programme
from workflows.engine import ChainError, decide
from workflows.state import Changes, Doc, Input, State, Timer, iso

START = datetime(2027, 2, 1, 9, tzinfo=UTC)
FIRM = Path(__file__).parents[1] / "scenarios" / "programmes" / "firm"
KINDS = ("nps.answered", "favour.granted", "problem.solved", "compliment.given", "quote.given",
         "customer.ended")  # fmt: skip
CONTACTS = ("c-ann", "c-bob", "c-cyd")


@cache
def _firm() -> Programme:
    return compiled(FIRM)


class Firm(Replay):
    """Inboxes are drained in any order of actors, as slices are: each of them one by one."""

    def __init__(self, programme: Programme, choices: Any = None) -> None:
        super().__init__(programme, START)
        self.inboxes: defaultdict[str, deque[tuple[Doc | None, Timer | None]]]
        self.inboxes = defaultdict(deque)
        self.choices = choices
        self.most_live = 0
        for contact in CONTACTS:
            self.states[f"contact/{contact}"] = State(
                f"contact/{contact}",
                {
                    "id": contact,
                    "name": contact,
                    "account": "wal",
                    "email": f"{contact}@wal.example",
                },
            )

    def _handle(self, actor: str, *, event: Doc | None = None, timer: Timer | None = None) -> None:
        self.inboxes[actor].append((event, timer))

    def drain(self) -> None:
        """Handle everything, one input of some actor at a time."""
        while waiting := sorted(actor for actor, inbox in self.inboxes.items() if inbox):
            number = self.choices.draw(st.integers(0, len(waiting) - 1)) if self.choices else 0
            self._step(waiting[number])

    def _step(self, actor: str) -> None:
        event, timer = self.inboxes[actor].popleft()
        self.seq += 1
        state = self.states.setdefault(actor, State(actor))
        changes = Changes()
        item = Input(actor, self.now, self.seq, event=event, timer=timer)
        decide(self.programme, state, item, now=self.now, changes=changes, loads={})
        self.take(changes)
        for each in changes.forwards:
            self.inboxes[each.actor].append((each.event, None))
        live: defaultdict[str, int] = defaultdict(int)
        for run in self.runs.values():
            live[run.workflow] += run.status == "live"
        self.most_live = max(self.most_live, *live.values(), 0)

    def say(self, kind: str, contact: str, number: int, id_: str) -> None:
        """Let something happen; an account's event goes to the account."""
        said: dict[str, Doc] = {
            "nps.answered": {"response": id_, "score": number % 11},
            "compliment.given": {"note": f"n{number % 3}"},
        }
        data = said.get(kind, {})
        of_account = kind == "customer.ended"
        event = {
            "id": id_, "source": "test", "type": kind, "time": iso(self.now), "lead": "",
            "contact": "" if of_account else contact, "account": "wal" if of_account else "",
            "data": data,
        }  # fmt: skip
        self.event(event, "account/wal" if of_account else f"contact/{contact}")


events = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(CONTACTS), st.integers(0, 20),
              st.integers(0, 9), st.booleans()),
    max_size=16,
)  # fmt: skip


@examples(150)
@given(events, st.data())
def test_an_account_has_one_live_run_of_a_workflow(said: list[Any], data: Any) -> None:
    """Whoever of the firm does what, in whatever order inboxes are drained, however often."""
    world = Firm(_firm(), data)
    for kind, contact, number, id_, at_once in said:
        world.say(kind, contact, number, f"e-{id_}")
        if not at_once:
            world.drain()
            world.now += timedelta(hours=1)
    world.drain()

    assert world.most_live <= 1
    register = world.states.get("account/wal", State("account/wal")).doc.get("register", {})
    for name, entry in register.items():
        live = [run.id for run in world.runs.values()
                if run.workflow == name and run.status == "live"]  # fmt: skip
        assert live == ([entry["run"]] if entry.get("run") else [])
        assert "judging" not in entry
        assert not entry.get("queue")


def test_two_contacts_at_once_start_one_run() -> None:
    """Both events are accepted before either is handled: one starts, the other is refused."""
    world = Firm(_firm())
    world.say("problem.solved", "c-ann", 0, "e-1")
    world.say("problem.solved", "c-bob", 0, "e-2")
    world.drain()

    (run,) = world.runs.values()
    (refused,) = [look for look in world.looked if look.get("refused") == "again"]
    assert run.status == "live"
    assert {run.actor.removeprefix("contact/"), refused["contact"]} == {"c-ann", "c-bob"}


def test_what_happens_before_the_run_has_begun_still_ends_it() -> None:
    """A detractor's answer that was accepted with the trigger finds the run that it must end."""
    world = Firm(_firm())
    world.say("nps.answered", "c-ann", 9, "e-1")
    world.say("nps.answered", "c-ann", 3, "e-2")
    world.drain()

    (run,) = world.runs.values()
    assert (run.status, run.ended_as) == ("ended", "unhappy")


@pytest.mark.parametrize(("waiting", "starts"), [(account_runs.QUEUE_MAX, 1), (0, 1)])
def test_what_waits_for_the_answer_is_bounded(waiting: int, starts: int) -> None:
    """No more events wait at the account than `QUEUE_MAX`; the one after is refused."""
    world = Firm(_firm())
    state = world.states.setdefault("account/wal", State("account/wal"))
    event = {"id": "e", "source": "t", "type": "favour.granted", "time": iso(START),
             "contact": "c-ann", "data": {}}  # fmt: skip
    said = {"event": event, "host": "contact/c-ann", "wanted": True, "depth": 0}
    entry = {"run": "r", "host": "contact/c-bob", "judging": said, "queue": [said] * waiting}
    state.doc["register"] = {"quote": entry}
    world.say("favour.granted", "c-ann", 0, "e-1")
    world.drain()

    refused = [look for look in world.looked if look.get("refused") == "again"]
    assert len(refused) == (starts if waiting else 0)
    assert len(entry["queue"]) == (waiting or 1)


def test_a_circle_between_contacts_of_an_account_ends() -> None:
    """A chain that goes through the register is counted like one within a contact."""
    programme = compiled(FIRM)
    world = Firm(programme)
    for workflow in programme.workflows.values():
        assert workflow.registered == (workflow.name != "welcome")
    event = {"id": "e", "source": "t", "type": "favour.granted", "time": iso(START),
             "contact": "c-ann", "depth": 17, "data": {}}  # fmt: skip
    world.inboxes["contact/c-ann"].append((event, None))
    with pytest.raises(ChainError):
        world.drain()


def test_accounts_are_told_only_what_a_shared_workflow_reacts_to() -> None:
    """The shipped programme has one such workflow: of all other events nothing is forwarded."""
    assert library().shared == {"customer.started": ("heard-of-us",)}
