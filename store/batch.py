"""A drain's batch between rows and the values that the engine works on."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Any

from events.errors import VouchError
from store.rows import Loaded, Row, doc_text, message_row, newest, row_maker, value_maker
from store.wordless import event_without
from workflows.state import Changes, Doc, Input, State, iso, slice_of


class StraySliceError(VouchError):
    """A batch decided something about an actor whose slice it does not hold."""

    code = "stray-slice"


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


def changed_rows(changes: Changes, *, held: frozenset[int], now: datetime) -> dict[str, list[Row]]:
    """Return what changes, by table.

    Raises:
        StraySliceError: State changes of an actor whose slice is not held: another drain
            may be working on it.
    """
    rows = _owned_rows(changes)
    for table, each in rows.items():
        stray = {row[0] for row in each} - held
        if stray:
            raise StraySliceError(
                f"a batch of slices {sorted(held)} decided a {table} of {sorted(stray)}",
                hint="what concerns another actor is an event put into its inbox",
            )
    rows["outbox"] = [message_row(each) for each in changes.messages.values()]
    rows["ledger"] = [_entry_row(each) for each in changes.entries]
    rows["consent"] = [_consent_row(each) for each in newest(changes.consents)]
    rows["inbox"] = [(slice_of(f.actor), f.actor, now, f.event) for f in changes.forwards]
    if changes.erasures:
        rows["erasure"] = [_erasure_row(each) for each in changes.erasures]
    rows["decision"] = [(slice_of(r.actor), r.actor, r.at, r.cause, r.doc) for r in changes.records]
    return rows


def _owned_rows(changes: Changes) -> dict[str, list[Row]]:
    return {
        "actor": [_actor_row(key, doc) for key, doc in changes.actors.items()],
        "run": [_run_row(each) for each in changes.runs.values()],
        "ask": [_ask_row(each) for each in changes.asks.values()],
        "task": [_task_row(each) for each in changes.tasks.values()],
        "timer": [_timer_row(each) for each in changes.timers_set.values()],
    }


def _actor_row(key: str, doc: Doc) -> Row:
    columns = (doc_text(doc, "email"), doc_text(doc, "phone"), doc_text(doc, "account"))
    return (slice_of(key), key, *columns, doc)


def dead_row(one: Input, error: str, now: datetime, *, wordless: bool = False) -> Row:
    """Return the dead letter of an input, with all that replaying it needs.

    `wordless`: without what it says of somebody who was erased, who would refuse it anyway.
    """
    if one.timer is None:
        doc = event_without(one.event or {}) if wordless else one.event or {}
        what = ("event", str(doc.get("type", "")))
    else:
        timer = one.timer
        doc = {"key": timer.key, "due_at": iso(timer.due_at), "name": timer.name}
        doc |= {"kind": timer.kind, "run": timer.run, "subject": timer.subject}
        what = ("timer", timer.kind)
    return (slice_of(one.actor), one.actor, now, *what, error, one.tries, "dead", doc)


_KEY: dict[str, Callable[[list[Any]], Any]] = {
    table: itemgetter(0) for table in ("run", "ask", "task", "timer")
} | {"consent": itemgetter(0, 1, 2)}  # actor, channel, topic
_run, _ask, _task = value_maker("run"), value_maker("ask"), value_maker("task")
_timer, _consent = value_maker("timer"), value_maker("consent")
_run_row, _ask_row, _task_row = row_maker("run"), row_maker("ask"), row_maker("task")
_timer_row, _consent_row = row_maker("timer"), row_maker("consent")
_erasure_row = row_maker("erasure")
_entry_row = row_maker("ledger", owner="account")
