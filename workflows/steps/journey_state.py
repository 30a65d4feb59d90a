"""The state of a journey: what its run and its contact remember, and how it is read.

What a run of it knows stands in its `wait`, under `journey`: `stage` (the one that is offered,
'' between two), `next` (the one that follows), `message` (the last one queued, until its
outcome is known), `number` (of the offer), `offered` (stages whose message left), `closes`
(when the open one does) and `skips` (in a row). The contact remembers every stage it was
offered, for answers that come late.
"""

from workflows.definition import Journey, Stage
from workflows.nodes import Node
from workflows.state import Doc, Run, iso
from workflows.steps import ask_reviving
from workflows.turn import Turn

STAGES_MAX = 100
"""Stages a contact remembers, over all journeys; the one closed first is forgotten first."""
THANKS_CLASS = "transactional"
"""The class of the message that thanks for an answer."""


def spec_of(node: Node) -> Journey:
    """Return the journey of a step."""
    spec = node.step.journey
    assert spec is not None  # noqa: S101 - the verb says so
    return spec


def ordered(spec: Journey) -> list[Stage]:
    """Return the stages, least effort first; those of one effort as they are written."""
    return sorted(spec.stages, key=lambda stage: stage.effort)


def stage_of(turn: Turn, spec: Journey, name: str) -> Stage:
    """Return a stage by name; one that a newer version dropped, as far as the contact knows it."""
    found = next((stage for stage in spec.stages if stage.stage == name), None)
    if found is not None:
        return found
    known = turn.doc.get("stages", {}).get(name, {})
    return Stage(stage=name, effort=known.get("effort", 0), template="")


def fresh(spec: Journey, state: Doc) -> list[Stage]:
    """Return the stages that were never offered, least effort first."""
    return [stage for stage in ordered(spec) if stage.stage not in state["offered"]]


def waits_in(turn: Turn, run: Run | None) -> tuple[Node, Doc] | None:
    """Return the step and the state of a live run that waits in a journey."""
    if run is None or run.status != "live":
        return None
    state = run.doc.get("wait", {}).get("journey")
    return None if state is None else (turn.programme.of(run).nodes[run.doc["at"]], state)


def overtaken(run: Doc, message: Doc, key: str) -> bool:
    """Tell whether a message became pointless: its stage closed, its run went another way.

    Args:
        run: The document of the run, as it is now.
        message: The document of the message.
        key: The message's key.
    """
    if "undone" in run and ask_reviving.is_undone(run, key):
        return True
    if not message.get("offer"):
        return False
    state: Doc = run.get("wait", {}).get("journey", {})
    return bool(state.get("message") != key)


def remember(turn: Turn, run: Run, node: Node, stage: Stage, status: str) -> None:
    """Note on the contact what became of a stage: an answer may come when the run is over."""
    stages = turn.doc.setdefault("stages", {})
    stages.pop(stage.stage, None)
    stages[stage.stage] = {
        "offer": offer_key(run, node),
        "status": status,
        "effort": stage.effort,
        "thanks": spec_of(node).thanks,
        "at": iso(turn.time),
    }
    while len(stages) > STAGES_MAX:
        del stages[min(stages, key=lambda name: (stages[name]["at"], name))]
    turn.save()


def state_fact(
    turn: Turn, kind: str, run: Run, node: Node, stage: Stage, amount: int | None = None
) -> None:
    """State what became of a stage."""
    turn.fact(
        kind,
        offer_key(run, node),
        run=run,
        step=node.name,
        stage=stage.stage,
        effort=stage.effort,
        amount=amount,
    )


def offer_key(run: Run, node: Node) -> str:
    """Return the key of the offer that is on: its messages' and facts' keys begin with it."""
    return f"{run.effect(node.name)}/{run.doc['wait']['journey']['number']}"


def told(stage: Stage) -> Doc:
    """Return what words see of a stage."""
    return {"name": stage.stage, "effort": stage.effort}
