"""`call`: a signed request to an endpoint of the programme, through the outbox like a message.

The engine says what is to be sent; deliver makes the attempts and tells what came of each by
the fact `call.attempted`. The last one, which says how the call `ended`, leads the run on.
"""

from workflows.domain import handing
from workflows.expressions import EvaluationError
from workflows.nodes import Node
from workflows.state import Doc, Message, Run, instant
from workflows.steps import crediting, sending
from workflows.steps.outcome import Outcome, Waits
from workflows.turn import Turn

TO = "endpoint/"
"""What the recipient of a call begins with."""
_FAILED = "called"
"""What a call said that failed: whoever may have heard it must hear the same under its key."""
CLASS = "call"
"""The class of a call in the outbox: none of the programme's, so no policy of messages binds it."""


def is_call(to: str) -> bool:
    """Tell whether a row of the outbox is a call rather than a message, by its recipient."""
    return to.startswith(TO)


def enter(turn: Turn, run: Run, node: Node) -> Outcome | Waits:
    """Queue the call and wait for how it ends."""
    spec = node.step.call
    assert spec is not None  # noqa: S101 - the verb says so
    if handing.is_taken_back(turn, run):
        return Outcome("failed", reason="taken_back")
    data = run.doc.get(_FAILED, {}).get(node.name)  # an operator has it tried again
    try:
        if data is None:
            data = {name: crediting.plain(turn, run, value) for name, value in node.values.items()}
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, step=node.name, where="data", error=str(error))
        return Outcome("failed", reason=str(error))
    _queue(turn, run, node, 1, data)
    return Waits()


def send_again(turn: Turn, run: Run, node: Node) -> None:
    """Queue anew the call of a run that was paused when it moved: its record's was dropped.

    Under the same idempotency key and with the same data: whoever had the first attempt knows
    it again.
    """
    wait = run.doc["wait"]
    number, data = int(wait["call"].rpartition("/")[2]) + 1, wait.get("data", {})
    _queue(turn, run, node, number, data)
    turn.save_run(run)


def _queue(turn: Turn, run: Run, node: Node, number: int, data: Doc) -> None:
    spec = node.step.call
    assert spec is not None  # noqa: S101 - the verb says so
    key = f"{run.effect(node.name)}/{number}"
    planned = instant(run.doc["time"])
    turn.changes.messages[key] = Message(
        key=key,
        actor=turn.state.actor,
        to=f"{TO}{spec.endpoint}",
        account="",
        run=run.id,
        workflow=run.workflow,
        step=node.name,
        template=spec.endpoint,
        class_=CLASS,
        by=(),
        planned_at=planned,
        awaited=True,
        doc={
            "data": data,
            # Whoever gets it must know it again, also when an operator retries the step.
            "idempotency": f"{run.id}/{node.name}",
            **sending.chain_of(run, planned),
        },
    )
    run.doc["wait"] = {"call": key, "data": data}


def attempted(turn: Turn, event: Doc) -> bool:
    """Lead on the run whose call has ended."""
    data = event["data"]
    run = turn.state.runs.get(event.get("run", ""))  # whose step may have another name by now
    ended = str(data.get("ended", ""))
    if run is None or run.status != "live" or not ended:
        return True
    if run.doc.get("wait", {}).get("call") == data.get("message"):
        if ended == "failed":
            run.doc.setdefault(_FAILED, {})[run.doc["at"]] = run.doc["wait"].get("data", {})
        turn.wake(run.id, run.doc["at"], Outcome(ended, reason=data.get("reason", "")), turn.time)
    return True
