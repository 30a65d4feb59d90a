"""What must hold in every programme, whatever happens: SCENARIOS section A, property by property.

Programmes are made (tests/generated.py), streams are drawn; both shrink to what fails. The same
properties hold of the shipped programme in `test_engine_properties.py`, and on databases, under
faults, in `tests/simulation`.
"""

import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given

from tests.examples import examples
from tests.played import (
    Stream,
    busy_programme_of,
    crowded,
    play,
    programme_of,
    seeds,
    streams,
)
from workflows.durations import parse_span, subtract_span
from workflows.guard import SKIPS
from workflows.wallclock import zone_or

RULE = re.compile(r"made-\d@[0-9a-f]+/\S+|choice/\w+@[0-9a-f]*")


@examples(25)
@given(seeds, streams)
def test_nothing_leaves_without_consent(seed: int, stream: Stream) -> None:
    """A1: of what was said by the instant of the claim, the newest is no no; a no wins a tie."""
    world = play(programme_of(seed), stream)
    classes = world.programme.policies.classes

    for key, at in world.left_at.items():
        message, leave = world.sent[key]
        topic = classes[message.class_].consent if message.class_ in classes else ""
        said = world.noes.get((message.to, leave.channel, topic), ())
        heard = [word for word in said if topic and word.heard <= at]
        newest = max((word.time for word in heard), default=None)
        assert all(word.is_yes for word in heard if word.time == newest), (key, heard)


@examples(25)
@given(seeds, crowded)
def test_caps_hold_in_every_window(seed: int, stream: Stream) -> None:
    """A2: what asked for room found some: no window of a cap holds more than it allows."""
    world = play(busy_programme_of(seed % 8), stream)
    programme = world.programme
    for name, cap in programme.policies.caps.items():
        classes = {n for n, c in programme.policies.classes.items() if name in c.caps}
        left: defaultdict[str, list[tuple[Any, datetime]]] = defaultdict(list)
        for message, leave in world.sent.values():  # in the order in which they left
            whose = message.account if cap.per == "account" else message.to
            if message.class_ not in classes or not whose:
                continue
            before = left[whose]
            before.append((message, leave.planned))
            if message.uncapped or message.status == "reported":
                continue
            zone = zone_or(world.states[message.to].doc.get("zone", ""), programme.zone)[0]
            opens = subtract_span(
                leave.planned, parse_span(cap.within), zone=zone, office=programme.office
            )
            within = [each for each, planned in before if opens < planned <= leave.planned]
            assert len(within) <= cap.max, (name, [each.key for each in within])


@examples(25)
@given(seeds, streams)
def test_one_ask_is_open_and_somebody_wakes_every_run(seed: int, stream: Stream) -> None:
    """A2: a contact never has two asks, at no instant; and no run is left behind."""
    world = play(programme_of(seed), stream)

    assert world.asks_max <= 1
    waking = {timer.run for timer in world.timers.values()}
    waking |= {message.run for message in world.pending.values()}
    for run in world.runs.values():
        asleep = run.doc.get("wait") is None and run.id not in waking
        assert run.status == "ended" or "paused" in run.doc or not asleep, run.id


@examples(25)
@given(seeds, streams)
def test_the_same_events_have_the_same_facts(seed: int, stream: Stream) -> None:
    """A3, A8: nothing is drawn, read from a clock or remembered between two plays."""
    assert play(programme_of(seed), stream).facts == play(programme_of(seed), stream).facts


@examples(25)
@given(seeds, streams)
def test_balances_are_the_sums_of_a_book_that_says_why(seed: int, stream: Stream) -> None:
    """A4: every transaction sums to zero, every line names its cause and rule with its version."""
    world = play(programme_of(seed), stream)
    sums: Counter[tuple[str, str]] = Counter()
    held: Counter[tuple[str, str]] = Counter()
    for entry in world.entries:
        sums[entry.txn, entry.benefit] += entry.delta
        if not entry.benefit:
            held[entry.account, entry.bucket] += entry.delta
        assert entry.cause
        assert RULE.fullmatch(entry.rule), entry
        if entry.rule.startswith("made-"):
            assert entry.rule.partition("@")[2].partition("/")[0] in world.programme.versions

    assert not any(sums.values())
    for actor, state in world.states.items():
        balance = state.doc.get("balance", {})
        assert {b: n for b, n in balance.items() if n} == {
            bucket: n for (account, bucket), n in held.items() if account == actor and n
        }


@examples(25)
@given(seeds, streams)
def test_every_task_is_somebodys(seed: int, stream: Stream) -> None:
    """A5: an open task has an assignee, or an alarm that comes or has been told."""
    world = play(programme_of(seed), stream)
    alarms = {timer.subject for timer in world.timers.values() if timer.kind == "unassigned"}
    told = {m.doc["task"]["key"] for m, _ in world.sent.values() if m.doc.get("task")}
    told |= {m.doc["task"]["key"] for m in world.pending.values() if m.doc.get("task")}
    for task in world.tasks.values():
        if task.status == "open":
            assert task.assignee or task.key in alarms | told, task.key


@examples(25)
@given(seeds, streams)
def test_who_works_late_moves_no_due_time(seed: int, stream: Stream) -> None:
    """A5: a task is due as its events and the policies say, however late a worker is."""
    programme = programme_of(seed)
    in_time = play(programme, stream, afterwards=timedelta(minutes=10))
    late = play(programme, stream, delay=timedelta(seconds=40), afterwards=timedelta(minutes=10))

    due = {key: task.due_at for key, task in in_time.tasks.items()}
    assert {key: task.due_at for key, task in late.tasks.items()} == due


@examples(25)
@given(seeds, streams)
def test_whatever_is_skipped_has_a_reason(seed: int, stream: Stream) -> None:
    """A6: one of the guard's, in the fact too."""
    world = play(programme_of(seed), stream)

    assert set(world.skipped.values()) <= set(SKIPS)
    for fact in world.facts:
        if fact["fact"] in {"message.skipped", "ask.skipped"}:
            assert fact["data"]["reason"]
