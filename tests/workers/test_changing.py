"""A programme changed while its runs are under way: where they go on, and that none is lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import definitions
from store.listings import facts, work
from tests.workers.changing import DAY, QUOTE, RENAMED, START, TOUR, Stage, on_stage, programme
from workers import bulk, running
from workers.plan import plan
from workflows.compiled import version_of
from workflows.migration import Given, Goes, Stays, place_in
from workflows.nodes import flatten

MANY = 2_000


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a programme under way, and Anna."""
    with on_stage(tmp_path) as stage:
        stage.knows()
        yield stage


def _migrate(stage: Stage, name: str, text: str, steps: Given) -> str:
    """Apply another text of a workflow, lead all its runs over, and return its version."""
    loaded = programme(**{name: text})
    stage.apply(loaded)
    to = version_of(loaded.workflows[name].canonical())
    with stage.store.reader() as conn:
        mark = str(definitions.history(conn)[0]["seq"])
    many = running.moving(stage.app, name, to=to, steps=steps, by="u-sam", mark=mark)
    bulk.do(stage.app, many, by="u-sam", dry_run=False, progress=lambda *_: None)
    stage.settle()
    return to


# -- where a run goes on -------------------------------------------------------------------------


def _place(before: str, after: str, step: str, **given: Any) -> Goes | Stays:
    old, new = (flatten(programme(tour=text).workflows["tour"]) for text in (before, after))
    return place_in(old, new, step, given)


BARE = """
workflow: tour
trigger: {event: project.delivered}
steps:
  - wait: 1d
  - send: {template: thanks, class: plain}
  - wait: 2d
"""


def test_a_step_with_an_id_is_the_step_of_that_id() -> None:
    """Whatever else it says now; gone or of another verb, nobody can tell."""
    assert _place(TOUR, TOUR.replace("wait: 3d", "wait: 9d"), "rest") == Goes("rest")
    assert _place(TOUR, RENAMED, "hear") == Stays("is not there any more")
    other = TOUR.replace("rest, wait: 3d", "rest, send: {template: thanks, class: plain}")
    assert isinstance(_place(TOUR, other, "rest"), Stays)


def test_a_step_without_an_id_moves_with_what_it_says() -> None:
    """Not with its place, which another step may have taken."""
    shifted = BARE.replace("steps:\n", "steps:\n  - send: {template: thanks, class: ask}\n")
    assert _place(BARE, shifted, "1") == Goes("2")
    assert _place(BARE, shifted, "3") == Goes("4")
    assert isinstance(_place(BARE, BARE.replace("1d", "7d"), "1"), Stays)
    assert isinstance(_place(BARE, BARE.replace("1d", "2d"), "3"), Stays)  # two say the same


def test_a_mapping_says_where_to() -> None:
    """To a step of the same verb it waits on; another verb has to be entered."""
    assert _place(TOUR, RENAMED, "hear", hear="listen") == Goes("listen")
    assert isinstance(_place(TOUR, RENAMED, "hear", hear="thank"), Stays)
    assert _place(TOUR, RENAMED, "hear", hear={"enter": "thank"}) == Goes("thank", enters=True)


# -- runs that move ------------------------------------------------------------------------------


def test_a_moved_run_waits_on_as_it_began(stage: Stage) -> None:
    """Its limit stays due; what follows is the new version's."""
    stage.happens("project.delivered", project_id="p")
    stage.advance(START + 4 * DAY)
    changed = RENAMED.replace("id: thank, send", "id: greet, send")

    to = _migrate(stage, "tour", changed, {"hear": "listen"})

    assert stage.run()["version"] == to
    assert stage.due() == [("listen", START + 8 * DAY)]
    stage.advance(START + 9 * DAY)
    assert stage.run()["doc"]["steps"].keys() == {"rest", "listen", "greet"}
    assert len(stage.mails()) == 1


def test_a_run_may_begin_another_step(stage: Stage) -> None:
    """What it waited for is given up, and the new step is taken at once."""
    stage.happens("project.delivered", project_id="p")

    _migrate(stage, "tour", RENAMED, {"rest": {"enter": "thank"}})

    assert stage.run()["ended_as"] == "done"
    assert [mail["status"] for mail in stage.mails()] == ["sent"]
    assert stage.due() == []


def test_a_run_that_nobody_can_place_stays(stage: Stage) -> None:
    """It keeps its version and ends by it; its record says why it was not moved."""
    stage.happens("project.delivered", project_id="p")
    stage.advance(START + 4 * DAY)

    to = _migrate(stage, "tour", RENAMED, {})

    assert stage.run()["version"] != to
    with stage.store.reader() as conn:
        newest = facts.decisions(conn)[0]["doc"]["looked"][0]
    assert (newest["did"], newest["reason"]) == ("kept", "'hear' is not there any more")


