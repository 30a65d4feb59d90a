"""Journeys: what is drawn, what is remembered, what the check finds in them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.replay import LIBRARY, Replay, balances, compiled, library
from workflows.check.findings import errors_of
from workflows.check.programme import check
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.policies_rewards import RewardLimit
from workflows.state import iso
from workflows.steps import journey_state

START = datetime(2027, 6, 7, 7, tzinfo=UTC)
WALK = Path(__file__).parents[1] / "scenarios" / "programmes" / "journeys"


@cache
def _walk() -> Programme:
    return compiled(WALK)


def _event(kind: str, number: int, contact: str, at: datetime, **data: Any) -> dict[str, Any]:
    return {
        "id": f"e-{contact}-{number}", "source": "test", "type": kind, "time": iso(at),
        "contact": contact, "person": {"email": f"{contact}@x.example"}, "data": data,
    }  # fmt: skip


def _poll_of(contact: str) -> int:
    """Return what the shipped journey's first answer brings somebody."""
    replay = Replay(library(), START)
    replay.event(_event("nps.answered", 1, contact, START, response="r-1", score=9))
    replay.event(_event("optin.confirmed", 2, contact, START))
    replay.advance(START + timedelta(days=1))
    replay.event(_event("journey.answered", 3, contact, replay.now, stage="poll"))
    (entry,) = [e for e in replay.entries if e.account == f"contact/{contact}"]
    assert set(balances(replay.entries).values()) == {0}
    return entry.delta


def test_a_draw_is_the_same_for_ever_and_varies_from_contact_to_contact() -> None:
    """Who answers is drawn one of the stage's amounts, the same on every replay."""
    drawn = [_poll_of(f"c-{number}") for number in range(30)]

    assert set(drawn) <= {10, 20, 50}
    assert len(Counter(drawn)) > 1
    assert drawn[:5] == [_poll_of(f"c-{number}") for number in range(5)]


def test_a_second_journey_earns_no_stage_twice() -> None:
    """Whoever walks it again is thanked; what was earned before is absorbed."""
    replay = Replay(library(), START)
    replay.event(_event("nps.answered", 1, "c-a", START, response="r-1", score=9))
    for number in (2, 4):
        replay.event(_event("optin.confirmed", number, "c-a", replay.now))
        replay.advance(replay.now + timedelta(days=1))
        replay.event(_event("journey.answered", number + 1, "c-a", replay.now, stage="poll"))
        (run,) = [r for r in replay.runs.values()
                  if r.workflow == "ambassador" and r.status == "live"]  # fmt: skip
        leave = _event("contact.unsubscribed", number + 10, "c-a", replay.now, topic="programme")
        replay.event(leave)
        assert replay.runs[run.id].ended_as == "left"
        replay.advance(replay.now + timedelta(days=1))

    thanks = [m for m, _ in replay.sent.values() if m.template == "step_thanks"]
    assert len([e for e in replay.entries if e.account == "contact/c-a"]) == 1
    assert [bool(m.doc["reward"]["amount"]) for m in thanks] == [True, False]


@pytest.mark.parametrize(("max_", "earned"), [(9, 0), (50, 1)])
def test_thanks_name_no_more_than_was_booked(max_: int, earned: int) -> None:
    """Beyond a limit of the rewards an answer is thanked, and its thanks promise nothing."""
    shipped = library()
    rewards = shipped.policies.rewards
    limited = rewards.model_copy(update={"limits": (RewardLimit(max=max_, within="90d"),)})
    policies = shipped.policies.model_copy(update={"rewards": limited})
    replay = Replay(replace(shipped, policies=policies), START)
    replay.event(_event("nps.answered", 1, "c-a", START, response="r-1", score=9))
    replay.event(_event("optin.confirmed", 2, "c-a", START))
    replay.advance(START + timedelta(days=1))
    replay.event(_event("journey.answered", 3, "c-a", replay.now, stage="poll"))

    (thanks,) = [m for m, _ in replay.sent.values() if m.template == "step_thanks"]
    booked = [e.delta for e in replay.entries if e.account == "contact/c-a"]
    assert len(booked) == earned
    assert thanks.doc["reward"]["amount"] == sum(booked)


