"""What an operator does: an input like any other, with who and when.

Each leaves a row among those who looked at the input: what was done, to which run, by whom, and
why not where it could not be done.
"""

from collections.abc import Callable

from workflows import holding, lifecycle
from workflows.domain import moving
from workflows.migration import Stays
from workflows.state import Doc, Run, instant
from workflows.steps import asking
from workflows.steps.outcome import Outcome
from workflows.turn import Turn

__all__ = ["RULES"]


def _run(turn: Turn, event: Doc) -> Run | None:
    run = turn.state.runs.get(event["data"]["run"])
    if run is None:
        _note(turn, event, None, "kept", reason="it has ended")
    return run


def _note(turn: Turn, event: Doc, run: Run | None, did: str, **more: str) -> None:
    """Write down what came of an operator's word."""
    data = event["data"]
    row: Doc = {"did": did, "by": str(data.get("by", "")), "run": data.get("run", "")}
    if run is not None:
        row |= {"workflow": run.workflow, "version": run.version}
    turn.looked.append(row | {name: value for name, value in more.items() if value})


def cancel_run(turn: Turn, event: Doc) -> bool:
    """End a run by hand, as an exit would."""
    run = _run(turn, event)
    if run is not None:
        as_ = str(event["data"].get("as", "cancelled"))
        turn.leaving.append((run.id, as_))
        _note(turn, event, run, "cancelled", reason=as_)
    return False


def pause_run(turn: Turn, event: Doc) -> bool:
    """Have a run take no step and send nothing until it is resumed."""
    run = _run(turn, event)
    if run is not None:
        paused = holding.pause(turn, run, str(event["data"].get("by", "")))
        _note(turn, event, run, "paused" if paused else "kept", step=holding.step_of(run),
              reason="" if paused else "it is paused already")  # fmt: skip
    return False


def resume_run(turn: Turn, event: Doc) -> bool:
    """Let a paused run go on, from when its step came to an end."""
    run = _run(turn, event)
    if run is None:
        return False
    if not holding.is_paused(run):
        _note(turn, event, run, "kept", reason="it is not paused")
        return False
    _note(turn, event, run, "resumed", step=holding.step_of(run))
    held = holding.release(turn, run)
    noted = held.get("outcome")
    if held.get("enter"):
        lifecycle.proceed(turn, run, held["enter"])
    elif noted:
        run.doc["at"] = noted["step"]
        outcome = Outcome(**noted["outcome"])
        turn.wake(run.id, noted["step"], outcome, instant(noted["time"]))
    else:
        asking.open_next(turn)
    return False


def retry_run(turn: Turn, event: Doc) -> bool:
    """Bring a run that failed back to life, at a step that it takes anew.

    The event carries the run's row: a run that has ended is not loaded, and never changes.

    Raises:
        UnknownVersionError: Its version is not in memory.
    """
    data, state = event["data"], turn.state
    row = data["row"]
    workflow = moving.version_of(turn, row["version"])
    same = (row["workflow"], row["per"])
    if row["id"] in state.runs or any((r.workflow, r.per) == same for r in state.runs.values()):
        _note(turn, event, None, "kept", reason="a run for the same is live")
        return False
    if workflow.registered:  # its account has noted the end, and may have begun another since
        _note(turn, event, None, "kept", reason="the contacts of an account share its runs")
        return False
    if data["step"] not in workflow.nodes:
        _note(turn, event, None, "kept", reason=f"its version has no step {data['step']}")
        return False
    run = Run(
        id=row["id"], actor=state.actor, workflow=row["workflow"], version=row["version"],
        per=row["per"], started_at=instant(row["started_at"]), doc=row["doc"],
    )  # fmt: skip
    run.doc["retries"] = run.doc.get("retries", 0) + 1
    run.doc.get("steps", {}).pop(data["step"], None)
    state.runs[run.id] = run
    turn.moved(run, turn.time)
    _note(turn, event, run, "retried", step=data["step"])
    lifecycle.proceed(turn, run, data["step"])
    return False


def migrate_run(turn: Turn, event: Doc) -> bool:
    """Lead a run over to another version of its workflow.

    Raises:
        UnknownVersionError: The version is not in memory.
    """
    run = _run(turn, event)
    if run is None:
        return False
    before, step = run.version, holding.step_of(run)
    came = moving.migrate(turn, run, event["data"]["version"], event["data"]["steps"])
    if came is None:
        _note(turn, event, run, "kept", step=step, reason="it has that version already")
    elif isinstance(came, Stays):
        _note(turn, event, run, "kept", step=step, reason=f"{step!r} {came.reason}")
    else:
        _note(turn, event, run, "migrated", **{"from": before}, step=came.step)
    return False


def withdraw_ask(turn: Turn, event: Doc) -> bool:
    """Take an ask back by hand; its run goes on with `withdrawn`."""
    ask = turn.state.asks.get(event["data"]["ask"])
    if ask is not None:
        asking.close(turn, ask, "withdrawn", "by_hand")
    _note(turn, event, None, "withdrawn" if ask else "kept", ask=event["data"]["ask"],
          reason="" if ask else "it is closed")  # fmt: skip
    return False


def noted(turn: Turn, event: Doc) -> bool:
    """Keep an operator's own line of what was asked for many at once."""
    _note(turn, event, None, str(event["data"]["verb"]))
    return False


RULES: dict[str, Callable[[Turn, Doc], bool]] = {
    "run.cancel": cancel_run,
    "run.pause": pause_run,
    "run.resume": resume_run,
    "run.retry": retry_run,
    "run.migrate": migrate_run,
    "ask.withdraw": withdraw_ask,
    "operator.did": noted,
}
"""What operators may say; nobody else can, since no catalogue has these types."""
