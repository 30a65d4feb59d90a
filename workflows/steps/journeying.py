"""`journey`: small questions one at a time, least effort first, each with a surprise for an answer.

A run is led by three things: what became of its messages, its timers, and answers
(`journey_answers`). What it knows meanwhile is in `journey_state`.
"""

from datetime import datetime

from workflows.definition import Journey, Stage
from workflows.nodes import Node
from workflows.state import Doc, Run, Timer, instant, iso
from workflows.steps import sending
from workflows.steps.journey_state import (
    fresh,
    offer_key,
    ordered,
    remember,
    spec_of,
    stage_of,
    state_fact,
    told,
    waits_in,
)
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn


def enter(turn: Turn, run: Run, node: Node) -> Waits:
    """Offer the stage of least effort at once."""
    run.doc["wait"] = {"journey": {"number": 0, "skips": 0, "offered": []}}
    _offer(turn, run, node, ordered(spec_of(node))[0], since=instant(run.doc["time"]))
    return Waits()


# -- offering -------------------------------------------------------------------------------------


def _offer(turn: Turn, run: Run, node: Node, stage: Stage, *, since: datetime) -> None:
    state = run.doc["wait"]["journey"]
    state["number"] += 1
    state["stage"] = stage.stage
    state.pop("next", None)
    _send(turn, run, node, stage, touch=1, since=since)


def _send(turn: Turn, run: Run, node: Node, stage: Stage, *, touch: int, since: datetime) -> None:
    """Queue the message that offers a stage, or a reminder; its outcome comes back as an event."""
    spec, state = spec_of(node), run.doc["wait"]["journey"]
    template, by = stage.template, tuple[str, ...]()
    if touch > 1:
        assert stage.reminders is not None  # noqa: S101 - its timer was set by them
        reminder = stage.reminders.send[touch - 2]
        template, by = reminder.template, reminder.by
    state["message"] = f"{offer_key(run, node)}/touch{touch}"
    letter = sending.Letter(
        key=state["message"],
        step=node.name,
        template=template,
        class_=spec.class_,
        to=turn.state.actor,
        by=by,
        awaited=True,
        touch=touch,
        since=since,
        extra={"offer": state["number"], "stage": told(stage)},
    )
    sending.queue(turn, run, letter)
    turn.save_run(run)


def send_again(turn: Turn, run: Run, node: Node) -> None:
    """Queue anew the message that a journey waits for: the one queued before was dropped."""
    state = run.doc["wait"]["journey"]
    touch = int(state["message"].rpartition("/touch")[2])
    state["number"] += 1
    since = instant(run.doc["time"]) if touch == 1 else turn.time
    stage = stage_of(turn, spec_of(node), state["stage"])
    _send(turn, run, node, stage, touch=touch, since=since)


def message_outcome(turn: Turn, event: Doc) -> None:
    """Open a stage whose message left; offer it again later if its message was held back."""
    data = event["data"]
    run = turn.state.runs.get(event.get("run", ""))  # whose step may have another name by now
    waits = waits_in(turn, run)
    if run is None or waits is None or waits[1].get("message") != data.get("message"):
        return
    node, state = waits
    del state["message"]
    turn.save_run(run)
    planned = instant(data["planned"]) if data.get("planned") else turn.time
    stage = stage_of(turn, spec_of(node), state["stage"])
    touch = int(data.get("touch", 1))
    if touch == 1 and event["type"] != "message.sent":
        state["stage"] = ""
        later(turn, run, node, stage, planned)
        return
    if touch == 1:
        _opened(turn, run, node, stage, planned)
    _remind_later(turn, run, node, stage, touch, planned)


def _opened(turn: Turn, run: Run, node: Node, stage: Stage, planned: datetime) -> None:
    state = run.doc["wait"]["journey"]
    turn.moved(run, planned)
    if stage.stage not in state["offered"]:
        state["offered"].append(stage.stage)
    closes = turn.add(planned, spec_of(node).within)
    state["closes"] = iso(closes)
    turn.set_timer("stage", f"{run.id}/{node.name}/within", closes, name=node.name, run=run)
    remember(turn, run, node, stage, "open")
    state_fact(turn, "journey.offered", run, node, stage)


