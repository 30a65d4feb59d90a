"""A paused run: it takes no step and sends nothing, while the world and the clock go on.

What its waiting step comes to meanwhile (a limit that passes, the event it waits for, a task
that is closed) is noted with its own time, and the run goes on from there when it is resumed.
Timers that would send something are kept in the run until then.
"""

from dataclasses import asdict
from datetime import datetime

from workflows.state import Doc, Run, Timer, instant, iso
from workflows.steps.outcome import Outcome
from workflows.turn import Turn

GOES_ON = frozenset(
    {
        *("wait", "within", "limit", "silent", "queue", "stage"),
        *("due", "level", "unassigned"),
        *("hold", "park", "attribution"),
    }
)
"""Kinds of timers that fire all the same: they tell the time, or belong to a task or reward."""


def is_paused(run: Run | None) -> bool:
    """Tell whether a run is paused."""
    return run is not None and "paused" in run.doc


def pause(turn: Turn, run: Run, by: str) -> bool:
    """Stop a run where it is; False if it is paused already."""
    if is_paused(run):
        return False
    run.doc["paused"] = {"at": iso(turn.now), "by": by}
    turn.save_run(run)
    return True


def hold_outcome(turn: Turn, run: Run, step: str, outcome: Outcome, time: datetime) -> None:
    """Note what the waiting step came to, and when; the run waits in no step any more.

    Nothing may come of that step a second time, so that only the first outcome counts.
    """
    said = {name: value for name, value in asdict(outcome).items() if value}
    run.doc["paused"]["outcome"] = {"step": step, "time": iso(time), "outcome": said}
    run.doc.pop("wait", None)
    run.doc.pop("at", None)
    turn.save_run(run)


def hold_timer(turn: Turn, timer: Timer) -> bool:
    """Keep a due timer of a paused run for later; False if it fires all the same."""
    run = turn.state.runs.get(timer.run)
    if run is None or "paused" not in run.doc or timer.kind in GOES_ON:
        return False
    kept = {name: getattr(timer, name) for name in ("key", "kind", "name", "subject")}
    run.doc["paused"].setdefault("timers", []).append({**kept, "due": iso(timer.due_at)})
    turn.save_run(run)
    return True


def release(turn: Turn, run: Run) -> Doc:
    """Set the timers that were kept, due as they were, and return what was noted.

    One whose ask or task is over meanwhile is dropped.
    """
    held: Doc = run.doc.pop("paused")
    turn.save_run(run)
    live = turn.state.asks.keys() | turn.state.tasks.keys()
    for kept in held.get("timers", ()):
        if not kept["subject"] or kept["subject"] in live:
            turn.set_timer(
                kept["kind"], kept["key"], instant(kept["due"]),
                name=kept["name"], run=run, subject=kept["subject"],
            )  # fmt: skip
    return held


def step_of(run: Run) -> str:
    """Return the step a live run stands in, paused or not; '' before its first."""
    noted = run.doc.get("paused", {}).get("outcome")
    return str(noted["step"] if noted else run.doc.get("at", ""))
