"""`ask`: a question to the contact, opened, reminded, and closed with a graceful no."""

from datetime import datetime

from workflows.definition import Touch
from workflows.nodes import Node
from workflows.state import Ask, Doc, Run, Timer, instant, iso
from workflows.steps import ask_history, ask_touches
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn

SNOOZES_MAX = 2
"""How often *later* begins an ask anew; once more counts as *not now*."""


def enter(turn: Turn, run: Run, node: Node) -> Waits | Outcome:
    """Open an ask, or wait while another is open: one per contact."""
    if turn.state.asks:
        run.doc["wait"] = {"queue": True}
        due = turn.add(instant(run.doc["time"]), turn.programme.policies.defer)
        turn.set_timer(
            "queue",
            f"{run.id}/{node.name}/queue",
            due,
            name=node.name,
            run=run,
            subject=f"{run.id}/{node.name}",
        )
        return Waits()
    return ask_touches.begin(turn, run, node)


# -- what became of its messages ------------------------------------------------------------------


def message_outcome(turn: Turn, event: Doc) -> None:
    """Open, go on with, or drop an ask by what became of its message."""
    data = event["data"]
    ask = turn.state.asks.get(data.get("ask", ""))
    if ask is None or ask.doc.get("message") != data.get("message"):
        return
    ask.doc.pop("message")
    planned = instant(data["planned"]) if data.get("planned") else turn.time
    touch = int(data.get("touch", 1))
    if event["type"] == "message.sent":
        ask_touches.left(turn, ask, touch, planned)
    elif touch == 1:
        close(turn, ask, "skipped", data.get("reason", "failed"), time=planned)
        return
    ask_touches.plan_next(turn, ask, touch, planned)


# -- timers ---------------------------------------------------------------------------------------


def remind(turn: Turn, timer: Timer) -> None:
    """A reminder is due: queue it, planned from the timer's due time."""
    ask = turn.state.asks.get(timer.subject)
    spec = ask and ask_touches.spec_of(turn, ask)
    if not ask or not spec:
        return
    run = turn.state.runs[ask.run]
    number = int(timer.name.rpartition("/reminder")[2])
    if spec.reminders is None or number > len(spec.reminders.send):
        if f"{ask.key}/silent" not in turn.state.timers:  # moved to a version with fewer of them
            close(turn, ask, "silent", "", time=timer.due_at)
        return
    ask_touches.send(
        turn, run, ask, spec.reminders.send[number - 1], "reminder", number + 1, since=timer.due_at
    )


def silent(turn: Turn, timer: Timer) -> None:
    """Nobody answered in time."""
    ask = turn.state.asks.get(timer.subject)
    if ask is not None:
        close(turn, ask, "silent", "", time=timer.due_at)


def renew(turn: Turn, timer: Timer) -> None:
    """A snooze is over: the ask begins anew, at touch 1 and without `before`."""
    ask = turn.state.asks.get(timer.subject)
    spec = ask and ask_touches.spec_of(turn, ask)
    if not ask or not spec:
        return
    ask.doc["cycle"] = ask.doc.get("cycle", 1) + 1
    run = turn.state.runs[ask.run]
    ask_touches.send(
        turn, run, ask, Touch(template=spec.template, by=spec.by), "ask", 1, since=timer.due_at
    )


def gave_up(turn: Turn, timer: Timer) -> None:
    """Another ask stayed open too long: this one is skipped."""
    step = timer.name
    run = turn.waiting_in(timer.run, step)
    if run is None or not run.doc.get("wait", {}).get("queue"):
        return
    spec = ask_touches.spec_in(turn.programme.of(run).nodes[step])
    turn.fact(
        "ask.skipped",
        timer.subject,
        run=run,
        step=step,
        ask=timer.subject,
        kind=spec.kind,
        reason="open_ask",
    )
    turn.wake(run.id, step, Outcome("skipped", reason="open_ask"), timer.due_at)


# -- answers --------------------------------------------------------------------------------------


def answer(turn: Turn, event: Doc) -> None:
    """Apply *gladly*, *not now*, *later* or *never*; a word to a closed ask is only kept."""
    data = event["data"]
    if data["answer"] == "never":
        turn.doc["no_asks"] = True
        turn.save()
    ask = turn.state.asks.get(data["ask"])
    if ask is None:
        if ask_history.answered(turn, event):
            return
        ask = ask_history.reopened(turn, event)
    if ask is None or ask.status == "pending":
        turn.fact(
            "ask.answered", data["ask"], ask=data["ask"], answer=data["answer"], reason="closed"
        )
        if data["answer"] == "never":
            withdraw_all(turn, "no_asks")  # nor does what is asked meanwhile go on
        return
    match data["answer"]:
        case "gladly":
            close(turn, ask, "answered", "", time=turn.time, event=event)
        case "later" if ask.doc.get("snoozes", 0) < SNOOZES_MAX:
            _snooze(turn, ask)
        case word:
            close(turn, ask, "declined", word, time=turn.time, event=event)


