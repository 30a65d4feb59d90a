"""What is done about a lead goes on at the lead when whoever recommended it is forgotten."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.replay import Replay, compiled
from workflows.compiled import Programme
from workflows.domain.handovers import HANDED_MAX
from workflows.domain.moving import UnknownVersionError
from workflows.engine import decide
from workflows.state import Changes, Doc, Input, iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
RELAY = Path(__file__).parents[1] / "scenarios" / "programmes" / "relay"
ADA, RUI = "contact/c-ada", "contact/l-rui"


@cache
def _relay() -> Programme:
    return compiled(RELAY)


def _event(world: Replay, id_: str, kind: str, contact: str, **data: Any) -> Doc:
    said = data.get("lead")
    lead = said["id"] if isinstance(said, dict) else said or ""
    return {"id": id_, "source": "crm", "type": kind, "time": iso(world.now), "lead": lead,
            "contact": contact, "account": "", "data": data}  # fmt: skip


def _say(world: Replay, id_: str, kind: str, contact: str = "", **data: Any) -> None:
    event = _event(world, id_, kind, contact, **data)
    world.event(event, f"contact/{contact or event['lead']}")


def _world(days: int) -> Replay:
    """Return a world in which Ada recommended Rui so many days ago."""
    world = Replay(_relay(), START)
    _say(world, "1", "contact.updated", "c-ada", first_name="Ada", email="ada@um.example")
    _say(world, "2", "referral.submitted", "c-ada", code="ADA-1",
         lead={"id": "l-rui", "name": "Rui", "email": "rui@dois.example"})  # fmt: skip
    _say(world, "3", "message.sent", "c-ada")
    world.advance(START + timedelta(days=days))
    return world


def _thanked(world: Replay) -> None:
    """Say that the first mail left: the run that waits for it goes on."""
    ((key, run),) = [(m.key, m.run) for m, _ in world.sent.values() if m.template == "thanks"]
    sent = _event(world, "sent", "message.sent", "c-ada", message=key)
    sent["data"]["planned"] = iso(START + timedelta(hours=1))
    sent |= {"run": run, "fact": True}
    world.event(sent, ADA)


def test_what_goes_over_says_nothing_of_who_recommended() -> None:
    """Not the run, not the task, not the timers, and nothing of them is left behind."""
    world = _world(1)
    _thanked(world)
    world.advance(START + timedelta(days=2, hours=1))
    assert [task.title for task in world.tasks.values()] == ["Call Rui for Ada"]
    before = next(iter(world.tasks.values()))
    was = (before.key, before.due_at, before.assignee, before.opened_at)

    _say(world, "4", "contact.erase_requested", "c-ada")

    rui, ada = world.states[RUI], world.states[ADA]
    (task,) = rui.tasks.values()
    assert (task.key, task.due_at, task.assignee, task.opened_at) == was
    assert task.title == "Call Rui for somebody who asked to be forgotten"
    assert [run.workflow for run in ada.runs.values()] == ["farewell"]
    assert (ada.tasks, ada.timers) == ({}, {})
    assert {timer.kind for timer in rui.timers.values()} >= {"due", "level"}
    (run,) = rui.runs.values()
    for word in ("Ada", "c-ada", "ADA-1", "um.example"):
        assert word not in f"{run} {task} {list(rui.timers.values())}"


def test_what_is_said_of_the_task_where_it_was_reaches_it() -> None:
    """The CRM closed it while it was on its way to the lead."""
    world = _world(1)
    _thanked(world)
    world.advance(START + timedelta(days=2, hours=1))
    (key,) = world.tasks
    _say(world, "4", "contact.erase_requested", "c-ada")

    _say(world, "5", "task.closed", "c-ada", task=key, said="yes")

    assert world.tasks[key].status == "done"
    (run,) = (run for run in world.runs.values() if run.workflow == "relay")
    assert (run.actor, run.ended_as) == (RUI, "done")
    assert {m.to for m in world.pending.values()} | {m.to for m, _ in world.sent.values()} <= {
        ADA, "staff/u-a", "staff/u-b"  # one mail to Ada, before
    }  # fmt: skip
    assert not world.entries


def test_a_lead_with_two_records_is_called_once() -> None:
    """What is handed to the record that remains is not handed to the one that was merged, too."""
    world = _world(1)
    _thanked(world)
    world.advance(START + timedelta(days=2, hours=1))
    _say(world, "m-1", "contact.updated", "c-rui", first_name="Rui", email="rui@tres.example")
    _say(world, "m-2", "contact.merged", "c-rui", into="l-rui")
    _say(world, "4", "contact.erase_requested", "c-ada")

    alias = world.states["contact/c-rui"]
    assert alias.doc["merged_into"] == "l-rui"
    assert (alias.runs, alias.tasks, alias.timers) == ({}, {}, {})
    assert len(world.states[RUI].tasks) == 1


def test_news_on_its_way_to_who_recommended_goes_back_to_the_lead() -> None:
    """The lead was accepted for somebody who is forgotten by the time they would hear of it."""
    world = _world(0)
    ada = world.states[ADA]
    for id_ in list(ada.runs):
        del ada.runs[id_]
    ada.doc["referrals"], told = {}, {}
    ada.doc |= {"erased_at": iso(world.now)}
    sub = next(iter(world.states[RUI].doc["referred"]["line"].values()))
    told = {"id": "x", "source": "vouch", "type": "referral.accepted", "fact": True,
            "time": iso(world.now), "contact": "c-ada", "lead": "l-rui",
            "data": {"referral": sub["id"], "lead": "l-rui", "stage": "accepted", "code": "ADA-1"},
            "referral": {**sub, "lead": {"id": "l-rui", "name": "Rui"}}}  # fmt: skip
    world.event(told, ADA)

    rui = world.states[RUI]
    (known,) = rui.doc["referred"]["subs"].values()
    assert (known["referrer"]["id"], known["code"]) == ("", "")
    (run,) = rui.runs.values()
    assert (run.workflow, run.doc["at"]) == ("relay", "pause")
    assert not ada.runs


def test_a_run_whose_version_is_not_known_is_left_for_later() -> None:
    """Nothing of the lead has changed when the process finds that it has to read a version."""
    world = _world(2)
    state = deepcopy(world.states[ADA])
    changes = Changes()
    item = Input(ADA, world.now, 1, event=_event(world, "4", "contact.erase_requested", "c-ada"))
    decide(_relay(), state, item, now=world.now, changes=changes, loads={})
    (pack,) = [each for each in changes.forwards if each.actor == RUI]
    pack.event["data"]["runs"][0]["version"] = "f" * 20

    before = deepcopy(world.states[RUI].doc)
    item = Input(RUI, world.now, 2, event=pack.event)
    with pytest.raises(UnknownVersionError):
        decide(_relay(), world.states[RUI], item, now=world.now, changes=Changes(), loads={})
    assert {k: v for k, v in world.states[RUI].doc.items() if k != "times"} == before


def test_only_so_many_tasks_are_remembered() -> None:
    """Of whoever had more, the first to be handed on are found by their key alone."""
    world = _world(1)
    _thanked(world)
    world.advance(START + timedelta(days=2, hours=1))
    handed = {f"t-{number}": "l-x" for number in range(HANDED_MAX)}
    world.states[ADA].doc["handed"] = handed
    _say(world, "4", "contact.erase_requested", "c-ada")

    assert len(world.states[ADA].doc["handed"]) == HANDED_MAX
    assert "t-0" not in world.states[ADA].doc["handed"]


_HARBOUR = """
programme: pier
zone: Europe/Lisbon
locales: [en]
channels: [email]
classes: {plain: {}}
staff: {u-a: {name: A}}
roles: {post: [u-a]}
contests:
  short:
    period: [2027-03-01T00:00, 2027-03-20T00:00]
    freeze: 2027-03-21T12:00
    entries: [{event: review.posted, weight: 2, max: 1}]
    winners: 1
    seed: env:VOUCH_SHORT
    seed_sha256: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
    gifts: {event: review.posted, stock: {mug: 1}}
