"""The one interpreter: an input, an actor as it is, and what comes of it.

Pure: no clock, no store, no randomness. The same arguments give the same changes, so a
crash between deciding and committing costs nothing, and a test plays a month in a moment.

The order within one event (LANGUAGE section 4): the domain's own rules apply it, then live
runs it reaches, oldest first, then triggers by name, then the facts made meanwhile follow
as events of the same instant.
"""

from datetime import datetime

from events.errors import VouchError
from workflows import account_runs, holding, lifecycle, members, rehearsing, triggers
from workflows.adopted import ADOPTED, FORGOTTEN, of_leads
from workflows.compiled import CompiledWorkflow, Programme
from workflows.domain import (
    earning,
    eligibility,
    ledger_past,
    merged_work,
    merging,
    moments,
    rules,
    schedules,
    syncing,
)
from workflows.state import Changes, Doc, Input, Record, Run, State, Timer, instant, iso
from workflows.steps import (
    ask_history,
    asking,
    journey_answers,
    journeying,
    task_timers,
    tasking,
    waiting,
)
from workflows.turn import CHAIN_MAX, Turn

RECENT_MAX = 50
"""Events an actor remembers for runs that a late trigger starts (they look back)."""
HEARD_MAX = 100
"""Events a run remembers for its `wait_for` and `seen()`."""


class ChainError(VouchError):
    """Facts that follow from facts in one instant went round in a circle."""

    code = "chain-too-long"


def decide(
    programme: Programme,
    state: State,
    item: Input,
    *,
    now: datetime,
    changes: Changes,
    loads: dict[str, int],
) -> None:
    """Handle one input of one actor: `state` moves on, `changes` gathers what is to be written.

    Args:
        programme: The newest programme, with the older versions that live runs keep.
        state: The actor as it is; consumed, so that the next input of the batch sees it.
        item: The event or due timer.
        now: The instant at which the decision is made.
        changes: What the batch wants written.
        loads: Open tasks per person, and by `queue.NAME` whose turn it is: kept up over the batch.

    Raises:
        ChainError: More than `CHAIN_MAX` facts followed from each other in one instant.
        Exception: A defect; the caller sets the input aside and leaves the others unharmed.
    """
    turn = Turn(programme, state, changes, now, loads)
    turn.at, turn.page, turn.members = item.at, item.page, item.members
    if item.timer is not None:
        turn.cause = item.timer.key
        turn.mark = f"{item.timer.key}@{iso(item.timer.due_at)}"
        _fire(turn, item.timer)
    elif item.event is not None:
        event = dict(item.event)
        event.setdefault("arrived", iso(item.at))
        turn.cause = event["id"]
        turn.mark = f"{event['source']}#{event['id']}"
        turn.queue.append((event, event.get("depth", 0)))
    _settle_all(turn)
    while moments.look_again(turn):
        _settle_all(turn)
    if turn.meets:
        merged_work.keep_oldest(turn)
        _settle_all(turn)
    while turn.doubted is not None:
        since, turn.doubted = turn.doubted, None
        eligibility.doubted(turn, since)
        _settle_all(turn)
    tasking.refresh_flags(turn)
    if programme.syncs:
        syncing.look(turn)
        _settle_all(turn)
    turn.look_afresh()
    kind = item.timer.name if item.timer else (item.event or {}).get("type", "")
    doc: Doc = {"type": kind, "looked": turn.looked, "facts": turn.facts}
    if turn.runs:
        doc["runs"] = list(turn.runs)
    changes.records.append(Record(state.actor, now, turn.cause, doc))


def _settle_all(turn: Turn) -> None:
    """Handle the event and what follows from it, until nothing more follows."""
    while turn.queue:
        event, turn.depth = turn.queue.popleft()
        if turn.depth > CHAIN_MAX:
            message = (
                f"more than {CHAIN_MAX} facts followed from each other, the last {event['type']}"
            )
            raise ChainError(message, hint="two workflows start each other: give one an `if`")
        _handle(turn, event)


def _handle(turn: Turn, event: Doc) -> None:
    turn.event = event
    turn.echo = event["type"]
    turn.time = instant(event["time"])
    turn.look_afresh()  # conditions must not see the last event
    if "merged_into" in turn.doc and not event.get("to_alias") and merging.pass_on(turn, event):
        return
    if members.TOLD in event:
        if members.is_theirs(turn, event):
            _runs_hear(turn, event)
        return
    register = _HANDLERS.get(event["type"])
    if register is not None:
        register(turn, event, _show)
        _settle(turn)
        return
    applies = rules.apply(turn, event)
    if event.get("fact"):
        turn.echo = ""  # it was stated: what runs state from here on is another one
    for run_id, as_ in turn.leaving:
        if run_id in turn.state.runs:
            lifecycle.leave(turn, turn.state.runs[run_id], as_)
    turn.leaving.clear()
    if not applies:
        _settle(turn)
        return
    moments.note(turn, event)
    _runs_hear(turn, event)
    members.pass_on(turn, event)
    wanted = [
        workflow.name
        for workflow in _started_by(turn, event)
        if triggers.look(turn, workflow, event, _settle)
    ]
    if turn.programme.shared:
        account_runs.tell(turn, event, wanted)


