"""`journey`: small questions one at a time, least effort first, each with a surprise for an answer.

What a run of it knows stands in its `wait`, under `journey`: `stage` (the one that is offered,
'' between two), `next` (the one that follows), `message` (the last one queued, until its
outcome is known), `number` (of the offer), `offered` (stages whose message left) and `skips`
(in a row). The contact remembers every stage it was offered, for answers that come late.
"""

from datetime import datetime

from workflows.definition import Journey, Stage
from workflows.domain import ledger_accrual
from workflows.nodes import Node
from workflows.state import Doc, Run, Timer, instant, iso
from workflows.steps import crediting, sending
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn

STAGES_MAX = 100
"""Stages a contact remembers, over all journeys; the one closed first is forgotten first."""
THANKS_CLASS = "transactional"
"""The class of the message that thanks for an answer."""


def enter(turn: Turn, run: Run, node: Node) -> Waits:
    """Offer the stage of least effort at once."""
    run.doc["wait"] = {"journey": {"number": 0, "skips": 0, "offered": []}}
    _offer(turn, run, node, _ordered(_spec(node))[0], since=instant(run.doc["time"]))
    return Waits()


def _spec(node: Node) -> Journey:
    spec = node.step.journey
    assert spec is not None  # noqa: S101 - the verb says so
    return spec


def _ordered(spec: Journey) -> list[Stage]:
    """Return the stages, least effort first; those of one effort as they are written."""
    return sorted(spec.stages, key=lambda stage: stage.effort)


def _stage(spec: Journey, name: str) -> Stage:
    return next(stage for stage in spec.stages if stage.stage == name)


def _waits_in(turn: Turn, run: Run | None) -> tuple[Node, Doc] | None:
    """Return the step and the state of a live run that waits in a journey."""
    if run is None or run.status != "live":
        return None
    state = run.doc.get("wait", {}).get("journey")
    return None if state is None else (turn.programme.of(run).nodes[run.doc["at"]], state)


def overtaken(run: Doc, message: Doc, key: str) -> bool:
    """Tell whether a message of a stage became pointless: its stage closed meanwhile.

    Args:
        run: The document of the run, as it is now.
        message: The document of the message.
        key: The message's key.
    """
    if not message.get("offer"):
        return False
    state: Doc = run.get("wait", {}).get("journey", {})
    return bool(state.get("message") != key)


# -- offering -------------------------------------------------------------------------------------


def _offer(turn: Turn, run: Run, node: Node, stage: Stage, *, since: datetime) -> None:
    state = run.doc["wait"]["journey"]
    state["number"] += 1
    state["stage"] = stage.stage
    state.pop("next", None)
    _send(turn, run, node, stage, touch=1, since=since)


def _send(turn: Turn, run: Run, node: Node, stage: Stage, *, touch: int, since: datetime) -> None:
    """Queue the message that offers a stage, or a reminder; its outcome comes back as an event."""
    spec, state = _spec(node), run.doc["wait"]["journey"]
    template, by = stage.template, tuple[str, ...]()
    if touch > 1:
        assert stage.reminders is not None  # noqa: S101 - its timer was set by them
        reminder = stage.reminders.send[touch - 2]
        template, by = reminder.template, reminder.by
    state["message"] = f"{_offer_key(run, node)}/touch{touch}"
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
        extra={"offer": state["number"], "stage": _told(stage)},
    )
    sending.queue(turn, run, letter)
    turn.save_run(run)


def send_again(turn: Turn, run: Run, node: Node) -> None:
    """Queue anew the message that a journey waits for: the one queued before was dropped."""
    state = run.doc["wait"]["journey"]
    touch = int(state["message"].rpartition("/touch")[2])
    state["number"] += 1
    since = instant(run.doc["time"]) if touch == 1 else turn.time
    _send(turn, run, node, _stage(_spec(node), state["stage"]), touch=touch, since=since)


def _offer_key(run: Run, node: Node) -> str:
    return f"{run.effect(node.name)}/{run.doc['wait']['journey']['number']}"


def _told(stage: Stage) -> Doc:
    """Return what words see of a stage."""
    return {"name": stage.stage, "effort": stage.effort}


