"""A run's life: started, led from step to step, ended or left."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from workflows import holding, looking_back
from workflows.adopted import ADOPTED, ERASED, allows
from workflows.compiled import CompiledWorkflow
from workflows.domain import handing
from workflows.nodes import END, Node
from workflows.state import Doc, Run, instant, iso
from workflows.steps import (
    ask_history,
    ask_reviving,
    asking,
    calling,
    crediting,
    journeying,
    sending,
    tasking,
    waiting,
)
from workflows.steps.outcome import Ended, Goto, Outcome, Waits
from workflows.turn import SILENT_TIMERS, Turn

Taken = Outcome | Waits | Goto | Ended
"""What taking a step can come to."""

__all__ = ["SILENT_TIMERS", "end", "leave", "proceed", "resume", "start"]

ENDED_MAX = 1_000
"""Keys of ended runs an actor remembers per workflow, for `again: once` and `cooldown`."""


def run_id(actor: str, workflow: str, per: str, source: str, event: str) -> str:
    """Return a run's id: the same for the same actor, workflow, run key and trigger."""
    mark = f"{actor}\n{workflow}\n{per}\n{source}\n{event}"
    return sha256(mark.encode()).hexdigest()[:24]


def start(
    turn: Turn, workflow: CompiledWorkflow, event: Doc, per: str, seen: list[Doc], overtaken: str
) -> Run:
    """Begin a run; it takes its first step by `proceed`.

    `seen` is what came before it though it happened after its trigger, `overtaken` when a newer
    trigger took its key.
    """
    number = turn.doc.get("run_count", 0) + 1  # runs of one instant are told apart by it
    turn.doc["run_count"] = number
    turn.save()
    run = Run(
        id=run_id(turn.state.actor, workflow.name, per, event["source"], event["id"]),
        actor=turn.state.actor,
        workflow=workflow.name,
        version=workflow.version,
        per=per,
        started_at=turn.now,
        doc={"trigger": event, "time": event["time"], "at": workflow.first, "number": number},
    )
    if seen or overtaken:
        looking_back.take(workflow, run, seen, overtaken)
    turn.state.runs[run.id] = run
    turn.save_run(run)
    turn.fact("run.started", run.id, run=run, per=per)
    return run


def proceed(turn: Turn, run: Run, name: str) -> None:
    """Take steps from `name` on, until one waits or the run ends."""
    workflow = turn.programme.of(run)
    turn.save_run(run)
    while True:
        if _is_over(turn, run):
            return
        if name == END:
            break
        node = workflow.nodes[name]
        run.doc["at"] = name
        run.doc.pop("wait", None)
        match _take(turn, run, node):
            case Waits():
                _is_over(turn, run, waits=True)
                return
            case Ended(as_=as_):
                end(turn, run, as_)
                return
            case Goto(name=follows):
                name = follows
            case Outcome() as result:
                follows_or_none = _leave_step(turn, run, node, result)
                if follows_or_none is None:
                    end(turn, run, "failed")
                    return
                name = follows_or_none
    end(turn, run, "done")


def _take(turn: Turn, run: Run, node: Node) -> Taken:
    """Take a step, unless its `if` is false, or the run took it before it went back."""
    if "done" in run.doc and (known := ask_reviving.again(run, node.name)) is not None:
        return known
    if not turn.met(node.if_, run, at=node.name):
        return Outcome("skipped", reason="if")
    if ADOPTED in run.doc["trigger"] and not allows(node):
        return Outcome("skipped", reason=ERASED)
    return _ENTER[node.verb](turn, run, node)


def catch_up(turn: Turn, run: Run, missed: list[Doc]) -> None:
    """Let a live run meet what would have reached it, had what we know now been known then."""
    if missed and run.status == "live":
        known = run.doc.get("ahead", ())
        run.doc["ahead"] = sorted([*known, *missed], key=lambda each: instant(each["time"]))
        _is_over(turn, run, waits=True)


def _is_over(turn: Turn, run: Run, *, waits: bool = False) -> bool:
    """Let a run that began late meet what happened meanwhile; True where that ended it."""
    if "ahead" not in run.doc:
        return False
    met = looking_back.meet(turn, run, waits=waits)
    turn.save_run(run)
    if met is None:
        return False
    as_, event = met
    now, turn.time = turn.time, instant(event["time"])
    leave(turn, run, as_)
    turn.time = now
    return True


