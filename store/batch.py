"""A drain's batch as it is read: from rows to the values that the engine works on."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from store.rows import Loaded, value_maker
from workflows.state import State


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


_KEY: dict[str, Callable[[list[Any]], Any]] = {
    table: itemgetter(0) for table in ("run", "ask", "task", "timer")
} | {"consent": itemgetter(0, 1, 2)}  # actor, channel, topic
_run, _ask, _task = value_maker("run"), value_maker("ask"), value_maker("task")
_timer, _consent = value_maker("timer"), value_maker("consent")
