"""A workflow as a picture in words: what stands in each box, and what leads where.

`workflows.graph_mermaid` and `workflows.graph_svg` draw it. The picture has the shape of the
file: the main story goes straight down, and each outcome or branch stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workflows.definition import Step, Workflow

LAST = "done"
"""The name under which a run ends by its last step."""
LABEL_MAX = 160
"""Characters of a box; the file has the rest."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Runs of a workflow, as a database knows them.

    Attributes:
        started: All there ever were.
        waiting: Those under way, by the name of the step they stand in.
        ended: By the name they ended under; `done` is by the last step.
    """

    started: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    def exits(self, exits: "Sequence[tuple[str, str]]") -> list[str]:
        """Return exits as lines, with how many runs each ended."""
        return [
            f"{heard} → {name}" + (f" ({self.ended[name]} ended)" if name in self.ended else "")
            for heard, name in exits
        ]


@dataclass(frozen=True, slots=True)
class Arm:
    """What an outcome or a branch leads to."""

    label: str
    steps: "tuple[Box, ...]"

    @property
    def ends(self) -> bool:
        """Whether nothing goes on after it."""
        return any(box.ends for box in self.steps)


@dataclass(frozen=True, slots=True)
class Box:
    """One step.

    Attributes:
        name: Its id, else its place; unique in the workflow.
        kind: Its verb.
        text: What it does, in a line or two.
        condition: Its `if`.
        arms: Outcomes and branches with steps of their own.
        otherwise: How it goes on with the next step beside these; '' of plain steps.
        goes_on: Whether it can go on with the next step without one of its arms.
    """

    name: str
    kind: str
    text: str
    condition: str = ""
    arms: tuple[Arm, ...] = ()
    otherwise: str = ""
    goes_on: bool = True

    @property
    def ends(self) -> bool:
        """Whether nothing goes on after it."""
        if self.condition:
            return False
        if self.kind == "stop":
            return True
        return not self.goes_on and all(arm.ends for arm in self.arms)


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole workflow; an exit is what it hears, and the name it ends a run under."""

    name: str
    title: str
    trigger: str
    condition: str
    exits: tuple[tuple[str, str], ...]
    steps: tuple[Box, ...]


def picture_of(workflow: Workflow) -> Picture:
    """Return what is to be drawn of a workflow."""
    trigger = workflow.trigger
    start = " or ".join(trigger.event or ()) or f"schedule {trigger.schedule}"
    if trigger.each:
        start = f"{start}, each {trigger.each}"
    exits = tuple(
        (_cut(" or ".join(out.event) + (f" if {_flat(out.if_)}" if out.if_ else "")), out.as_)
        for out in workflow.exit
    )
    condition = _cut(_flat(trigger.if_))
    steps = _boxes(workflow.steps, "")
    return Picture(workflow.workflow, workflow.title, start, condition, exits, steps)


def _boxes(steps: Sequence[Step], prefix: str) -> tuple[Box, ...]:
    return tuple(_box(step, f"{prefix}{number}") for number, step in enumerate(steps, 1))


def _box(step: Step, place: str) -> Box:
    arms = [Arm(name, _boxes(then, f"{place}.{name}.")) for name, then in step.then.items()]
    otherwise, goes_on = _otherwise(step)
    for number, branch in enumerate(step.switch or (), 1):
        label = _cut(_flat(branch.if_)) or "else"
        arms.append(Arm(label, _boxes(branch.steps, f"{place}.{number}.")))
    text, condition = _cut(_text(step)), _cut(_flat(step.if_))
    return Box(step.id or place, step.verb, text, condition, tuple(arms), otherwise, goes_on)


def _otherwise(step: Step) -> tuple[str, bool]:
    """Return how a step goes on beside its arms, and whether it can."""
    if step.switch is not None:
        return ("else", True) if all(branch.if_ for branch in step.switch) else ("", bool(step.if_))
    if not step.then:
        return "", True
    left = [name for name in _outcomes(step) if name not in step.then]
    if step.if_ and "skipped" not in step.then:
        left = [*(name for name in left if name != "skipped"), "skipped"]
    return ", ".join(left), bool(left)


def _outcomes(step: Step) -> tuple[str, ...]:
    if step.wait_for is not None:
        return (*step.wait_for.event, *(("timeout",) if step.wait_for.within else ()))
    if step.task is not None and not step.task.within:
        return ("done", "cancelled")
    return _OUTCOMES.get(step.verb, ("done",))


_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "send": ("sent", "skipped"),
    "ask": ("answered", "declined", "silent", "withdrawn", "skipped"),
    "task": ("done", "timeout", "cancelled"),
    "journey": ("finished", "paused"),
    "credit": ("posted", "skipped"),
}


def _text(step: Step) -> str:
    """Return what a step does, as a reader says it."""
    if step.send is not None:
        to = f" to {step.send.to}" if step.send.to != "contact" else ""
        return f"send {step.send.template}{to}"
    if step.ask is not None:
        again = len(step.ask.reminders.send) if step.ask.reminders else 0
        times = f", {again} reminder{'s' if again > 1 else ''}" if again else ""
        return f"ask for {step.ask.kind}{times}"
    if step.task is not None:
        within = f", at most {step.task.within}" if step.task.within else ""
        return f"task for {step.task.to}, due {step.task.due}{within}: {step.task.title}"
    if step.wait_for is not None:
        return _wait_for(step)
    if step.wait is not None:
        parts = [step.wait.for_, f"from {step.wait.from_}" if step.wait.from_ else ""]
        parts.append(f"until {step.wait.at}" if step.wait.at else "")
        return " ".join(["wait", *(part for part in parts if part)])
    return _effect(step)


def _wait_for(step: Step) -> str:
    wait = step.wait_for
    if wait is None:
        return ""
    times = f"{wait.times} times " if wait.times > 1 else ""
    within = f", at most {wait.within}" if wait.within else ""
    condition = f" if {_flat(wait.if_)}" if wait.if_ else ""
    return f"wait for {times}{' or '.join(wait.event)}{condition}{within}"


def _effect(step: Step) -> str:
    """Return what a step does that neither waits nor speaks to anybody."""
    texts = {
        "journey": "journey: " + ", ".join(s.stage for s in step.journey.stages)
        if step.journey
        else "",
        "call": f"call {step.call.endpoint}" if step.call else "",
        "emit": f"emit {step.emit.event}" if step.emit else "",
        "set": "set " + ", ".join(step.set or ()),
        "stop": step.stop or "end",
    }
    if step.credit is not None:
        credit = step.credit
        what = credit.benefit or (str(credit.amount) if credit.amount else "a draw")
        return f"credit {what}{f' to {credit.to}' if credit.to != 'contact' else ''}"
    return texts.get(step.verb, step.verb)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_MAX else f"{text[: LABEL_MAX - 1]}…"
