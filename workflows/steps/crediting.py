"""`credit`, `emit` and `set`: what a run gives, says and notes."""

from datetime import datetime
from hashlib import sha256

from events.catalogue import BUILT_IN
from workflows.domain import (
    as_of,
    blocking,
    eligibility,
    joined_fields,
    ledger_accrual,
    ledger_room,
)
from workflows.expressions import EvaluationError, Expression
from workflows.nodes import Node
from workflows.state import Doc, Run, instant, iso
from workflows.steps import sending
from workflows.steps.outcome import Outcome
from workflows.turn import Turn


def enter(turn: Turn, run: Run, node: Node) -> Outcome:
    """Post a reward for the contact, or hand it to the actor of the lead who earns it."""
    spec = node.step.credit
    assert spec is not None  # noqa: S101 - the verb says so
    if spec.to == "contact" and not turn.contact:
        return Outcome("skipped", reason="nobody")  # a firm earns nothing
    try:
        object_ = _object(turn, run, node)
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="object", error=str(error))
        return Outcome("failed", reason=str(error))
    amount = spec.amount or (draw(turn, run, node.name, spec.draw) if spec.draw else 0)
    hold = spec.hold or turn.programme.policies.rewards.hold
    grant = ledger_accrual.Grant(
        object_,
        spec.side,
        amount,
        spec.benefit,
        hold,
        rule=f"{run.workflow}@{run.version}/{node.name}",
        won_at=run.doc["trigger"]["time"],
        about=_about(turn, run, object_),
    )
    if spec.side != "referrer" or spec.to != "contact":
        return _post(turn, run, node, grant)  # whoever it is for judges whether they earn
    judged = None
    if blocking.earns(turn.doc, grant.won_at):
        judged = eligibility.judge(turn, instant(run.doc["time"]), run)
        # What stands in for a reward that was not earned is done by then: not both.
        if judged is None and "skipped" not in node.then:
            eligibility.unearned(turn, grant, instant(run.doc["time"]), run.doc["time"])
    if judged is None:
        reason = eligibility.REASON
        said = {"side": spec.side, "amount": amount, "reason": reason}
        turn.fact("reward.skipped", run=run, step=node.name, **said)
        return Outcome("skipped", reason=reason)
    posted = _post(turn, run, node, grant)
    eligibility.earned(turn, grant, judged, run.doc["time"])
    return posted


def _post(turn: Turn, run: Run, node: Node, grant: ledger_accrual.Grant) -> Outcome:
    """Book it for the contact, or put it into the inbox of whoever earns it."""
    spec = node.step.credit
    assert spec is not None  # noqa: S101 - the verb says so
    if spec.to != "contact":
        person = sending.person_of(turn, run, spec.to)
        if not person:
            return Outcome("skipped", reason="nobody")
        turn.forward(
            f"contact/{person}", ledger_accrual.grant_event(turn, run, node.name, grant, person)
        )
        return Outcome("posted", amount=grant.amount)
    free_at = ledger_accrual.accrue(turn, grant, run=run, step=node.name)
    if free_at is None:
        if "skipped" in node.then:  # what stands in for it is done by then: not both
            ledger_room.drop(turn, grant.reason)
        return Outcome("skipped", reason=ledger_room.CAPPED)
    return Outcome("posted", amount=grant.amount, free_at=iso(free_at))


def _object(turn: Turn, run: Run, node: Node) -> str:
    """Return the business object earned by: the path's last name and its value, `deal/d-9`.

    Any other expression spells the object out itself: `'poll/' + trigger.data.poll`. A path
    without a value names nothing: two leads won without a deal are two objects, each its
    referral's.
    """
    if node.value is None:
        return f"{run.workflow}/{run.per.rpartition('/')[2]}"
    found = node.value.evaluate(turn.values(run))
    value = iso(found) if isinstance(found, datetime) else str(found)
    name = _last_name(node.value)
    referral = turn.referral_of(run.doc["trigger"])
    if name and not value and referral is not None:
        return f"referral/{referral['id']}"
    return f"{name}/{value}" if name else value


def _about(turn: Turn, run: Run, object_: str) -> Doc:
    """Return the business objects a reward is about: news of one of them may undo it."""
    name, _, value = object_.partition("/")
    about = {name: value} if value else {}
    per = turn.programme.of(run).definition.run.per
    if per not in ("contact", "account") and run.per:
        about.setdefault(per, run.per)
    referral = turn.referral_of(run.doc["trigger"])
    if referral is not None:
        lead = referral["lead"].get("id", "")
        said = {"referral": referral["id"], "lead": lead, "deal": referral.get("deal", "")}
        about = {**{k: v for k, v in said.items() if v}, **about}
    return about


def _last_name(expression: Expression) -> str:
    text = expression.text.strip()
    is_path = text.replace(".", "").replace("_", "").isalnum()
    return text.rpartition(".")[2] if is_path and not text.isdigit() else ""


def draw(turn: Turn, run: Run, step: str, weights: dict[int, int]) -> int:
    """Return a drawn amount: the same for the same programme, contact and step, for ever."""
    forced = turn.programme.draws.get(step)
    if forced is not None:
        return forced
    programme = turn.programme.policies.programme
    seed = f"{programme}\n{turn.state.actor}\n{run.workflow}\n{step}"
    number = int.from_bytes(sha256(seed.encode()).digest()[:8]) % sum(weights.values())
    for amount, weight in sorted(weights.items()):
        if number < weight:
            return amount
        number -= weight
    return max(weights)


def emit(turn: Turn, run: Run, node: Node) -> Outcome:
    """Say an event of this run's contact; it is handled in the same instant."""
    spec = node.step.emit
    assert spec is not None  # noqa: S101 - the verb says so
    try:
        data = {name: plain(turn, run, value) for name, value in node.values.items()}
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="data", error=str(error))
        return Outcome("failed", reason=str(error))
    turn.say(
        spec.event,
        f"{run.effect(node.name)}/1",
        data,
        run=run,
        step=node.name,
        source="vouch/workflow",
        lead=BUILT_IN[spec.event].lead_of(data) if spec.event in BUILT_IN else "",
    )
    return Outcome("done")


def set_fields(turn: Turn, run: Run, node: Node) -> Outcome:
    """Note the programme's own fields on the contact."""
    try:
        fields = {name: plain(turn, run, value) for name, value in node.values.items()}
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="set", error=str(error))
        return Outcome("failed", reason=str(error))
    changed = sorted(name for name, value in fields.items() if turn.doc.get(name) != value)
    if not turn.contact or not changed:
        return Outcome("done")  # the fields are those of a contact
    for name in changed:
        as_of.note(turn, name, fields[name], {"time": run.doc["time"]})
        joined_fields.noted(turn, name, fields[name], run)
    turn.doc.update(fields)
    turn.save()
    turn.fact("contact.changed", run=run, step=node.name, fields=changed)
    if not turn.programme.earning.isdisjoint(changed):
        eligibility.again(turn, instant(run.doc["time"]))
    if not turn.programme.rewarding.entering.isdisjoint(changed):
        turn.doubt(instant(run.doc["time"]))
    return Outcome("done")


def plain(turn: Turn, run: Run, expression: Expression) -> object:
    """Return a value as documents hold it: instants as text."""
    value = expression.evaluate(turn.values(run))
    return iso(value) if hasattr(value, "astimezone") else value
