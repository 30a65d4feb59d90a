"""Where a run of one version of a workflow goes on in another: step by step, never by guess.

A step with an `id` is the step of that id. One without is the step of the same content,
wherever it stands now, as long as there is only one. Whatever else is wanted must be said in a
mapping: `old: new` goes on waiting in a step of the same verb, `old: {enter: new}` gives up the
old step and takes the new one from its beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.nodes import Node

Nodes = Mapping[str, Node]
Given = Mapping[str, str | Mapping[str, str]]
"""What a mapping says: by old step, the new one or `{"enter": new}`."""


@dataclass(frozen=True, slots=True)
class Goes:
    """Where a run goes on: it waits there as it did before, or `enters` the step anew."""

    step: str
    enters: bool = False


@dataclass(frozen=True, slots=True)
class Stays:
    """Why nobody can tell where a run goes on, as the rest of a sentence about its step."""

    reason: str


def place_in(old: Nodes, new: Nodes, step: str, given: Given) -> Goes | Stays:
    """Return where a run that stands in `step` of the old version goes on in the new one."""
    node = old.get(step)
    if node is None:
        return Stays("is no step of its version")
    said = given.get(step)
    if isinstance(said, Mapping):
        name = said.get("enter", "")
        return Goes(name, enters=True) if name in new else Stays(f"would enter {name!r}: no step")
    if said is not None:
        return _same_verb(node, new, said)
    return _same_verb(node, new, step) if node.step.id else _same_content(node, old, new)


def _same_verb(node: Node, new: Nodes, name: str) -> Goes | Stays:
    target = new.get(name)
    if target is None:
        return Stays("is not there any more" if name == node.name else f"has no {name!r} to go to")
    if target.step.verb == node.step.verb:
        missing = _stages_missing(node, target)
        return Stays(missing) if missing else Goes(name)
    return Stays(
        f"is `{node.step.verb}`, and {name!r} is `{target.step.verb}`: "
        f"to begin that one write {{enter: {name}}}"
    )


def _stages_missing(node: Node, target: Node) -> str:
    """Return why a run in the midst of a journey could not go on in the new one; '' if it can."""
    if node.step.journey is None or target.step.journey is None:
        return ""
    new = {stage.stage: stage for stage in target.step.journey.stages}
    for stage in node.step.journey.stages:
        if stage.stage not in new:
            return f"offers the stage {stage.stage!r}, which is not there any more"
        reminders = new[stage.stage].reminders
        if stage.reminders and len(stage.reminders.send) > (
            len(reminders.send) if reminders else 0
        ):
            return f"has more reminders of the stage {stage.stage!r} than are left now"
    return ""


def _same_content(node: Node, old: Nodes, new: Nodes) -> Goes | Stays:
    """Find a step without an id by what it says: its place tells nothing once others moved."""
    if list(old) == list(new) and all(_alike(old[name], new[name]) for name in old):
        return Goes(node.name)
    twins = [each for each in old.values() if _alike(node, each)]
    found = [each.name for each in new.values() if _alike(node, each)]
    if not found:
        return Stays("has no id, and no step says the same now")
    if len(found) > 1 or len(twins) > 1:
        return Stays(f"has no id, and {max(len(found), len(twins))} steps say the same")
    return Goes(found[0])


def _alike(one: Node, other: Node) -> bool:
    verb = one.step.verb
    return verb == other.step.verb and getattr(one.step, verb) == getattr(other.step, verb)
