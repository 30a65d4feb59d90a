"""A live run goes over to another version of its workflow.

What it waits for stays as it began: its timers keep their due times, an open task its levels,
an open ask its reminders so far. From there on the new version leads it.
"""

from typing import ClassVar

from events.errors import VouchError
from workflows import holding, lifecycle
from workflows.compiled import CompiledWorkflow
from workflows.migration import Given, Goes, Stays, place_in
from workflows.state import Run, instant
from workflows.steps import asking, tasking
from workflows.turn import Turn


class UnknownVersionError(VouchError):
    """A version of a workflow that this process has not read yet."""

    code: ClassVar[str] = "unknown-version"

    def __init__(self, version: str) -> None:
        super().__init__(
            f"no workflow of version {version!r} is known here",
            hint="apply the programme that holds it, then replay the dead letter",
        )
        self.version = version


def version_of(turn: Turn, version: str) -> CompiledWorkflow:
    """Return a version by its hash.

    Raises:
        UnknownVersionError: It is not in memory; whoever called reads it and comes again.
    """
    found = turn.programme.versions.get(version)
    if found is None:
        raise UnknownVersionError(version)
    return found


def migrate(turn: Turn, run: Run, to: str, given: Given) -> Goes | Stays | None:
    """Lead a run over to another version; None if it is there already.

    Raises:
        UnknownVersionError: The version is not in memory.
    """
    if run.version == to:
        return None
    new, old = version_of(turn, to), turn.programme.of(run)
    if new.name != run.workflow:
        return Stays(f"belongs to {run.workflow}, and the version to {new.name}")
    step = holding.step_of(run)
    found = place_in(old.nodes, new.nodes, step, given)
    if isinstance(found, Stays):
        return found
    run.version = new.version
    _hear_of_more(turn, run, new)
    _rename_outcomes(run, given)
    turn.save_run(run)
    if found.enters:
        _enter(turn, run, step, found.step)
    else:
        _rename(turn, run, step, found.step)
    return found


def _hear_of_more(turn: Turn, run: Run, new: CompiledWorkflow) -> None:
    """Give the run what its actor remembers of events that only the new version looks back to."""
    heard = run.doc.get("heard", [])
    known = {(each["source"], each["id"]) for each in heard}
    since = instant(run.doc["trigger"]["time"])
    more = [
        past
        for past in turn.doc.get("recent", ())
        if past["type"] in new.heard
        and instant(past["time"]) >= since
        and (past["source"], past["id"]) not in known
    ]
    if more:
        run.doc["heard"] = sorted([*heard, *more], key=lambda each: str(each["time"]))


def _rename_outcomes(run: Run, given: Given) -> None:
    """Let `steps.NEW` say what became of a step that the mapping calls otherwise now."""
    outcomes = run.doc.get("steps", {})
    renamed = {old: new for old, new in given.items() if isinstance(new, str)}
    run.doc["steps"] = {renamed.get(name, name): said for name, said in outcomes.items()}


def _rename(turn: Turn, run: Run, old: str, new: str) -> None:
    """Go on waiting: in the run, its ask, its tasks and timers the step has its new name."""
    version = run.version
    for task in turn.state.tasks.values():
        if task.run == run.id and task.step == old:
            task.step, task.doc["version"] = new, version
            turn.save_task(task)
    if old == new:
        return
    noted = run.doc.get("paused", {}).get("outcome")
    if noted:
        noted["step"] = new
    else:
        run.doc["at"] = new
    for ask in turn.state.asks.values():
        if ask.run == run.id and ask.step == old:
            ask.step = new
            turn.changes.asks[ask.key] = ask
    for timer in list(turn.state.timers.values()):
        if timer.run == run.id and timer.name.split("/")[0] == old:
            name = new + timer.name.removeprefix(old)
            own = timer.subject in turn.state.asks or timer.subject in turn.state.tasks
            key, subject = timer.key, timer.subject
            if not own:
                key, subject = _moved(key, run, old, new), _moved(subject, run, old, new)
            turn.cut_timer(timer.key, "migrated")
            turn.set_timer(timer.kind, key, timer.due_at, name=name, run=run, subject=subject)


def _moved(key: str, run: Run, old: str, new: str) -> str:
    """Return a key of the run's step under the step's new name.

    Keys begin with the run and the step, `run/step`, whatever follows.
    """
    before = f"{run.id}/{old}"
    same = key == before or key.startswith(f"{before}/")
    return f"{run.id}/{new}{key.removeprefix(before)}" if same else key


def _enter(turn: Turn, run: Run, old: str, new: str) -> None:
    """Give up the step it waits in, as an exit would, and take the new one."""
    turn.cut_timers("migrated", run=run.id)
    run.doc.pop("wait", None)
    run.doc.pop("at", None)
    for ask in list(turn.state.asks.values()):
        if ask.run == run.id:
            asking.close(turn, ask, "withdrawn", "migrated")
    for task in list(turn.state.tasks.values()):
        if task.run == run.id and task.step == old:
            tasking.cancel(turn, task, "migrated")
    turn.moved(run, turn.time)
    if holding.is_paused(run):
        run.doc["paused"] |= {"enter": new, "timers": []}
        run.doc["paused"].pop("outcome", None)
        turn.save_run(run)
    else:
        lifecycle.proceed(turn, run, new)