def test_a_contact_remembers_so_many_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage closed first is forgotten first."""
    monkeypatch.setattr(journey_state, "STAGES_MAX", 1)
    replay = Replay(_walk(), START)
    replay.event(_event("optin.confirmed", 1, "c-a", START))
    replay.advance(START + timedelta(days=16))

    assert list(replay.states["contact/c-a"].doc["stages"]) == ["moon"]


def test_effort_rises_only_by_an_answer() -> None:
    """However often somebody skips, no stage is offered that takes more than the one skipped."""
    replay = Replay(_walk(), START)
    replay.event(_event("optin.confirmed", 1, "c-a", START))
    replay.advance(START + timedelta(days=200))

    offered = [fact["data"] for fact in replay.facts if fact["fact"] == "journey.offered"]
    assert [each["stage"] for each in offered] == ["sun", "moon", "moon"]
    assert {each["effort"] for each in offered} == {1}


BROKEN = [
    ("stage: moon,", "stage: sun,", "V024", "twice"),
    ("draw: {3: 1}", "amount: 3, draw: {3: 1}", "V020", "one of the two"),
    ("draw: {3: 1}", "draw: {3: 0}", "V015", "at least 1"),
    ("amount: 5", "amount: 0", "V015", "at least 1"),
    ("skips: 3", "skips: 0", "V015", "at least 1"),
    ("class: gentle", "class: gentel", "V042", "gentel"),
    ("thanks: bravo", "thanks: brava", "V051", "brava"),
    ("template: step, amount: 70", "template: stop, amount: 70", "V051", "stop"),
    ("every: 7d", "every: 7", "V030", "span"),
    ("within: 5d", "within: 5 d", "V030", "span"),
    ("{every: 2d, send", "{every: 2, send", "V030", "span"),
    ("finished: [", "done: [", "V022", "done"),
]


@pytest.mark.parametrize(("old", "new", "code", "said"), BROKEN, ids=[row[1] for row in BROKEN])
def test_what_is_wrong_in_a_journey_is_found(old: str, new: str, code: str, said: str) -> None:
    """Each mistake is a finding of its own, at its line."""
    files = dict(load_folder(WALK).files)
    path = "workflows/walk.yaml"
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    line = files[path][: files[path].index(new)].count("\n") + 1

    found = errors_of(check(load_programme(Folder(files))))

    assert code in {each.code for each in found}
    mine = next(each for each in found if each.code == code)
    assert mine.file == path
    assert said in mine.message + mine.help
    assert abs(mine.line - line) <= 1


def test_thanks_need_their_class() -> None:
    """Who thanks has a class transactional; without it the check says so."""
    files = dict(load_folder(WALK).files)
    files["programme.yaml"] = files["programme.yaml"].replace("transactional:", "other:")

    found = errors_of(check(load_programme(Folder(files))))

    assert any(each.code == "V042" and "thanks" in each.message for each in found)


def test_the_shipped_journey_promises_nothing() -> None:
    """No message that offers a stage names an amount: rewards are a surprise."""
    files = load_folder(LIBRARY).files
    offers = [text for path, text in files.items() if path.startswith("templates/journey_")]

    assert len(offers) == 30
    assert all("amount" not in text and "reward" not in text for text in offers)


def _without(stage: str) -> Programme:
    """Return the programme as a newer version has it, without one of its stages."""
    files = dict(load_folder(WALK).files)
    lines = files["workflows/walk.yaml"].splitlines(keepends=True)
    files["workflows/walk.yaml"] = "".join(line for line in lines if f"stage: {stage}," not in line)
    loaded = load_programme(Folder(files))
    return compile_programme(
        loaded.policies, loaded.workflows, templates=_walk().templates,
        catalogue=default_catalogue(),
    )  # fmt: skip


@pytest.mark.parametrize(("days", "answers"), [(1, False), (1, True), (8, False), (13, False)])
def test_a_stage_that_a_newer_version_dropped_holds_nobody_up(*, days: int, answers: bool) -> None:
    """A run that moved there on the way is thanked, offered the next stage, and comes to an end."""
    replay = Replay(_walk(), START)
    replay.event(_event("optin.confirmed", 1, "c-a", START))
    replay.advance(START + timedelta(days=days))
    replay.programme = _without("sun" if days == 1 else "moon")
    (run,) = [run for run in replay.runs.values() if run.workflow == "walk"]
    run.version = replay.programme.workflows["walk"].version
    if answers:
        replay.event(_event("journey.answered", 2, "c-a", replay.now, stage="sun"))
    replay.advance(START + timedelta(days=300))

    assert run.status == "ended"
    assert run.ended_as in ("done", "all_done")
    thanks = [m for m, _ in replay.sent.values() if m.template == "bravo"]
    assert len(thanks) == int(answers)
    assert replay.entries == []