def _started_by(turn: Turn, event: Doc) -> tuple[CompiledWorkflow, ...]:
    """Return the workflows that an event may start here.

    At somebody forgotten none but those about that: who else must hear of it, what is left to do.
    """
    if "erased_at" in turn.doc and event["type"] != FORGOTTEN:
        return ()
    found = turn.programme.by_type.get(event["type"], ())
    return of_leads(found, event) if ADOPTED in event else found


def _rehearse(turn: Turn, event: Doc, _show: account_runs.Show) -> None:
    rehearsing.rehearse(turn, event, decide)


_HANDLERS = {**account_runs.HANDLERS, ledger_past.PAST: _rehearse}


# -- live runs -----------------------------------------------------------------------------------


def _runs_hear(turn: Turn, event: Doc) -> None:
    """Show an event to the live runs that it reaches, oldest first, and keep it for later ones."""
    for run in list(turn.state.runs.values()):
        if run.status == "live" and _reaches(turn, run, event):
            _offer(turn, run, event)
            _settle(turn, run.id)  # whom the rules woke hears of its exits before it goes on
    _settle(turn)
    tasking.outside(turn, event)
    _settle(turn)
    if "asks_closed" in turn.doc:
        ask_history.hear(turn, event, _reaches)
        _settle(turn)
    _remember(turn, event)


def _reaches(turn: Turn, run: Run, event: Doc) -> bool:
    """Tell whether nothing that both carry differs: the contact or account, the `per` field."""
    trigger = run.doc["trigger"]
    if event["id"] == trigger["id"] and event["source"] == trigger["source"]:
        return False  # its own trigger
    if (ADOPTED in trigger) is not (ADOPTED in event):
        return False  # of a referrer who was forgotten, and of the lead itself
    workflow = turn.programme.of(run)
    per = workflow.definition.run.per
    if per in ("contact", "account"):  # both are this actor's, or the account's to pass on
        return not (workflow.registered and run.per.startswith("account/"))
    said = event["data"].get(per)
    return said is None or said == trigger["data"].get(per)


def _show(turn: Turn, run: Run, event: Doc) -> None:
    """Show an event that the account passed on to a run that it reaches."""
    trigger = run.doc["trigger"]
    if event["id"] != trigger["id"] or event["source"] != trigger["source"]:
        _offer(turn, run, event)
        _settle(turn)


def _offer(turn: Turn, run: Run, event: Doc) -> None:
    """Show an event to a run: its exits, its open task, its waiting step."""
    workflow = turn.programme.of(run)
    kind = event["type"]
    if kind in workflow.heard:
        heard = run.doc.setdefault("heard", [])
        heard.append(
            {
                "type": kind,
                "time": event["time"],
                "id": event["id"],
                "source": event["source"],
                "data": event["data"],
            }
        )
        del heard[:-HEARD_MAX]
        turn.save_run(run)
    for number, leave in enumerate(workflow.exits):
        if kind in leave.types and turn.met(leave.if_, run, event, at=f"exit/{number}"):
            lifecycle.leave(turn, run, leave.as_)
            return
    tasking.done_by(turn, run, event)
    if kind in workflow.heard:
        waiting.offer(turn, run, event)
    asking.offer(turn, run, event)
    if kind == "journey.answered":
        journey_answers.offer(turn, run, event)


def _settle(turn: Turn, only: str = "") -> None:
    """Lead on every run that something above woke, in the order woken; or `only` one of them."""
    others = []
    while turn.woken:
        woken = turn.woken.popleft()
        run_id, step, outcome, time = woken
        if only and run_id != only:
            others.append(woken)
            continue
        run = turn.waiting_in(run_id, step)
        if run is not None:
            node = turn.programme.of(run).nodes[step]
            lifecycle.resume(turn, run, node, outcome, time)
    turn.woken.extend(others)


def _remember(turn: Turn, event: Doc) -> None:
    """Keep an event that a run started by a late trigger may look back to."""
    if event["type"] not in turn.programme.heard:
        return
    recent = turn.doc.setdefault("recent", [])
    recent.append({key: event[key] for key in ("id", "source", "type", "time", "data")})
    del recent[:-RECENT_MAX]
    turn.save()


# -- timers --------------------------------------------------------------------------------------


def _fire(turn: Turn, timer: Timer) -> None:
    """Wake what a due timer promised to wake; one that was cut meanwhile does nothing."""
    if turn.state.timers.pop(timer.key, None) is None:
        return
    turn.changes.timers_set.pop(timer.key, None)
    turn.changes.timers_cut[timer.key] = timer
    turn.time = timer.due_at
    if holding.hold_timer(turn, timer):
        return
    run = turn.state.runs.get(timer.run)
    if timer.kind not in lifecycle.SILENT_TIMERS:
        turn.fact("timer.fired", timer.key, run=run, timer=timer.name, due=iso(timer.due_at))
    _WAKES[timer.kind](turn, timer)
    _settle(turn)


_WAKES = {
    "wait": waiting.wake,
    "within": waiting.wake,
    "limit": task_timers.limit,
    "level": task_timers.level,
    "due": task_timers.overdue,
    "unassigned": task_timers.unassigned,
    "reminder": asking.remind,
    "silent": asking.silent,
    "snooze": asking.renew,
    "queue": asking.gave_up,
    "offer": journeying.go_on,
    "nudge": journeying.remind,
    "stage": journeying.skipped,
    **earning.WAKES,
    "park": rules.park_passed,
    "attribution": rules.attribution_passed,
    "moments": moments.wake,
    "schedule": schedules.fire,
}
