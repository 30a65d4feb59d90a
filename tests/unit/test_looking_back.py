"""A run that begins late comes to what it would have come to in time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.office import HEAD
from tests.replay import Replay
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.state import State, iso

START = datetime(2027, 1, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
REWARDS = """\
rewards: {currency: {code: star}, hold: 0d}
"""
PROGRAMME = f"{HEAD}{REWARDS}"
BEGINS = """\
workflow: begins
trigger: {event: problem.solved}
exit:
  - {event: quote.given, if: size(seen('quote.given')) == 2, as: twice}
  - {event: [story.given, ask.declined], as: left}
"""
TOLD = "---\nsubject: Done\n---\nWell\n"


def _compiled(steps: str, head: str = BEGINS) -> Programme:
    files = {
        "programme.yaml": PROGRAMME, "workflows/begins.yaml": f"{head}steps:\n{steps}",
        "templates/told/en.md": TOLD,
    }  # fmt: skip
    loaded = load_programme(Folder(files))
    return compile_programme(
        loaded.policies, loaded.workflows, catalogue=default_catalogue(),
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
    )  # fmt: skip


class World(Replay):
    """One contact, or two of a firm, of whom things are heard in whatever order."""

    def __init__(self, programme: Programme, now: datetime = START + 100 * DAY) -> None:
        super().__init__(programme, now)
        for name in ("c-a", "c-b"):
            known = {"id": name, "name": name, "email": f"{name}@x.example", "account": "wal"}
            self.states[f"contact/{name}"] = State(f"contact/{name}", known)

    def hears(self, kind: str, days: float, contact: str = "c-a", **more: Any) -> None:
        """Hear now of something that happened so many days after the start."""
        self.event({
            "id": f"{kind}/{days}", "source": "t", "type": kind, "data": {},
            "time": iso(START + days * DAY), "contact": contact, **more,
        })  # fmt: skip

    @property
    def ended(self) -> dict[float, str]:
        """By when its trigger happened: how each run ended, '' for one that is live."""
        self.advance(self.now + 60 * DAY)
        return {
            (datetime.fromisoformat(run.doc["trigger"]["time"]) - START) / DAY: run.ended_as
            for run in self.runs.values()
        }

    @property
    def earned(self) -> int:
        """What was credited in all."""
        return sum(entry.delta for entry in self.entries if entry.bucket == "available")


CREDIT = "  - credit: {{amount: {}, object: \"'{}'\", side: ''}}\n"
ONE, TEN = (CREDIT.format(n, n).replace(", side: ''", "") for n in (1, 10))
WAIT = "  - wait: {}d\n"
FOR = "  - wait_for: {event: problem.solved, if: event.data.ticket == 'never', within: 300d}\n"
TASK = "  - task: {to: pim, title: Look, due: 1d, within: 2d}\n"


@pytest.mark.parametrize(
    ("steps", "exits", "ends", "earned"),
    [
        (ONE + FOR, {"story.given": 3}, "left", 1),
        (ONE + WAIT.format(4) + TEN, {"story.given": 3}, "left", 1),
        (ONE + WAIT.format(3) + TEN, {"story.given": 3}, "left", 1),
        (ONE + WAIT.format(2) + TEN + FOR, {"story.given": 3}, "left", 11),
        (ONE + WAIT.format(2) + TEN, {"story.given": 3}, "done", 11),
        (ONE + TASK + TEN + FOR, {"story.given": 3}, "left", 11),
        (ONE + TASK + TEN + FOR, {"story.given": 1}, "left", 1),
        (ONE + WAIT.format(1) + FOR + TEN, {"quote.given": 2, "compliment.given": 3}, "", 1),
    ],
)
def test_a_late_trigger_comes_to_the_same_as_one_in_time(
    steps: str, exits: Mapping[str, float], ends: str, earned: int
) -> None:
    """A run lives through what it missed, up to what would have ended it, and no further."""
    programme = _compiled(steps)
    in_time, late = World(programme, START), World(programme, START)
    for kind, days in sorted({"problem.solved": 0.0, **exits}.items(), key=lambda each: each[1]):
        in_time.advance(START + days * DAY - timedelta(microseconds=1))  # events go before timers
        in_time.hears(kind, days)
    for kind, days in exits.items():
        late.advance(START + days * DAY)
        late.hears(kind, days)
    late.advance(START + 100 * DAY)
    late.hears("problem.solved", 0)

    for world in (in_time, late):
        assert (world.ended, world.earned) == ({0.0: ends}, earned)


def test_what_was_not_sent_yet_is_taken_back() -> None:
    """A message that waits for its slot is dropped, and a task cancelled, by an exit of before."""
    world = World(
        _compiled(
            "  - send: {template: told, class: plain}\n  - task: {to: pim, title: X, due: 1d}\n"
        )
    )
    world.hears("story.given", 2)
    world.hears("problem.solved", 1)

    assert world.ended == {1.0: "left"}
    assert [task.status for task in world.tasks.values()] == ["cancelled"]
    assert list(world.skipped.values()) == ["stopped"]


@pytest.mark.parametrize("days", [0, 1])
def test_only_what_came_after_the_trigger_ends_it(days: int) -> None:
    """An exit before the trigger, or heard before it of the same instant, ends nothing."""
    world = World(_compiled(FOR))
    world.hears("story.given", days)
    world.hears("problem.solved", 1)

    assert world.ended == {1.0: ""}


def test_an_exit_counts_what_had_been_heard_by_then() -> None:
    """Of three quotes the second ends it, though all three are known when it begins."""
    world = World(_compiled(WAIT.format(1) + ONE + WAIT.format(30) + TEN + FOR))
    for days in (6, 2, 4):
        world.hears("quote.given", days)
    world.hears("problem.solved", 0)

    assert world.ended == {0.0: "twice"}
    (run,) = world.runs.values()
    assert run.ended_as == "twice"
    assert "ahead" in run.doc  # the third was not met any more
    assert world.earned == 1


def test_a_run_goes_its_way_once_it_has_met_its_past() -> None:
    """What happened meanwhile and ended nothing is looked at once."""
    world = World(_compiled(FOR))
    world.hears("quote.given", 2)
    world.hears("problem.solved", 0)
    (run,) = world.runs.values()

    assert "ahead" not in run.doc
    world.hears("quote.given", 90)
    assert world.ended == {0.0: "twice"}


ANEW = BEGINS.replace("exit:", "run: {again: restart}\nexit:")


def test_an_older_trigger_does_not_end_a_newer_run() -> None:
    """Whichever is heard first, the newest has the key."""
    for order in permutations((1, 2, 3)):
        world = World(_compiled(ONE + FOR, ANEW))
        for days in order:
            world.hears("problem.solved", days)

        assert world.ended == {1.0: "restarted", 2.0: "restarted", 3.0: ""}, order


def test_an_older_run_that_was_over_by_then_is_done() -> None:
    """A newer trigger ends nothing that would have ended before it."""
    world = World(_compiled(WAIT.format(1) + ONE, ANEW))
    world.hears("problem.solved", 5)
    world.hears("problem.solved", 2)

    assert world.ended == {5.0: "done", 2.0: "done"}


SHARED = BEGINS.replace("exit:", "run: {per: account, again: restart}\nexit:")


def test_a_run_that_a_firm_shares_looks_back_too() -> None:
    """What a colleague did before the trigger was heard ends it."""
    world = World(_compiled(FOR, SHARED))
    world.hears("story.given", 3, "c-b")
    world.hears("problem.solved", 2, "c-a")

    assert world.ended == {2.0: "left"}


def test_an_older_trigger_does_not_end_the_run_of_a_colleague() -> None:
    """Whichever of a firm's two triggers is heard first, the newest has the run."""
    for order in permutations(((1, "c-a"), (2, "c-b"))):
        world = World(_compiled(FOR, SHARED))
        for days, contact in order:
            world.hears("problem.solved", days, contact)

        assert world.ended == {1.0: "restarted", 2.0: ""}, order