def message_outcome(turn: Turn, event: Doc) -> None:
    """Open a stage whose message left; offer it again later if its message was held back."""
    data = event["data"]
    run = turn.state.runs.get(event.get("run", ""))  # whose step may have another name by now
    waits = _waits_in(turn, run)
    if run is None or waits is None or waits[1].get("message") != data.get("message"):
        return
    node, state = waits
    del state["message"]
    turn.save_run(run)
    planned = instant(data["planned"]) if data.get("planned") else turn.time
    stage = _stage(_spec(node), state["stage"])
    touch = int(data.get("touch", 1))
    if touch == 1 and event["type"] != "message.sent":
        state["stage"] = ""
        _later(turn, run, node, stage, planned)
        return
    if touch == 1:
        _opened(turn, run, node, stage, planned)
    _remind_later(turn, run, node, stage, touch, planned)


def _opened(turn: Turn, run: Run, node: Node, stage: Stage, planned: datetime) -> None:
    state = run.doc["wait"]["journey"]
    turn.moved(run, planned)
    if stage.stage not in state["offered"]:
        state["offered"].append(stage.stage)
    closes = turn.add(planned, _spec(node).within)
    state["closes"] = iso(closes)
    turn.set_timer("stage", f"{run.id}/{node.name}/within", closes, name=node.name, run=run)
    _remember(turn, run, node, stage, "open")
    _fact(turn, "journey.offered", run, node, stage)


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


def _later(turn: Turn, run: Run, node: Node, stage: Stage, since: datetime) -> None:
    """Offer a stage `every` after the close of the one before."""
    run.doc["wait"]["journey"]["next"] = stage.stage
    turn.moved(run, since)
    due = turn.add(since, _spec(node).every)
    turn.set_timer("offer", f"{run.id}/{node.name}/next", due, name=node.name, run=run)
    turn.save_run(run)


# -- timers ---------------------------------------------------------------------------------------


def go_on(turn: Turn, timer: Timer) -> None:
    """It is time for the next stage."""
    run = turn.state.runs.get(timer.run)
    waits = _waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("next"):
        return
    node, state = waits
    turn.moved(run, timer.due_at)
    _offer(turn, run, node, _stage(_spec(node), state["next"]), since=timer.due_at)


def remind(turn: Turn, timer: Timer) -> None:
    """A reminder of the stage that is open is due."""
    run = turn.state.runs.get(timer.run)
    waits = _waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("stage"):
        return
    node, state = waits
    touch = int(timer.name.rpartition("/reminder")[2]) + 1
    _send(turn, run, node, _stage(_spec(node), state["stage"]), touch=touch, since=timer.due_at)


def skipped(turn: Turn, timer: Timer) -> None:
    """Nobody answered in time: one of the same effort comes next, or the journey pauses."""
    run = turn.state.runs.get(timer.run)
    waits = _waits_in(turn, run)
    if run is None or waits is None or not waits[1].get("stage"):
        return
    node, state = waits
    spec = _spec(node)
    stage = _stage(spec, state["stage"])
    _close(turn, run, node, "skipped")
    state["skips"] += 1
    _remember(turn, run, node, stage, "skipped")
    _fact(turn, "journey.skipped", run, node, stage)
    if state["skips"] >= spec.skips:
        turn.wake(run.id, node.name, Outcome("paused"), timer.due_at)
        return
    alike = (each for each in spec.stages if each.effort == stage.effort)
    other = next((each for each in alike if each.stage not in state["offered"]), stage)
    _later(turn, run, node, other, timer.due_at)


def _close(turn: Turn, run: Run, node: Node, why: str) -> None:
    state = run.doc["wait"]["journey"]
    state["stage"] = ""
    state.pop("message", None)  # one that has not left by now is pointless
    turn.cut_timer(f"{run.id}/{node.name}/within", why)
    for number in range(1, _most_reminders(_spec(node)) + 1):
        turn.cut_timer(f"{run.id}/{node.name}/reminder{number}", why)
    turn.save_run(run)


def _most_reminders(spec: Journey) -> int:
    return max(len(stage.reminders.send) if stage.reminders else 0 for stage in spec.stages)


# -- answers --------------------------------------------------------------------------------------