def test_an_ask_and_its_reminder_move_with_their_run(stage: Stage) -> None:
    """The open ask has its new name, keeps what it began with, and ends once."""
    stage.happens("product.upgraded")
    stage.advance(START + DAY)

    _migrate(stage, "quote", QUOTE.replace("id: ask", "id: plea"), {"ask": "plea"})

    assert [name for name, _ in stage.due()] == ["plea/reminder1"]
    stage.advance(START + 30 * DAY)
    assert stage.run()["doc"]["steps"]["plea"]["outcome"] == "silent"
    assert len(stage.mails()) == 2


def test_a_paused_run_moves_and_stays_paused(stage: Stage) -> None:
    """What its step came to in the pause counts under the step's new name."""
    stage.happens("project.delivered", project_id="p")
    stage.advance(START + 4 * DAY)
    stage.say("pause")
    stage.happens("compliment.given")

    _migrate(stage, "tour", RENAMED, {"hear": "listen"})

    assert stage.run()["status"] == "paused"
    stage.say("resume")
    assert stage.run()["doc"]["steps"]["listen"]["outcome"] == "compliment.given"
    assert stage.run()["ended_as"] == "done"


@pytest.mark.parametrize("restarts", [False, True])
def test_runs_of_a_removed_workflow_go_on_to_their_end(stage: Stage, *, restarts: bool) -> None:
    """They hear what they wait for, send their words and end; nobody begins one any more."""
    stage.happens("project.delivered", project_id="p")
    stage.happens("project.delivered", "c-bo", project_id="q")
    stage.advance(START + DAY)
    stage.apply(programme(tour=None))
    if restarts:
        stage.restart()
    stage.happens("project.delivered", "c-carl", project_id="r")
    stage.advance(START + 4 * DAY)
    stage.happens("compliment.given")
    stage.happens("nps.answered", "c-bo", response="r", score=1)
    stage.advance(START + 9 * DAY)

    ended = {row["actor"]: row["ended_as"] for row in stage.runs()}
    assert ended == {"contact/c-anna": "done", "contact/c-bo": "unhappy"}
    assert [mail["template"] for mail in stage.mails()] == ["thanks"]


def test_a_removed_workflow_can_come_back_under_its_runs(stage: Stage) -> None:
    """A rollback finds the run where it stood: not begun anew, and once is still once."""
    stage.happens("project.delivered", project_id="p")
    stage.apply(programme(tour=None))
    stage.advance(START + DAY)
    stage.apply(programme())
    stage.happens("project.delivered", project_id="p")

    assert [row["step"] for row in stage.runs()] == ["rest"]
    stage.advance(START + 9 * DAY)
    assert stage.run()["ended_as"] == "done"


def test_a_worker_that_does_not_know_a_version_reads_it(stage: Stage) -> None:
    """The word to move may come before the worker looks for a newer programme."""
    stage.happens("project.delivered", project_id="p")
    loaded = programme(tour=TOUR.replace("5d", "6d"))
    compiled = stage.app.programmes.current()
    stage.apply(loaded)
    to = version_of(loaded.workflows["tour"].canonical())
    stage.app.programmes.remember(compiled)

    running.move_runs(stage.app, stage.runs(), by="u-sam", to=to, steps={}, mark="1")
    stage.settle()

    assert stage.run()["version"] == to


def test_thousands_of_runs_live_through_an_edit(tmp_path: Path) -> None:
    """Plan, apply, migrate and roll back under waiting runs: none lost, none doubled."""
    with on_stage(tmp_path) as stage:
        events = [
            {"specversion": "1.0", "id": f"e-{number}", "source": "test",
             "type": "project.delivered", "subject": f"contact/c-{number}",
             "time": START.isoformat(), "person": {"email": f"c-{number}@x.example"},
             "data": {"project_id": f"p-{number}"}}
            for number in range(MANY)
        ]  # fmt: skip
        for start in range(0, MANY, 500):
            stage.app.publish(events[start : start + 500])
        stage.settle()
        stage.advance(START + 3 * DAY)  # half of what follows happens in `hear`
        loaded = programme(tour=RENAMED)
        with stage.store.reader() as conn:
            (flight,) = plan(conn, loaded, now=START).flights
        assert (flight.step, flight.count, flight.fate) == ("hear", MANY, "needs_mapping")

        to = _migrate(stage, "tour", RENAMED, {"hear": "listen"})
        assert Counter(row["version"] for row in stage.runs()) == {to: len(stage.runs())}
        with stage.store.reader() as conn:
            assert plan(conn, loaded, now=START).flights == []

        back = _migrate(stage, "tour", TOUR, {"listen": "hear"})
        with stage.store.reader() as conn:
            (flown,) = [row for row in work.in_flight(conn) if row["version"] == back]
        assert flown["count"] == MANY

        stage.advance(START + 9 * DAY)
        with stage.store.reader() as conn:
            ended = list(facts.each_fact(conn, types=["run.ended"]))
            sent = [f["key"] for f in facts.each_fact(conn, types=["message.queued"])]
        assert Counter(f["data"]["as"] for f in ended) == {"done": MANY}
        assert len(sent) == len(set(sent)) == MANY
