"""Links of people whom a task was taken from do nothing any more; everybody else's do."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.replay import Replay, library
from workflows.state import Task, iso
from workflows.steps.task_links import BY_LINK, FORMER_MAX, handed_over, is_elsewhere

START = datetime(2027, 3, 1, 8, tzinfo=UTC)


def _say(world: Replay, id_: str, kind: str, source: str = "crm", **data: Any) -> None:
    world.event({"id": id_, "source": source, "type": kind, "time": iso(world.now), "lead": "",
                 "contact": "c-a", "account": "", "data": data})  # fmt: skip


def _task(world: Replay) -> Task:
    (task,) = world.tasks.values()
    return task


def _world() -> Replay:
    world = Replay(library(), START)
    _say(world, "1", "contact.updated", email="a@acme.example", owner="u-sam")
    _say(world, "2", "nps.answered", response="r", score=10)
    _say(world, "3", "owner.changed", owner="u-mia")
    return world


def test_what_a_former_assignee_says_by_a_link_changes_nothing() -> None:
    """The form was open when the task was taken away; of the CRM the same word counts."""
    world = _world()
    task = _task(world)
    assert (task.assignee, task.doc["former"]) == ("u-mia", ["u-sam"])

    for kind in ("task.accepted", "task.closed"):
        _say(world, f"{kind}-1", kind, BY_LINK, task=task.key, by="u-sam")
    assert (_task(world).status, _task(world).accepted_at) == ("open", None)

    _say(world, "5", "task.accepted", BY_LINK, task=task.key, by="u-mia")
    _say(world, "6", "task.closed", task=task.key, by="u-sam")
    assert _task(world).status == "done"
    assert _task(world).accepted_at is not None


def test_who_has_it_again_or_is_asked_to_help_is_no_former_assignee() -> None:
    """A task that comes back, and a level of the ladder, make the link work again."""
    world = _world()
    _say(world, "4", "owner.changed", owner="u-sam")
    assert _task(world).doc["former"] == ["u-mia"]

    _say(world, "5", "task.reassigned", task=_task(world).key, to="u-lena")
    _say(world, "6", "task.reassigned", task=_task(world).key, to="u-mia")
    assert _task(world).doc["former"] == ["u-sam", "u-lena"]
    world.advance(START + timedelta(days=3))  # the level tells the sales lead

    assert _task(world).doc["former"] == ["u-sam"]


def test_as_many_former_assignees_are_remembered_as_there_is_room_for() -> None:
    """Whoever had it first is forgotten first."""
    task = _task(_world())
    for number in range(FORMER_MAX):
        handed_over(task, f"u-{number}", f"u-{number + 1}")

    assert len(task.doc["former"]) == FORMER_MAX
    assert not is_elsewhere(task.doc, "u-sam")
    assert is_elsewhere(task.doc, "u-0")