def _remind_later(
    turn: Turn, run: Run, node: Node, stage: Stage, touch: int, planned: datetime
) -> None:
    """Set the timer of the next reminder, if it would be due while the stage is open."""
    reminders = stage.reminders
    if reminders is None or touch > len(reminders.send):
        return
    due = turn.add(planned, reminders.every)
    if due < instant(run.doc["wait"]["journey"]["closes"]):
        name = f"{node.name}/reminder{touch}"
        turn.set_timer("nudge", f"{run.id}/{name}", due, name=name, run=run)


def later(turn: Turn, run: Run, node: Node, stage: Stage, since: datetime) -> None:
    """Offer a stage `every` after the close of the one before."""
    run.doc["wait"]["journey"]["next"] = stage.stage
    turn.moved(run, since)
    due = turn.add(since, spec_of(node).every)
    turn.set_timer("offer", f"{run.id}/{node.name}/next", due, name=node.name, run=run)
    turn.save_run(run)


# -- timers ---------------------------------------------------------------------------------------


def go_on(turn: Turn, timer: Timer) -> None:
    """It is time for the next stage."""
    run = turn.state.runs.get(timer.run)
    waits = waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("next"):
        return
    node, state = waits
    turn.moved(run, timer.due_at)
    stage = stage_of(turn, spec_of(node), state["next"])
    if stage not in spec_of(node).stages:  # a newer version dropped it
        rest = fresh(spec_of(node), state)
        if not rest:
            turn.wake(run.id, node.name, Outcome("finished"), timer.due_at)
            return
        stage = rest[0]
    _offer(turn, run, node, stage, since=timer.due_at)


def remind(turn: Turn, timer: Timer) -> None:
    """A reminder of the stage that is open is due."""
    run = turn.state.runs.get(timer.run)
    waits = waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("stage"):
        return
    node, state = waits
    touch = int(timer.name.rpartition("/reminder")[2]) + 1
    stage = stage_of(turn, spec_of(node), state["stage"])
    if stage.reminders is not None and touch - 1 <= len(stage.reminders.send):
        _send(turn, run, node, stage, touch=touch, since=timer.due_at)


def skipped(turn: Turn, timer: Timer) -> None:
    """Nobody answered in time: one of the same effort comes next, or the journey pauses."""
    run = turn.state.runs.get(timer.run)
    waits = waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("stage"):
        return
    node, state = waits
    spec = spec_of(node)
    stage = stage_of(turn, spec, state["stage"])
    close(turn, run, node, "skipped")
    state["skips"] += 1
    remember(turn, run, node, stage, "skipped")
    state_fact(turn, "journey.skipped", run, node, stage)
    if state["skips"] >= spec.skips:
        turn.wake(run.id, node.name, Outcome("paused"), timer.due_at)
        return
    alike = (each for each in spec.stages if each.effort == stage.effort)
    other = next((each for each in alike if each.stage not in state["offered"]), stage)
    later(turn, run, node, other, timer.due_at)


def close(turn: Turn, run: Run, node: Node, why: str) -> None:
    """Close the stage on offer: its timers go, and so does a message that has not left."""
    state = run.doc["wait"]["journey"]
    state["stage"] = ""
    state.pop("message", None)  # one that has not left by now is pointless
    turn.cut_timer(f"{run.id}/{node.name}/within", why)
    for number in range(1, _most_reminders(spec_of(node)) + 1):
        turn.cut_timer(f"{run.id}/{node.name}/reminder{number}", why)
    turn.save_run(run)


def _most_reminders(spec: Journey) -> int:
    return max(len(stage.reminders.send) if stage.reminders else 0 for stage in spec.stages)
