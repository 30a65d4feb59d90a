"""What came before a run began though it happened after its trigger: exits and newer triggers.

A run that begins late lives through what it missed. It takes its steps as if it had begun in
time, and wherever time passes in it, what happened meanwhile ends it if an exit says so. So a
late trigger comes to the same as one in time: what was due at once is done (or, not yet sent,
taken back by the exit), and nothing after it.

Facts that another actor tells are news when they are told, whatever instant they are about: a
run that begins with one looks back for no exit. What happened in the same instant as the
trigger came before it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from workflows.adopted import ADOPTED
from workflows.compiled import CompiledExit, CompiledWorkflow
from workflows.state import Doc, Run, instant, iso
from workflows.turn import Turn

RESTARTED = "restarted"
"""How a run ends whose key a newer trigger has already."""
_PASSES = frozenset({"wait", "within", "limit"})
"""Timers at whose end a run goes on: what happened after them meets it only then."""


def past(
    workflow: CompiledWorkflow, event: Doc, per: str, recent: Iterable[Doc], *, told: bool
) -> list[Doc]:
    """Return what arrived before this run, happened since its trigger and would reach it.

    Where another actor `told` the trigger, no more than what `wait_for` and `seen` look back to.
    """
    name = workflow.definition.run.per
    since = instant(event["time"])
    return [
        each
        for each in recent
        if (each["type"] in workflow.heard or (each["type"] in workflow.left and not told))
        and instant(each["time"]) >= since
        and (each["id"], each["source"]) != (event["id"], event["source"])
        and (name in ("contact", "account") or each["data"].get(name, per) in (per, None))
    ]


def missed(turn: Turn, run: Run, events: Iterable[Doc], since: datetime) -> list[Doc]:
    """Return what the other record of a contact heard that would have ended a run of this one.

    Only what happened after `since`, when both became one: before, it was somebody else's.
    """
    workflow = turn.programme.of(run)
    if workflow.registered and run.per.startswith("account/"):
        return []  # a firm's run heard its people all along
    trigger = run.doc["trigger"]
    return [
        each
        for each in past(workflow, trigger, run.per, events, told=False)
        if each["type"] in workflow.left
        and instant(each["time"]) > max(since, instant(trigger["time"]))
    ]


def is_told(turn: Turn, event: Doc) -> bool:
    """Tell whether an event is a fact that another actor told, not one of this input's own."""
    if ADOPTED in event:
        return True  # the lead tells it to itself, in the place of a referrer who was forgotten
    return bool(event.get("fact")) and not str(event["id"]).startswith(f"{turn.mark}/")


def is_newer(run: Run, time: datetime) -> bool:
    """Tell whether what started a live run happened after a trigger of this instant."""
    return instant(run.doc["trigger"]["time"]) > time


def take(workflow: CompiledWorkflow, run: Run, seen: Sequence[Doc], overtaken: str) -> None:
    """Have a run know what it may look back to, and what it must live through.

    `overtaken` is when a newer trigger took its key, '' where none did.
    """
    if heard := [each for each in seen if each["type"] in workflow.heard]:
        run.doc["heard"] = heard
    since = instant(run.doc["trigger"]["time"])
    ahead = [
        each for each in seen if each["type"] in workflow.left and instant(each["time"]) > since
    ]
    if overtaken:
        ahead.append({"type": "", "time": overtaken})
    if ahead:
        run.doc["ahead"] = sorted(ahead, key=lambda each: instant(each["time"]))


def meet(turn: Turn, run: Run, *, waits: bool) -> tuple[str, Doc] | None:
    """Have a run meet what happened up to its time; the exit that ends it, and by what.

    While it `waits`, time passes up to the first of its timers at which it goes on.
    """
    until = _until(turn, run) if waits else instant(run.doc["time"])
    ahead = run.doc["ahead"]
    while ahead and (until is None or instant(ahead[0]["time"]) <= until):
        event = ahead.pop(0)
        if not ahead:
            del run.doc["ahead"]
        if not event["type"]:
            return RESTARTED, event
        if (leave := _exit(turn, run, event)) is not None:
            return leave.as_, event
    return None


def _until(turn: Turn, run: Run) -> datetime | None:
    due = (
        timer.due_at
        for timer in turn.state.timers.values()
        if timer.run == run.id and timer.kind in _PASSES
    )
    return min(due, default=None)


def _exit(turn: Turn, run: Run, event: Doc) -> CompiledExit | None:
    """Return the first exit that an event of the past fits, by what had been heard by then."""
    workflow = turn.programme.of(run)
    at = instant(event["time"])
    heard = run.doc.get("heard")
    if heard is not None:
        run.doc["heard"] = [each for each in heard if instant(each["time"]) <= at]
    try:
        for number, leave in enumerate(workflow.exits):
            if event["type"] in leave.types and turn.met(
                leave.if_, run, event, at=f"exit/{number}"
            ):
                return leave
    finally:
        if heard is not None:
            run.doc["heard"] = heard
    return None


def overtaking(runs: Iterable[Run], time: datetime) -> str:
    """Return when the first of these runs that are newer began, as an instant; '' for none."""
    newer = (instant(run.doc["trigger"]["time"]) for run in runs if is_newer(run, time))
    first = min(newer, default=None)
    return iso(first) if first else ""
