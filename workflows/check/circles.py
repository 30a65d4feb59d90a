"""Workflows that start each other, themselves among them: for ever, or as long as conditions hold.

An event that a step makes is handled in the instant in which it is made; sixteen of them that
follow from one another are a dead letter, and a circle with a wait in it never ends.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from workflows.check.context import Context, Place
from workflows.check.findings import Severity
from workflows.check.site import steps_of
from workflows.definition import Step, Workflow

_MAKES: Mapping[str, tuple[str, ...]] = {
    "send": ("message.queued", "message.sent"),
    "ask": ("ask.opened", "message.queued", "message.sent"),
    "task": ("task.opened",),
    "journey": ("journey.offered",),
    "credit": ("reward.accrued", "ledger.posted"),
    "call": ("call.attempted",),
    "set": ("contact.changed",),
}
"""The facts that a step makes by itself, whatever people and other systems do."""
_OF_RUNS = ("run.started", "run.ended")
_FACTS = frozenset({*_OF_RUNS, *(fact for facts in _MAKES.values() for fact in facts)})


class _Way(NamedTuple):
    """How one workflow starts another: where, with which event, and whether only sometimes."""

    to: str
    place: Place
    event: str
    guarded: bool


def check_circles(context: Context, workflows: Mapping[str, Workflow]) -> None:
    """Report workflows that start each other, each circle once, where it can be cut."""
    heard = _heard(workflows)
    ways = _pruned({name: list(_ways(name, workflows, heard)) for name in sorted(workflows)})
    told: set[frozenset[str]] = set()
    for start in ways:
        circle = _circle(ways, start)
        names = frozenset(way.to for way in circle)
        if circle and names not in told:
            told.add(names)
            _report(context, start, circle)


def _report(context: Context, start: str, circle: list[_Way]) -> None:
    first = circle[0]
    guarded = any(way.guarded for way in circle)
    if guarded and any(way.event in _FACTS for way in circle):
        return  # a condition on a fact is how workflows follow each other
    path = " -> ".join((start, *(way.to for way in circle)))
    itself = "this workflow itself" if len(circle) == 1 else f'"{first.to}", which leads back here'
    message = f"{first.event} starts {itself}: {path}"
    if guarded:
        message = f"{message}, as long as the conditions hold"
    help_ = "cut the circle: by an if on a trigger, again: once, or another event"
    severity: Severity = "warning" if guarded else context.judged
    context.report("V074", first.place, message, help_, key=True, severity=severity)


def _heard(workflows: Mapping[str, Workflow]) -> dict[str, list[str]]:
    """Return the names of the workflows that each event type starts."""
    heard: dict[str, list[str]] = {}
    for name, flow in sorted(workflows.items()):
        for kind in flow.trigger.event or ():
            heard.setdefault(kind, []).append(name)
    return heard


def _ways(
    name: str, workflows: Mapping[str, Workflow], heard: Mapping[str, list[str]]
) -> Iterator[_Way]:
    """Give every way in which a workflow's runs start another workflow's, or its own again."""
    base = Place(f"workflows/{name}.yaml")
    for step, place in steps_of(workflows[name].steps, base / "steps"):
        sometimes = bool(step.if_) or len(place.loc) > len(("steps", 0))
        for kind in _made(step):
            for other in heard.get(kind, ()):
                yield _Way(other, place / step.verb, kind, sometimes or _picky(workflows[other]))
    for kind in _OF_RUNS:
        for other in heard.get(kind, ()):
            if other != name:  # its own run.* start no workflow
                yield _Way(other, base / "steps", kind, _picky(workflows[other]))


def _pruned(ways: dict[str, list[_Way]]) -> dict[str, list[_Way]]:
    """Return the ways without those that lead nowhere: what is left goes round."""
    while True:
        going = {name for name, found in ways.items() if found}
        left = {name: [way for way in ways[name] if way.to in going] for name in sorted(going)}
        if left == ways:
            return ways
        ways = left


def _made(step: Step) -> tuple[str, ...]:
    if step.emit is not None:
        return (step.emit.event,)
    return _MAKES.get(step.verb, ())


def _picky(flow: Workflow) -> bool:
    """Return whether not every event of its types starts a workflow."""
    return bool(flow.trigger.if_ or flow.run.cooldown) or flow.run.again == "once"


def _circle(ways: Mapping[str, list[_Way]], start: str) -> list[_Way]:
    """Return the way from a workflow back to itself, one without conditions if there is one."""
    for guards in (False, True):
        pending: list[list[_Way]] = [[]]
        seen: set[str] = set()
        while pending:
            path = pending.pop(0)
            for way in ways[path[-1].to if path else start]:
                if way.guarded and not guards:
                    continue
                if way.to == start:
                    return [*path, way]
                if way.to not in seen:
                    seen.add(way.to)
                    pending.append([*path, way])
    return []