def test_a_fact_of_another_actor_is_news_when_it_is_told() -> None:
    """What a lead's story concludes of the past is not undone by what was told before."""
    head = BEGINS.replace("problem.solved", "referral.accepted")
    world = World(_compiled(FOR, head))
    world.hears("story.given", 3)
    world.hears("referral.accepted", 2, source="vouch", fact=True)

    assert world.ended == {2.0: ""}


def test_a_cooldown_counts_from_the_run_that_ended_last() -> None:
    """One that began late and was over before does not shorten it."""
    head = BEGINS.replace("exit:", "run: {again: restart, cooldown: 10d}\nexit:")
    world = World(_compiled(ONE, head))
    world.hears("problem.solved", 20)
    world.hears("problem.solved", 31)
    world.hears("problem.solved", 5)
    world.hears("problem.solved", 40)

    assert 40.0 not in world.ended


@pytest.mark.parametrize(("merged", "ends"), [(3, "left"), (7, "")])
def test_what_another_record_heard_ends_a_run_from_the_merge_on(merged: int, ends: str) -> None:
    """An exit of the other record counts when both were one by then, though we hear it late."""
    for mine, other in (("c-a", "c-b"), ("c-b", "c-a")):
        world = World(_compiled(FOR))
        world.hears("problem.solved", 1, mine)
        world.hears("story.given", 5, other)
        world.hears("contact.merged", merged, "c-b", data={"into": "c-a"})

        (run,) = (run for run in world.runs.values() if run.status != "moved")
        assert run.ended_as == ends
