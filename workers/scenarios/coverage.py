"""How much of its workflows a programme's scenarios go through: steps, outcomes, exits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.check.context import Place
from workflows.check.site import steps_of
from workflows.check.values import OUTCOMES
from workflows.definition import Step, Workflow
from workflows.loaded import Loaded
from workflows.nodes import Node, flatten


@dataclass(frozen=True, slots=True)
class Reached:
    """What runs went through.

    Attributes:
        steps: Workflow and step.
        outcomes: Workflow, step, and what became of it.
        endings: Workflow, and the name that a run ended under.
    """

    steps: frozenset[tuple[str, str]] = frozenset()
    outcomes: frozenset[tuple[str, str, str]] = frozenset()
    endings: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: "Reached") -> "Reached":
        """Return what either went through."""
        return Reached(
            self.steps | other.steps,
            self.outcomes | other.outcomes,
            self.endings | other.endings,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A step, or one thing that can become of it, and whether any scenario got there."""

    name: str
    line: int
    reached: bool


@dataclass(frozen=True, slots=True)
class Covered:
    """What scenarios reached of one workflow."""

    workflow: str
    steps: tuple[Part, ...]
    outcomes: tuple[Part, ...]

    @property
    def missing(self) -> list[Part]:
        """What no scenario got to, in order of the file: of a step that is, not its outcomes."""
        found = [part for part in self.steps if not part.reached]
        never = {part.name for part in found}
        found += (
            part
            for part in self.outcomes
            if not part.reached and part.name.partition(": ")[0] not in never
        )
        return sorted(found, key=lambda part: part.line)


def reached_in(runs: Iterable[Mapping[str, Any]]) -> Reached:
    """Return what the runs of one playing went through."""
    steps: set[tuple[str, str]] = set()
    outcomes: set[tuple[str, str, str]] = set()
    endings: set[tuple[str, str]] = set()
    for run in runs:
        name, doc = run["workflow"], run["doc"]
        steps.add((name, doc.get("at", "")))
        for step, noted in doc.get("steps", {}).items():
            steps.add((name, step))
            outcomes.add((name, step, noted["outcome"]))
        if run["status"] == "ended":
            endings.add((name, run["ended_as"]))
    return Reached(frozenset(steps), frozenset(outcomes), frozenset(endings))


def coverage(loaded: Loaded, reached: Reached) -> list[Covered]:
    """Return what was reached of every workflow, by name."""
    return [_of(loaded, name, flow, reached) for name, flow in sorted(loaded.workflows.items())]


def _of(loaded: Loaded, name: str, flow: Workflow, reached: Reached) -> Covered:
    place = Place(f"workflows/{name}.yaml")
    document = loaded.document(place.file)
    nodes = list(flatten(flow).values())
    steps: list[Part] = []
    outcomes: list[Part] = []
    for node, (step, at) in zip(nodes, steps_of(flow.steps, place / "steps"), strict=True):
        line = document.position(at.loc).line
        if step.switch is None:  # which has no outcome, and is where its branches are
            steps.append(Part(node.name, line, (name, node.name) in reached.steps))
            outcomes += _outcomes(name, node, step, line, reached)
        else:
            outcomes += _branches(name, node, line, reached)
    for number, out in enumerate(flow.exit):
        line = document.position(("exit", number)).line
        outcomes.append(Part(f"exit: {out.as_}", line, (name, out.as_) in reached.endings))
    return Covered(name, tuple(steps), tuple(outcomes))


def _outcomes(name: str, node: Node, step: Step, line: int, reached: Reached) -> Iterator[Part]:
    """Give what can become of a step: `failed` only where the workflow says what then."""
    known = [*OUTCOMES.get(step.verb, ())]
    if step.wait_for is not None:
        known = [*step.wait_for.event, *(["timeout"] if step.wait_for.within else [])]
    if step.task is not None and not step.task.within:
        known.remove("timeout")
    known += [outcome for outcome in step.then if outcome not in known]
    if step.if_ and "skipped" not in known:
        known += ["done", "skipped"] if not known and step.stop is None else ["skipped"]
    for outcome in known:
        part = (name, node.name, outcome)
        yield Part(f"{node.name}: {outcome}", line, part in reached.outcomes)


def _branches(name: str, node: Node, line: int, reached: Reached) -> Iterator[Part]:
    for number, (_, first) in enumerate(node.branches, 1):
        yield Part(f"{node.name}: branch {number}", line, (name, first) in reached.steps)


def to_text(found: Iterable[Covered]) -> list[str]:
    """Return coverage as people read it: numbers, and each place that no scenario reaches."""
    lines = ["", "coverage, of the scenarios as written"]
    every = list(found)
    width = max((len(each.workflow) for each in every), default=0)
    for each in every:
        steps, outcomes = _share(each.steps), _share(each.outcomes)
        lines.append(f"  {each.workflow:{width}}  steps {steps:>8}  outcomes {outcomes:>8}")
        lines += _missing(each)
    steps = _share(part for each in every for part in each.steps)
    outcomes = _share(part for each in every for part in each.outcomes)
    lines.append(f"  {'in all':{width}}  steps {steps:>8}  outcomes {outcomes:>8}")
    return lines


def _missing(covered: Covered) -> Iterator[str]:
    """Give a line for each step that no scenario reaches, or not in every way."""
    told: dict[tuple[int, str], list[str]] = {}
    for part in covered.missing:
        step, _, outcome = part.name.partition(": ")
        told.setdefault((part.line, step), []).append(outcome)
    for (line, step), outcomes in told.items():
        what = f"step {step} is never reached"
        if outcomes != [""]:
            what = f"{'no exit as' if step == 'exit' else f'step {step}, never'} "
            what += ", ".join(outcomes)
        yield f"    workflows/{covered.workflow}.yaml:{line}: {what}"


def to_json(found: Iterable[Covered]) -> list[dict[str, Any]]:
    """Return coverage for programs."""
    return [
        {
            "workflow": each.workflow,
            "steps": {"reached": _reached(each.steps), "all": len(each.steps)},
            "outcomes": {"reached": _reached(each.outcomes), "all": len(each.outcomes)},
            "missing": [{"name": part.name, "line": part.line} for part in each.missing],
        }
        for each in found
    ]


def _share(parts: Iterable[Part]) -> str:
    every = list(parts)
    return f"{_reached(every)} of {len(every)}"


def _reached(parts: Iterable[Part]) -> int:
    return sum(part.reached for part in parts)
