"""`wait` and `wait_for`: let a span pass, or wait for an event that reaches the run."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from workflows.expressions import EvaluationError
from workflows.nodes import Node
from workflows.state import Doc, Run, Timer, instant
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn
from workflows.wallclock import at_time_of_day, local_to_utc, time_of_day


def enter_wait(turn: Turn, run: Run, node: Node) -> Waits | Outcome:
    """Wait until the span has passed; a wait whose end is past goes on at once."""
    spec = node.step.wait
    assert spec is not None  # noqa: S101 - the verb says so
    since = instant(run.doc["time"])
    start = since
    if node.value is not None:
        try:
            start = _instant(turn, node.value.evaluate(turn.values(run)))
        except (EvaluationError, ValueError) as error:
            turn.fact("condition.failed", run=run, step=node.name, where="from", error=str(error))
            return Outcome("failed", reason=str(error))
    due = turn.add(start, spec.for_) if spec.for_ else start
    if spec.at:
        wall = turn.programme.slot if spec.at == "slot" else time_of_day(spec.at)
        due = at_time_of_day(due, wall, turn.zone, after=max(start, since))
    if due <= turn.now:
        turn.moved(run, due)
        return Outcome("done")
    turn.set_timer("wait", f"{run.id}/{node.name}", due, name=node.name, run=run)
    return Waits()


def _instant(turn: Turn, value: object) -> datetime:
    """Return the instant a wait counts from; a date is its midnight in the contact's zone."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    text = str(value)
    if len(text) == len("2027-01-04"):
        day = date.fromisoformat(text)
        return local_to_utc(datetime(day.year, day.month, day.day), turn.zone)  # noqa: DTZ001
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else local_to_utc(at, turn.zone)


def enter_wait_for(turn: Turn, run: Run, node: Node) -> Waits | Outcome:
    """Look back to what reached the run since its trigger, then wait for the rest."""
    spec = node.step.wait_for
    assert spec is not None  # noqa: S101 - the verb says so
    run.doc["wait"] = {"seen": []}
    since = instant(run.doc["trigger"]["time"])
    past = [h for h in run.doc.get("heard", ()) if instant(h["time"]) >= since]
    outcome = _count(turn, run, node, sorted(past, key=lambda h: h["time"]))
    if outcome is not None:
        if outcome.event is not None:  # it moves the run as if it came now
            turn.moved(run, instant(outcome.event["time"]))
        return outcome
    if spec.within:
        due = turn.add(instant(run.doc["time"]), spec.within)
        turn.set_timer("within", f"{run.id}/{node.name}", due, name=node.name, run=run)
    return Waits()


def _count(turn: Turn, run: Run, node: Node, events: Iterable[Doc]) -> Outcome | None:
    """Use up the events that match; the outcome once there are enough different ones."""
    spec = node.step.wait_for
    assert spec is not None  # noqa: S101 - the verb says so
    used = run.doc.setdefault("used", [])
    seen = run.doc["wait"]["seen"]
    for event in events:
        key = f"{event['source']}#{event['id']}"
        if event["type"] not in spec.event or key in used:
            continue
        if not turn.met(node.beside, run, event, at=node.name):
            continue
        mark: object = key
        if node.distinct is not None:
            try:
                mark = node.distinct.evaluate(turn.values(run, event))
            except EvaluationError:
                continue
        used.append(key)
        if mark in seen:
            continue
        seen.append(mark)
        if len(seen) >= spec.times:
            brief = {"type": event["type"], "time": event["time"], "data": event["data"]}
            return Outcome(event["type"], event=brief)
    return None


def offer(turn: Turn, run: Run, event: Doc) -> None:
    """Show an event to the step a run waits in."""
    node = turn.programme.of(run).nodes.get(run.doc.get("at", ""))
    if node is None or node.step.wait_for is None or "seen" not in run.doc.get("wait", {}):
        return
    if instant(event["time"]) < instant(run.doc["trigger"]["time"]):
        return
    outcome = _count(turn, run, node, [event])
    turn.save_run(run)
    if outcome is not None:
        turn.cut_timer(f"{run.id}/{node.name}", event["type"])
        turn.wake(run.id, node.name, outcome, instant(event["time"]))


def wake(turn: Turn, timer: Timer) -> None:
    """A wait's span, or a wait_for's limit, is over."""
    run = turn.state.runs.get(timer.run)
    if run is None or run.doc.get("at") is None:
        return
    outcome = Outcome("done" if timer.kind == "wait" else "timeout")
    turn.wake(run.id, run.doc["at"], outcome, timer.due_at)
