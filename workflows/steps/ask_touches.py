"""The messages of an ask: the one that opens it, its reminders, and what is set when one left."""

from datetime import datetime

from workflows.definition import Ask as AskSpec
from workflows.definition import Touch
from workflows.expressions import EvaluationError
from workflows.nodes import Node
from workflows.state import Ask, Run, instant, iso
from workflows.steps import sending
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn


def spec_in(node: Node) -> AskSpec:
    """Return what a node asks."""
    spec = node.step.ask
    assert spec is not None  # noqa: S101 - the verb says so
    return spec


def begin(turn: Turn, run: Run, node: Node) -> Waits | Outcome:
    """Begin an ask: it is pending until its first message has left."""
    spec = spec_in(node)
    try:
        before = sending.instant_of(turn, run, node)
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="before", error=str(error))
        return Outcome("skipped", reason="expired")
    key = run.effect(node.name)
    ask = Ask(key, turn.state.actor, run.id, run.workflow, node.name, spec.kind)
    turn.state.asks[key] = ask
    run.doc["wait"] = {"ask": key}
    send(
        turn,
        run,
        ask,
        Touch(template=spec.template, by=spec.by),
        "ask",
        1,
        since=instant(run.doc["time"]),
        before=before,
    )
    return Waits()


def send(
    turn: Turn,
    run: Run,
    ask: Ask,
    touch: Touch,
    class_: str,
    number: int,
    *,
    since: datetime,
    before: datetime | None = None,
) -> None:
    """Queue the opening message or a reminder; its outcome comes back as an event."""
    cycle = ask.doc.get("cycle", 1)
    key = f"{ask.key}/{cycle}/touch{number}"
    ask.doc["message"] = key
    turn.changes.asks[ask.key] = ask
    letter = sending.Letter(
        key=key,
        step=ask.step,
        template=touch.template,
        class_=class_,
        to=turn.state.actor,
        by=touch.by,
        before=before,
        awaited=True,
        ask=ask.key,
        touch=number,
        since=since,
    )
    sending.queue(turn, run, letter)


def send_again(turn: Turn, run: Run, ask: Ask) -> None:
    """Queue anew the message that an ask waits for: the one queued before was dropped."""
    spec = spec_of(turn, ask)
    if spec is None:
        return
    touch = int(ask.doc["message"].rpartition("/touch")[2])
    ask.doc["cycle"] = ask.doc.get("cycle", 1) + 1
    if touch == 1 or spec.reminders is None:
        opening = Touch(template=spec.template, by=spec.by)
        send(turn, run, ask, opening, "ask", 1, since=instant(run.doc["time"]))
    else:
        send(turn, run, ask, spec.reminders.send[touch - 2], "reminder", touch, since=turn.time)
    turn.save_run(run)


def left(turn: Turn, ask: Ask, touch: int, planned: datetime) -> None:
    """Open the ask with its first message, or count a reminder."""
    ask.touches = touch
    turn.changes.asks[ask.key] = ask
    if touch > 1:
        _fact(turn, "ask.reminded", ask, touch)
        return
    ask.status = "open"
    ask.opened_at = ask.opened_at or turn.now
    ask.doc["first"] = iso(planned)
    _fact(turn, "ask.opened", ask, 1)


def _fact(turn: Turn, kind: str, ask: Ask, touch: int) -> None:
    turn.fact(
        kind, ask.key, run=run_of(turn, ask), step=ask.step, ask=ask.key, kind=ask.kind,
        touch=touch,
    )  # fmt: skip


def plan_next(turn: Turn, ask: Ask, touch: int, planned: datetime) -> None:
    """Set the timer of the next reminder, or of silence after the last."""
    spec = spec_of(turn, ask)
    run = run_of(turn, ask)
    if spec is None or run is None:
        return
    if spec.within and touch == 1:
        silence = turn.add(planned, spec.within)
        turn.set_timer(
            "silent",
            f"{ask.key}/silent",
            silence,
            name=f"{ask.step}/silent",
            run=run,
            subject=ask.key,
        )
    reminders = spec.reminders
    if reminders is None:
        return
    due = turn.add(planned, reminders.every)
    if touch <= len(reminders.send):
        turn.set_timer(
            "reminder",
            f"{ask.key}/reminder{touch}",
            due,
            name=f"{ask.step}/reminder{touch}",
            run=run,
            subject=ask.key,
        )
    elif not spec.within:
        turn.set_timer(
            "silent", f"{ask.key}/silent", due, name=f"{ask.step}/silent", run=run, subject=ask.key
        )


def run_of(turn: Turn, ask: Ask) -> Run | None:
    """Return the run that asks; None when it is with another record."""
    return turn.state.runs.get(ask.run)


def spec_of(turn: Turn, ask: Ask) -> AskSpec | None:
    """Return what an ask's step says in the version its run has."""
    run = run_of(turn, ask)
    return spec_in(turn.programme.of(run).nodes[ask.step]) if run else None
