"""What is due counts from when it happened: late news may show that this was earlier.

An alarm that several events make together, or a look at what somebody did twice, is due from the
event that made them enough in order of time. Where that turns out to be an earlier one than was
known, the task that is open already is due earlier; nothing makes it due later.
"""

from datetime import datetime

from workflows.nodes import Node
from workflows.state import Doc, Run, Task, instant, iso
from workflows.turn import Turn


def task(turn: Turn, key: str, since: datetime, due: str) -> None:
    """Have an open task of the engine's own be due from an instant, if that is earlier."""
    found = turn.state.tasks.get(key)
    if found is not None:
        _due(turn, found, turn.add(since, due))


def fact(turn: Turn, kind: str, was: str, at: datetime, data: Doc) -> None:
    """Have what a fact of this actor began count from an earlier instant than it bore.

    Runs that are still where it started them, and tasks due from it.
    """
    before = instant(was)
    for run in turn.state.runs.values():
        trigger = run.doc["trigger"]
        if trigger["type"] != kind or instant(trigger["time"]) != before:
            continue
        run.doc["trigger"] = {**trigger, "time": iso(at), "data": data}
        if instant(run.doc["time"]) == before:
            run.doc["time"] = iso(at)
            _limit(turn, run, before, at)
        turn.save_run(run)
    for open_ in list(turn.state.tasks.values()):
        node = _node(turn, open_, kind)
        spec = node.step.task if node else None
        if node is None or spec is None or open_.due_at != turn.add(before, spec.due):
            continue
        _due(turn, open_, turn.add(at, spec.due))
        for number, level in enumerate(spec.levels, 1):
            name = f"level{number}"
            _move(turn, f"{open_.key}/{name}", turn.add(open_.due_at, level.after))


def _node(turn: Turn, open_: Task, kind: str) -> Node | None:
    """Return the step of a task that a run of this kind of fact opened."""
    workflow = turn.programme.versions.get(open_.doc.get("version", ""))
    return workflow.nodes.get(open_.step) if workflow and kind in workflow.types else None


def _limit(turn: Turn, run: Run, before: datetime, at: datetime) -> None:
    node = turn.programme.of(run).nodes[run.doc["at"]]
    spec = node.step.task
    key = f"{run.id}/{node.name}/within"
    timer = turn.state.timers.get(key)
    if spec and spec.within and timer and timer.due_at == turn.add(before, spec.within):
        _move(turn, key, turn.add(at, spec.within))


def _due(turn: Turn, open_: Task, due: datetime) -> None:
    if due < open_.due_at:
        open_.due_at = due
        turn.save_task(open_)
        _move(turn, f"{open_.key}/due", due)


def _move(turn: Turn, key: str, due: datetime) -> None:
    """Move a timer that is still set; one that fired stays fired."""
    timer = turn.state.timers.get(key)
    if timer is not None and due < timer.due_at:
        run = turn.state.runs.get(timer.run)
        turn.set_timer(timer.kind, key, due, name=timer.name, run=run, subject=timer.subject)