"""
_POST = """
workflow: post
trigger: {event: gift.reserved}
run: {per: gift}
steps:
  - task: {to: post, title: "Send {{ contact.name }} it", due: 1bd}
"""


@pytest.mark.parametrize(("is_sent", "gift"), [(False, "c-b"), (True, "")])
def test_a_gift_that_nobody_sent_goes_back_into_stock(
    tmp_path: Path, *, is_sent: bool, gift: str
) -> None:
    """Whoever comes next gets it; one that is on its way is gone."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "programme.yaml").write_text(_HARBOUR, encoding="utf-8")
    (tmp_path / "workflows" / "post.yaml").write_text(_POST, encoding="utf-8")
    world = Replay(compiled(tmp_path), START)
    _say(world, "1", "review.posted", "c-a", url="https://one.example")
    world.advance(START + timedelta(minutes=1))
    (task,) = world.tasks.values()
    if is_sent:
        _say(world, "2", "task.closed", "c-a", task=task.key)

    _say(world, "3", "contact.erase_requested", "c-a")
    _say(world, "4", "review.posted", "c-b", url="https://two.example")
    world.advance(START + timedelta(minutes=2))

    tasks = {task.actor for task in world.tasks.values() if task.status == "open"}
    assert tasks == ({f"contact/{gift}"} if gift else set())