def resume(turn: Turn, run: Run, node: Node, outcome: Outcome, time: datetime) -> None:
    """Go on after the step a run waited in; a paused one notes only what the step came to."""
    if "paused" in run.doc:
        holding.hold_outcome(turn, run, node.name, outcome, time)
        return
    turn.moved(run, time)
    follows = _leave_step(turn, run, node, outcome)
    if follows is None:
        turn.save_run(run)
        end(turn, run, "failed")
    else:
        proceed(turn, run, follows)


def _leave_step(turn: Turn, run: Run, node: Node, outcome: Outcome) -> str | None:
    """Note a step's outcome; return what follows, None where a failure ends the run."""
    noted: Doc = {"outcome": outcome.name, "at": iso(turn.now)}
    for field in ("reason", "event", "amount", "free_at"):
        value = getattr(outcome, field)
        if value:
            noted[field] = value
    run.doc.setdefault("steps", {})[node.name] = noted
    if handing.is_handing(run) and handing.decided(turn, run, node, outcome):
        return None
    if outcome.name in node.then:
        return node.then[outcome.name]
    return None if outcome.name == "failed" else node.after


def _switch(turn: Turn, run: Run, node: Node) -> Goto:
    for condition, first in node.branches:
        if turn.holds(condition, run, where=f"{run.workflow}/{node.name}"):
            return Goto(first)
    return Goto(node.after)


def _stop(turn: Turn, run: Run, node: Node) -> Ended:
    return Ended(node.step.stop or "stopped")


_ENTER: dict[str, Callable[[Turn, Run, Node], Taken]] = {
    "send": sending.enter,
    "ask": asking.enter,
    "task": tasking.enter,
    "wait": waiting.enter_wait,
    "wait_for": waiting.enter_wait_for,
    "switch": _switch,
    "journey": journeying.enter,
    "credit": crediting.enter,
    "call": calling.enter,
    "emit": crediting.emit,
    "set": crediting.set_fields,
    "stop": _stop,
}
"""What taking a step does, by its verb; `check` refuses the verbs that are not here yet."""


def end(turn: Turn, run: Run, as_: str) -> None:
    """End a run by itself: what is pending elsewhere (open tasks) stays."""
    run.status = "ended"
    run.ended_at = turn.now
    run.ended_as = as_
    run.doc.pop("wait", None)
    run.doc.pop("paused", None)
    turn.state.runs.pop(run.id, None)
    turn.cut_timers(as_, run=run.id)
    turn.save_run(run)
    _remember_end(turn, run)
    if "asks_closed" in turn.doc:
        ask_history.over(turn, run)
    turn.fact("run.ended", run.id, run=run, **{"as": as_})
    if handing.is_handing(run):
        handing.over(turn)


def leave(turn: Turn, run: Run, as_: str) -> None:
    """End a run by an exit: timers go, the open ask is withdrawn, open tasks are cancelled.

    Messages not yet sent are dropped by the guard when their time comes (`stopped`).
    """
    turn.cut_timers(as_, run=run.id)
    run.status = "ended"  # so that nothing below resumes it
    run.doc["left"] = True  # the guard drops what it queued and did not send yet
    for ask in list(turn.state.asks.values()):
        if ask.run == run.id:
            asking.close(turn, ask, "withdrawn", as_)
    for task in list(turn.state.tasks.values()):
        if task.run == run.id:
            tasking.cancel(turn, task, as_)
    end(turn, run, as_)


def _remember_end(turn: Turn, run: Run) -> None:
    workflow = turn.programme.of(run)
    if workflow.registered and run.per.startswith("account/"):
        time = run.doc.get("time", iso(turn.now))
        tell_over(turn, run.per, run.workflow, run.id, time)  # the account remembers
        return
    policy = workflow.definition.run
    if policy.again != "once" and not policy.cooldown:
        return
    ended = turn.doc.setdefault("ended", {}).setdefault(run.workflow, {})
    time = run.doc.get("time", iso(turn.now))
    known = ended.pop(run.per, time)  # of one that began late, what came before it may be newer
    ended[run.per] = max(time, known, key=instant)
    while len(ended) > ENDED_MAX:
        del ended[min(ended, key=lambda per: (ended[per], per))]
    turn.save()


def tell_over(turn: Turn, account: str, workflow: str, run: str, time: str) -> None:
    """Tell an account that the run which its contacts shared is over, and when its time was."""
    turn.forward(account, {
        "id": run, "source": "vouch/run.over", "type": "run.over", "fact": True,
        "time": iso(turn.time), "contact": "", "depth": turn.depth + 1,
        "data": {"workflow": workflow, "run": run, "time": time},
    })  # fmt: skip