def _snooze(turn: Turn, ask: Ask) -> None:
    turn.cut_timers("snoozed", subject=ask.key)
    ask.doc["snoozes"] = ask.doc.get("snoozes", 0) + 1
    ask.doc.pop("message", None)
    turn.changes.asks[ask.key] = ask
    due = turn.add(turn.time, turn.programme.policies.asks.snooze)
    run = ask_touches.run_of(turn, ask)
    turn.set_timer(
        "snooze", f"{ask.key}/snooze", due, name=f"{ask.step}/snooze", run=run, subject=ask.key
    )
    turn.fact("ask.snoozed", ask.key, run=run, step=ask.step, ask=ask.key, kind=ask.kind)


def offer(turn: Turn, run: Run, event: Doc) -> None:
    """Close a run's ask when what it asks for was done without a word, even before it left.

    What was done before the run began answers nothing, however late it is heard.
    """
    ask = turn.state.asks.get(run.doc.get("wait", {}).get("ask", ""))
    if ask is None or ask.run != run.id:
        return
    if instant(event["time"]) < instant(run.doc["trigger"]["time"]):
        return
    for doing in turn.programme.doing.get(event["type"], ()):
        if doing.kind == ask.kind and turn.holds(doing.if_, run, event, where="asks.ladder"):
            close(turn, ask, "answered", "", time=turn.time, event=event)
            return


# -- closing --------------------------------------------------------------------------------------


def withdraw_all(turn: Turn, reason: str, *, since: datetime | None = None) -> None:
    """Withdraw the contact's open ask at once; no cool-down follows from that.

    So with one that was closed after this happened; `since` says when, if not at the turn's time.
    """
    for ask in list(turn.state.asks.values()):
        close(turn, ask, "withdrawn", reason)
    ask_history.withdrawn(turn, reason, since or turn.time)


def withdraw_begun(turn: Turn, reason: str) -> None:
    """Withdraw the ask that was open by now; what is asked since then stays."""
    for ask in list(turn.state.asks.values()):
        run = ask_touches.run_of(turn, ask)
        if run is not None and instant(run.doc["time"]) <= turn.time:
            close(turn, ask, "withdrawn", reason)
    ask_history.withdrawn(turn, reason, turn.time)


def close(
    turn: Turn,
    ask: Ask,
    outcome: str,
    reason: str,
    *,
    time: datetime | None = None,
    event: Doc | None = None,
) -> None:
    """Close an ask for good, start its cool-down, lead its run on, let the next one open."""
    at = time or turn.time
    turn.cut_timers(reason or outcome, subject=ask.key)
    ask.status, ask.reason, ask.closed_at = outcome, reason, turn.now
    ask.doc.pop("message", None)
    del turn.state.asks[ask.key]
    turn.changes.asks[ask.key] = ask
    ask.cooling_until = ask_history.cooling(turn, outcome, at)
    ask_history.keep(turn, ask, at)
    turn.fact(
        f"ask.{outcome}",
        ask.key,
        run=ask_touches.run_of(turn, ask),
        step=ask.step,
        ask=ask.key,
        kind=ask.kind,
        touch=ask.touches,
        reason=reason or None,
        answer={"answered": "gladly", "declined": reason}.get(outcome),
        cooling_until=iso(ask.cooling_until) if ask.cooling_until else None,
    )
    brief = event and {"type": event["type"], "time": event["time"], "data": event["data"]}
    turn.wake(ask.run, ask.step, Outcome(outcome, reason=reason, event=brief), at)
    open_next(turn)


def open_next(turn: Turn) -> None:
    """Let the oldest run that waits for its turn open its ask."""
    if turn.state.asks:
        return
    for run in turn.state.runs.values():
        waits = run.status == "live" and run.doc.get("wait", {}).get("queue")
        if waits and "paused" not in run.doc:
            node = turn.programme.of(run).nodes[run.doc["at"]]
            turn.cut_timer(f"{run.id}/{node.name}/queue", "opened")
            turn.moved(run, turn.time)
            turn.save_run(run)
            result = ask_touches.begin(turn, run, node)
            if isinstance(result, Outcome):
                turn.wake(run.id, node.name, result, turn.time)
                continue
            return
