"""A schedule's actor: sets its timer, fires once, and reaches the contacts page by page.

Firings missed while nothing ran are one: the latest. The others had the same to do.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from events.errors import VouchError
from workflows.compiled import CompiledWorkflow
from workflows.cron import parse_cron
from workflows.durations import parse_span, subtract_span
from workflows.expressions import EvaluationError, Expression, activation
from workflows.schedules import PAGE, SET, due_event
from workflows.state import Doc, Timer, instant, iso
from workflows.turn import Turn
from workflows.wallclock import zone_or

LOOK_AGAIN = timedelta(seconds=2)
"""When to look again, where this worker does not know the newest programme yet."""
PATIENCE = timedelta(minutes=1)
"""How long it may take a worker to learn of the newest programme; then the firing is given up."""

_SECOND = timedelta(seconds=1)


class ScheduleError(VouchError):
    """A firing cannot go on as it began: the programme is another than the one it is of."""

    code = "schedule"


def set_(turn: Turn, event: Doc) -> bool:
    """Take over the schedule of the programme just applied; the same one goes on undisturbed."""
    said = event["data"]
    key = turn.state.actor
    same = (turn.doc.get("schedule"), turn.doc.get("zone")) == (said["schedule"], said["zone"])
    if same and (key in turn.state.timers or not said["schedule"]):
        return False
    turn.doc.update(schedule=said["schedule"], zone=said["zone"])
    turn.save()
    turn.cut_timer(key, "schedule")
    if said["schedule"]:
        _set_timer(turn, parse_cron(said["schedule"]).next(turn.time, _zone(turn)))
    return False


def fire(turn: Turn, timer: Timer) -> None:
    """Start what is due: a run without contact, or the first page of contacts.

    The run's time is the firing's, however late a worker comes to it.
    """
    name = turn.state.actor.partition("/")[2]
    due = instant(timer.subject) if timer.subject else timer.due_at
    workflow = turn.programme.workflows.get(name)
    known = workflow.definition.trigger.schedule if workflow else ""
    zone = _zone(turn)
    if workflow is None or known != turn.doc["schedule"]:
        if turn.now - due < PATIENCE:
            _set_timer(turn, turn.now + LOOK_AGAIN, due)
        else:
            _set_timer(turn, parse_cron(turn.doc["schedule"]).next(turn.now, zone))
        return
    cron = parse_cron(known)
    fired = max(due, cron.last(turn.now, zone))
    _set_timer(turn, cron.next(fired + _SECOND, zone))
    if workflow.definition.trigger.each:
        _next_page(turn, name, fired, [0, ""])
    else:
        turn.queue.append((due_event(name, fired, ""), 1))


def page(turn: Turn, event: Doc) -> bool:
    """Put a firing into the inboxes of a page of contacts, then ask for the next page.

    Only those for whom the trigger's `if` holds get it. Their own actor asks again, under its
    lock: what was read here may have changed meanwhile.
    """
    name = turn.state.actor.partition("/")[2]
    if not turn.doc.get("schedule"):
        return False  # taken out of the programme while it was under way
    workflow, found = turn.programme.workflows.get(name), turn.page
    if workflow is None or found is None:
        raise ScheduleError(
            f"the firing of {name} of {event['data']['due']} cannot go on here",
            hint="replay it: vouch dead replay",
        )
    fired = instant(event["data"]["due"])
    for actor, doc, account in found.contacts:
        if doc and _wanted(turn, workflow, doc, account):
            turn.forward(actor, due_event(name, fired, actor.partition("/")[2]))
    if found.after is not None:
        _next_page(turn, name, fired, list(found.after))
    return False


def _next_page(turn: Turn, name: str, fired: datetime, after: list[object]) -> None:
    turn.forward(turn.state.actor, {
        "id": f"{name}@{iso(fired)}/{after[0]}/{after[1]}", "source": "vouch", "type": PAGE,
        "time": iso(fired), "contact": "", "data": {"due": iso(fired), "after": after},
        "fact": True,
    })  # fmt: skip


def _wanted(turn: Turn, workflow: CompiledWorkflow, doc: Doc, account: Doc) -> bool:
    """Tell whether a contact is to have the firing; where that cannot be told, they are asked."""
    condition: Expression | None = workflow.if_
    if doc.get("merged_into"):
        return False
    if condition is None:
        return True
    programme = turn.programme
    zone = zone_or(doc.get("zone", ""), programme.zone)[0]

    def ago(span: str) -> datetime:
        return subtract_span(turn.now, parse_span(span), zone=zone, office=programme.office)

    names = {"contact": doc, "account": account, "programme": programme.facts}
    try:
        return condition.evaluate(activation(names, turn.now, ago)) is True
    except EvaluationError:
        return True


def _zone(turn: Turn) -> ZoneInfo:
    return zone_or(turn.doc.get("zone", ""), turn.programme.zone)[0]


def _set_timer(turn: Turn, due: datetime, fired: datetime | None = None) -> None:
    name = turn.state.actor.partition("/")[2]
    turn.set_timer(
        "schedule", turn.state.actor, due, name=name, subject=iso(fired) if fired else ""
    )


RULES = {SET: set_, PAGE: page}
"""What an actor that keeps firings is told."""