def offer(turn: Turn, run: Run, event: Doc) -> None:
    """Close the stage that a run has on offer when its contact answered it."""
    waits = _waits_in(turn, run)
    if waits is None or waits[1].get("stage") != event["data"]["stage"]:
        return
    node, state = waits
    spec = _spec(node)
    stage = _stage(spec, state["stage"])
    key = _offer_key(run, node)
    _close(turn, run, node, "answered")
    turn.moved(run, turn.time)
    if stage.stage not in state["offered"]:
        state["offered"].append(stage.stage)  # done before its message left
    state["skips"] = 0
    amount = _reward(turn, run, node, stage)
    event["data"] = {**event["data"], "effort": stage.effort, "amount": amount}
    _remember(turn, run, node, stage, "answered")
    _fact(turn, "journey.answered", run, node, stage, amount=amount or None)
    _thank(turn, run, f"{key}/thanks", node.name, spec.thanks, _told(stage), amount)
    rest = [each for each in _ordered(spec) if each.stage not in state["offered"]]
    if rest:
        _later(turn, run, node, rest[0], turn.time)
    else:
        turn.wake(run.id, node.name, Outcome("finished"), turn.time)


def _reward(turn: Turn, run: Run, node: Node, stage: Stage) -> int:
    """Post what a stage brings and return it; 0 for one who earns nothing, or nothing more."""
    amount = stage.amount or 0
    if stage.draw:
        amount = crediting.draw(turn, run, stage.stage, stage.draw)
    if not amount:
        return 0
    if not turn.holds(turn.programme.rewards_if, run, where="rewards.if"):
        turn.fact("reward.skipped", run=run, step=node.name, amount=amount, reason="not_eligible")
        return 0
    grant = ledger_accrual.Grant(
        object=f"journey/{stage.stage}",
        side="",
        amount=amount,
        benefit="",
        hold=_spec(node).hold or turn.programme.policies.rewards.hold,
        rule=f"{run.workflow}@{run.version}/{node.name}/{stage.stage}",
    )
    known = turn.doc.get("accruals", {}).get(grant.reason)
    if known is not None and known["state"] != "reversed":
        return 0  # an earlier journey brought it
    ledger_accrual.accrue(turn, grant, run=run, step=node.name)
    return amount


def late(turn: Turn, event: Doc) -> bool:
    """Thank for an answer to a stage that is not open any more; it earns nothing."""
    name = event["data"]["stage"]
    for run in turn.state.runs.values():
        waits = _waits_in(turn, run)
        if waits is not None and waits[1].get("stage") == name:
            return True  # the run takes it, after its exits
    known = turn.doc.get("stages", {}).get(name)
    if known is None or known["status"] in ("answered", "late"):
        return True
    known["status"] = "late"
    turn.save()
    event["data"] = {**event["data"], "effort": known["effort"], "amount": 0}
    turn.fact("journey.answered", known["offer"], stage=name, effort=known["effort"])
    told = {"name": name, "effort": known["effort"]}
    _thank(turn, None, f"{known['offer']}/late", "", known["thanks"], told, 0)
    return True


def _thank(  # noqa: PLR0917 - private, two callers
    turn: Turn, run: Run | None, key: str, step: str, template: str, stage: Doc, amount: int
) -> None:
    """Queue the message that thanks and reveals what the answer brought."""
    if not template:
        return
    letter = sending.Letter(
        key=key,
        step=step,
        template=template,
        class_=THANKS_CLASS,
        to=turn.state.actor,
        since=turn.time,
        extra={"stage": stage, "reward": {"amount": amount, "benefit": ""}},
    )
    sending.queue(turn, run, letter)


# -- what is kept ---------------------------------------------------------------------------------


def _remember(turn: Turn, run: Run, node: Node, stage: Stage, status: str) -> None:
    """Note on the contact what became of a stage: an answer may come when the run is over."""
    stages = turn.doc.setdefault("stages", {})
    stages.pop(stage.stage, None)
    stages[stage.stage] = {
        "offer": _offer_key(run, node),
        "status": status,
        "effort": stage.effort,
        "thanks": _spec(node).thanks,
        "at": iso(turn.time),
    }
    while len(stages) > STAGES_MAX:
        del stages[min(stages, key=lambda name: (stages[name]["at"], name))]
    turn.save()


def _fact(
    turn: Turn, kind: str, run: Run, node: Node, stage: Stage, amount: int | None = None
) -> None:
    turn.fact(
        kind,
        _offer_key(run, node),
        run=run,
        step=node.name,
        stage=stage.stage,
        effort=stage.effort,
        amount=amount,
    )
