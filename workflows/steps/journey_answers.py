"""Answers to the stages of a journey: rewarded and thanked in time, thanked when late."""

from workflows.definition import Stage
from workflows.domain import blocking, eligibility, ledger_accrual, refusing
from workflows.nodes import Node
from workflows.state import Doc, Run, iso
from workflows.steps import crediting, sending
from workflows.steps.journey_state import (
    THANKS_CLASS,
    fresh,
    offer_key,
    remember,
    spec_of,
    stage_of,
    state_fact,
    told,
    waits_in,
)
from workflows.steps.journeying import close, later
from workflows.steps.outcome import Outcome
from workflows.turn import Turn


def offer(turn: Turn, run: Run, event: Doc) -> None:
    """Close the stage that a run has on offer when its contact answered it."""
    waits = waits_in(turn, run)
    if waits is None or waits[1].get("stage") != event["data"]["stage"]:
        return
    node, state = waits
    spec = spec_of(node)
    stage = stage_of(turn, spec, state["stage"])
    key = offer_key(run, node)
    close(turn, run, node, "answered")
    turn.moved(run, turn.time)
    if stage.stage not in state["offered"]:
        state["offered"].append(stage.stage)  # done before its message left
    state["skips"] = 0
    amount = _reward(turn, run, node, stage)
    event["data"] = {**event["data"], "effort": stage.effort, "amount": amount}
    remember(turn, run, node, stage, "answered")
    state_fact(turn, "journey.answered", run, node, stage, amount=amount or None)
    _thank(turn, run, f"{key}/thanks", node.name, spec.thanks, told(stage), amount)
    rest = fresh(spec, state)
    if rest:
        later(turn, run, node, rest[0], turn.time)
    else:
        turn.wake(run.id, node.name, Outcome("finished"), turn.time)


def _reward(turn: Turn, run: Run, node: Node, stage: Stage) -> int:
    """Post what a stage brings and return it; 0 for one who earns nothing, or nothing more."""
    amount = stage.amount or 0
    if stage.draw:
        amount = crediting.draw(turn, run, stage.stage, stage.draw)
    if not amount:
        return 0
    grant = ledger_accrual.Grant(
        object=f"journey/{stage.stage}",
        side="",
        amount=amount,
        benefit="",
        hold=spec_of(node).hold or turn.programme.policies.rewards.hold,
        rule=f"{run.workflow}@{run.version}/{node.name}/{stage.stage}",
    )
    earns = blocking.earns(turn.doc, iso(turn.time))
    judged = eligibility.judge(turn, turn.time, run) if earns else None
    if judged is None:
        if earns:
            eligibility.unearned(turn, grant, turn.time, run.doc["time"])
        reason = eligibility.REASON
        turn.fact("reward.skipped", run=run, step=node.name, amount=amount, reason=reason)
        return 0
    known = turn.doc.get("accruals", {}).get(grant.reason)
    if known is not None and known["state"] != "reversed":
        return 0  # an earlier journey brought it
    free_at = ledger_accrual.accrue(turn, grant, run=run, step=node.name)
    eligibility.earned(turn, grant, judged, run.doc["time"])
    return amount if free_at else 0  # beyond a limit of the rewards it brings nothing


def late(turn: Turn, event: Doc) -> bool:
    """Thank for an answer to a stage that is not open any more; it earns nothing."""
    name = event["data"]["stage"]
    for run in turn.state.runs.values():
        waits = waits_in(turn, run)
        if waits is not None and waits[1].get("stage") == name:
            return True  # the run takes it, after its exits
    known = turn.doc.get("stages", {}).get(name)
    if known is None:
        return refusing.nothing_to_do(turn, event, "stage_not_offered", "data.stage")
    if known["status"] in ("answered", "late"):
        return refusing.nothing_to_do(turn, event, "stage_answered", "data.stage")
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
