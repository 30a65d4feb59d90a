"""Runs paused and resumed at any time: nothing is lost, nothing is done twice."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, balances, library
from tests.unit.test_engine_properties import CONTACTS, START, _feed, inputs
from workflows.state import iso


def _say(world: Replay, verb: str, number: int) -> None:
    """Pause or resume every run that is live, as operators do."""
    for run in list(world.runs.values()):
        if run.status == "live":
            world.event(
                {"id": f"{verb}/{run.id}/{number}", "source": "vouch/operator", "fact": True,
                 "type": f"run.{verb}", "time": iso(world.now), "lead": "", "account": "",
                 "contact": run.actor.removeprefix("contact/"),
                 "data": {"run": run.id, "by": "u-sam"}},
                run.actor,
            )  # fmt: skip


def _start() -> Replay:
    world = Replay(library(), START)
    for contact in CONTACTS:
        world.event({"id": f"known-{contact}", "source": "crm", "type": "contact.updated",
                     "time": iso(START), "contact": contact, "account": "acme", "lead": "",
                     "data": {"email": f"{contact}@acme.example", "first_name": "A",
                              "owner": "u-sam"}})  # fmt: skip
    return world


def _play(given_inputs: list[Any], words: list[str]) -> Replay:
    world = _start()
    for number, (hours, what) in enumerate(given_inputs):
        world.advance(world.now + timedelta(hours=hours))
        _feed(world, what)
        if number < len(words) and words[number]:
            _say(world, words[number], number)
    world.advance(world.now + timedelta(days=20))
    _say(world, "resume", len(given_inputs))
    world.advance(world.now + timedelta(days=400))
    return world


@examples(60)
@given(inputs(), st.lists(st.sampled_from(("pause", "resume", "")), max_size=14))
def test_a_pause_loses_and_doubles_nothing(given_inputs: list[Any], words: list[str]) -> None:
    """No message, entry or ask twice; once resumed, every run has what wakes it, or ends."""
    world = _play(given_inputs, words)  # which asserts that no key is decided twice

    assert not any(balances(world.entries).values())
    open_asks = Counter(a.actor for a in world.asks.values() if a.status in ("pending", "open"))
    assert all(number == 1 for number in open_asks.values())
    waking = {timer.run for timer in world.timers.values()}
    for run in world.runs.values():
        assert "paused" not in run.doc
        asleep = run.doc.get("wait") is None and run.id not in waking
        assert run.status == "ended" or not asleep, f"nothing ever wakes {run.id}"


@examples(60)
@given(inputs(), st.lists(st.sampled_from(("pause", "")), min_size=1, max_size=14))
def test_a_paused_run_sends_nothing(given_inputs: list[Any], words: list[str]) -> None:
    """What leaves belongs to runs that are not paused, or tells of a task."""
    world = _start()
    for number, (hours, what) in enumerate(given_inputs):
        world.advance(world.now + timedelta(hours=hours))
        _feed(world, what)
        if words[number % len(words)]:
            _say(world, "pause", number)
        paused = {run.id for run in world.runs.values() if "paused" in run.doc}
        before = set(world.sent)
        world.advance(world.now + timedelta(days=3))
        left = [world.sent[key][0] for key in set(world.sent) - before]
        assert [m.key for m in left if m.run in paused and not m.doc.get("task")] == []
