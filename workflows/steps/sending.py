"""`send`: one message to one person, planned now or at the next slot."""

from dataclasses import dataclass, field
from datetime import datetime

from workflows.expressions import EvaluationError
from workflows.nodes import Node
from workflows.people import find_role
from workflows.slots import next_slot
from workflows.state import Doc, Message, Run, instant, iso
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn


def enter(turn: Turn, run: Run, node: Node) -> Outcome | Waits:
    """Queue the message; wait for its outcome where what follows counts from it."""
    send = node.step.send
    assert send is not None  # noqa: S101 - the verb says so
    try:
        before = instant_of(turn, run, node)
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="before", error=str(error))
        return Outcome("skipped", reason="expired")
    policy = turn.programme.class_of(send.class_)
    awaited = policy.leaves == "slot" or bool(node.step.then)
    key = f"{run.effect(node.name)}/1"
    letter = Letter(
        key=key,
        step=node.name,
        template=send.template,
        class_=send.class_,
        to=recipient(turn, run, send.to, send.about),
        by=send.by,
        before=before,
        once=send.once,
        uncapped=send.uncapped,
        awaited=awaited,
        about=send.about,
    )
    queue(turn, run, letter)
    if not awaited:
        return Outcome("sent")
    run.doc["wait"] = {"message": key}
    return Waits()


def send_again(turn: Turn, run: Run, node: Node) -> None:
    """Queue anew the message that a run waits for: the one queued before was dropped."""
    before = run.doc["wait"]["message"]
    if isinstance(enter(turn, run, node), Outcome):
        return
    key = f"{before}/again"
    message = turn.changes.messages.pop(run.doc["wait"]["message"])
    message.key = key
    turn.changes.messages[key] = message
    run.doc["wait"]["message"] = key
    turn.save_run(run)


def instant_of(turn: Turn, run: Run, node: Node) -> datetime | None:
    """Return the step's `before`, if it has one."""
    if node.value is None:
        return None
    value: datetime = node.value.evaluate(turn.values(run))
    return value


def recipient(turn: Turn, run: Run, to: str, about: str) -> str:
    """Return the recipient's key: `contact/ID` or `staff/ID`; '' where a role finds nobody."""
    if to == "contact":
        return turn.state.actor
    person = person_of(turn, run, to)
    if person:
        return f"contact/{person}"
    found = find_role(turn, to, run=run, about=person_doc(turn, run, about))
    return f"staff/{found.person}" if found.person else ""


def person_of(turn: Turn, run: Run, path: str) -> str:
    """Return the id at a contact-valued path such as `referral.lead`; '' if it is none."""
    doc = person_doc(turn, run, path)
    return str(doc.get("id", "")) if doc else ""


def person_doc(turn: Turn, run: Run, path: str) -> Doc | None:
    """Return what is known of the person at a contact-valued path."""
    if not path.startswith("referral."):
        return None
    referral = turn.referral_of(run.doc["trigger"]) or {}
    found = referral.get(path.removeprefix("referral."))
    return found if isinstance(found, dict) else None


def plan(turn: Turn, class_: str, to: str, since: datetime) -> datetime:
    """Return when a message is planned: `since`, or the first slot from then on."""
    policy = turn.programme.class_of(class_)
    if class_ == "staff":
        return turn.programme.office.next_open(since)
    if policy.leaves != "slot":
        return since
    zone = turn.zone if to == turn.state.actor else turn.programme.zone
    return next_slot(since, turn.programme.slot, zone, None)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to queue, as the step that wants it describes it.

    `since`: what its planned time counts from, if that is not the run's time. `extra`: what
    its words need beyond what is true at the send.
    """

    key: str
    step: str
    template: str
    class_: str
    to: str
    by: tuple[str, ...] = ()
    before: datetime | None = None
    once: bool = False
    uncapped: bool = False
    awaited: bool = False
    ask: str = ""
    touch: int = 0
    about: str = ""
    since: datetime | None = None
    extra: Doc = field(default_factory=dict)


def queue(turn: Turn, run: Run | None, letter: Letter) -> datetime:
    """Queue one message for the outbox and return when it is planned."""
    start = letter.since or (instant(run.doc["time"]) if run else turn.time)
    planned = plan(turn, letter.class_, letter.to, start)
    doc: Doc = {"since": iso(planned), **letter.extra}
    if letter.touch:
        doc["touch"] = letter.touch
    if letter.about:
        doc["about"] = letter.about
    doc |= chain_of(run, planned)
    turn.changes.messages[letter.key] = Message(
        key=letter.key,
        actor=turn.state.actor,
        to=letter.to or "staff/",
        account=_account(turn, letter.to),
        run=run.id if run else "",
        workflow=run.workflow if run else "",
        step=letter.step,
        template=letter.template,
        class_=letter.class_,
        by=letter.by,
        planned_at=planned,
        ask=letter.ask,
        before=letter.before,
        once=letter.once,
        uncapped=letter.uncapped,
        awaited=letter.awaited,
        doc=doc,
    )
    turn.fact(
        "message.queued",
        letter.key,
        run=run,
        step=letter.step,
        template=letter.template,
        to=letter.to.partition("/")[2],
        planned=iso(planned),
        **{"class": letter.class_},
    )
    return planned


def chain_of(run: Run | None, planned: datetime) -> Doc:
    """Return how long the chain of facts of one instant is that a message is part of, if it is.

    What became of a message may start a run, whose message has an outcome in turn: without a
    count they would go round for ever, at the speed of the machine.
    """
    trigger = run.doc["trigger"] if run else {}
    if not trigger.get("fact") or planned > instant(trigger["time"]):
        return {}
    return {"depth": trigger.get("depth", 0)}


def _account(turn: Turn, to: str) -> str:
    return str(turn.doc.get("account", "")) if to == turn.state.actor else ""


def offer_outcome(turn: Turn, event: Doc) -> None:
    """Lead on the run that waits for this message."""
    data = event["data"]
    run = turn.state.runs.get(event.get("run", ""))  # whose step may have another name by now
    if run is None or run.doc.get("wait", {}).get("message") != data.get("message"):
        return
    name = event["type"].removeprefix("message.")
    planned = instant(data["planned"]) if data.get("planned") else turn.time
    turn.wake(run.id, run.doc["at"], Outcome(name, reason=data.get("reason", "")), planned)
