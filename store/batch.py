"""A drain's batch as it is read: from rows to the values that the engine works on."""

from collections.abc import Callable
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any

from store.rows import Loaded, value_maker
from workflows.state import Input, State


def states_of(loaded: Loaded) -> dict[str, State]:
    """Return the state of every actor that has an input."""
    states: dict[str, State] = {}
    for row in loaded.inputs:
        if row[1] not in states:
            states[row[1]] = State(row[1])
    for key, doc in loaded.actors:
        states[key].doc = doc
    for actor, doc in loaded.accounts:
        states[actor].account = doc
    runs = sorted(
        map(_run, loaded.values["run"]),
        key=lambda run: (run.doc.get("number", 0), run.started_at, run.id),
    )
    for run in runs:
        states[run.actor].runs[run.id] = run
    # No database promises an order, and what is decided must not depend on it.
    ordered = {table: sorted(rows, key=_KEY[table]) for table, rows in loaded.values.items()}
    for ask in map(_ask, ordered["ask"]):
        states[ask.actor].asks[ask.key] = ask
    for task in map(_task, ordered["task"]):
        states[task.actor].tasks[task.key] = task
    for timer in map(_timer, ordered["timer"]):
        states[timer.actor].timers[timer.key] = timer
    for consent in map(_consent, ordered["consent"]):
        consent.granted = bool(consent.granted)
        states[consent.actor].consents[consent.channel, consent.topic] = consent
    return states


def in_order(inputs: list[Input]) -> list[Input]:
    """Return an actor's inputs, sorted by time, in the order they are to be handled.

    That is the same order, unless a clock was behind another when it accepted an event: then
    an event is older by its time than one that was there before it.
    """
    events = [one for one in inputs if one.timer is None]
    if all(one.seq <= other.seq for one, other in pairwise(events)):
        return inputs
    events.sort(key=attrgetter("seq"))
    places = [
        max((n for n, event in enumerate(events) if event.at <= one.at), default=-1)
        for one in inputs
        if one.timer is not None
    ]
    timers = list(zip(places, (one for one in inputs if one.timer is not None), strict=True))
    merged = [timer for place, timer in timers if place < 0]
    for number, event in enumerate(events):
        merged += [event, *(timer for place, timer in timers if place == number)]
    return merged


_KEY: dict[str, Callable[[list[Any]], Any]] = {
    table: itemgetter(0) for table in ("run", "ask", "task", "timer")
} | {"consent": itemgetter(0, 1, 2)}  # actor, channel, topic
_run, _ask, _task = value_maker("run"), value_maker("ask"), value_maker("task")
_timer, _consent = value_maker("timer"), value_maker("consent")
