"""A workflow's steps as a flat list of nodes: what comes after what, by name.

Steps nest (`then`, `switch`); a run does not. Each node knows the one that follows it and
the first of each of its outcomes, so a waiting run is the name of one node.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.definition import Step, Workflow
from workflows.expressions import Expression

END = ""
"""The name that follows the last step."""


@dataclass(slots=True)
class Node:
    """One step in its place.

    Attributes:
        name: The step's `id`, else its place: `3`, `3.timeout.1`.
        place: Where it stands, whatever its id.
        after: The name of the step that follows, `END` after the last.
        verb: The step's verb, looked up once.
        then: Outcome to the first step of what it leads to.
        branches: The arms of a `switch`: condition (None: always) and first step.
    """

    name: str
    place: str
    step: Step
    after: str
    verb: str
    then: dict[str, str] = field(default_factory=dict)
    branches: list[tuple[Expression | None, str]] = field(default_factory=list)
    if_: Expression | None = None
    beside: Expression | None = None  # `if` beside `event` of wait_for, done_by
    value: Expression | None = None  # before, from, object: the one a verb has
    distinct: Expression | None = None
    values: dict[str, Expression] = field(default_factory=dict)  # set, emit, call


def flatten(workflow: Workflow) -> dict[str, Node]:
    """Return the workflow's nodes by name, the first one first."""
    return {node.name: node for node in _walk(workflow.steps, "", END)}


def _walk(steps: tuple[Step, ...], prefix: str, after: str) -> Iterator[Node]:
    names = [step.id or f"{prefix}{number}" for number, step in enumerate(steps, 1)]
    for number, step in enumerate(steps, 1):
        place = f"{prefix}{number}"
        follows = names[number] if number < len(names) else after
        node = Node(names[number - 1], place, step, follows, step.verb)
        yield node
        for outcome, then in step.then.items():
            inner = f"{place}.{outcome}."
            node.then[outcome] = then[0].id or f"{inner}1"
            yield from _walk(then, inner, follows)
        for arm, branch in enumerate(step.switch or (), 1):
            inner = f"{place}.{arm}."
            node.branches.append((None, branch.steps[0].id or f"{inner}1"))
            yield from _walk(branch.steps, inner, follows)
