"""What is never reached: steps behind an end, exits and branches behind one that takes all."""

from collections.abc import Sequence

from workflows.check.context import Context, Place
from workflows.check.heard import each_of
from workflows.check.values import OUTCOMES
from workflows.definition import Step, WaitFor, Workflow


def check_order(context: Context, steps: Sequence[Step], place: Place) -> None:
    """Report the first step of a list that comes after one that always ends the run."""
    for number, step in enumerate(steps[:-1]):
        if ends(step):
            message = "this step is never reached: the run has ended before"
            help_ = "remove it, or give the stop before it an if"
            if step.stop is None:
                help_ = f"every outcome of the {step.verb} before it ends in a stop"
            context.report("V023", place / (number + 1), message, help_)
            return


def ends(step: Step) -> bool:
    """Return whether nothing after a step is ever reached."""
    if step.if_:
        return False
    if step.stop is not None:
        return True
    if step.switch:
        last = step.switch[-1]
        return not last.if_ and all(_any_ends(branch.steps) for branch in step.switch)
    outcomes = _outcomes(step)
    return bool(outcomes) and all(_any_ends(step.then.get(name, ())) for name in outcomes)


def _any_ends(steps: Sequence[Step]) -> bool:
    return any(ends(step) for step in steps)


def _outcomes(step: Step) -> tuple[str, ...]:
    """Return how a step can end, `failed` apart: that ends the run by itself."""
    if step.wait_for is not None:
        return (*step.wait_for.event, *(["timeout"] if step.wait_for.within else []))
    known = OUTCOMES.get(step.verb, ())
    if step.task is not None and not step.task.within:
        return tuple(name for name in known if name != "timeout")
    return known


def check_exits(context: Context, workflow: Workflow, place: Place) -> None:
    """Report exits that never match, because one before them takes all events of their types."""
    taken: dict[str, int] = {}
    for number, exit_ in enumerate(workflow.exit):
        if all(kind in taken for kind in exit_.event):
            document, loc = context.where(place / taken[exit_.event[0]])
            message = f"this exit never matches: the one in line {document.position(loc).line} does"
            help_ = "give that one an if, or put it behind this one"
            context.report("V023", place / number / "event", message, help_)
        if not exit_.if_:
            for kind in exit_.event:
                taken.setdefault(kind, number)


def check_taken(context: Context, workflow: Workflow, wait: WaitFor, place: Place) -> None:
    """Report a wait for an event that an exit always takes first."""
    taken = {
        kind: number
        for number, exit_ in reversed(list(enumerate(workflow.exit)))
        if not exit_.if_
        for kind in exit_.event
    }
    for at, kind in each_of(context, place, wait.event):
        if kind in taken:
            exit_document, exit_loc = context.where(
                Place(place.file) / "exit" / taken[kind] / "event"
            )
            line = exit_document.position(exit_loc).line
            message = f'"{kind}" never gets here: the exit in line {line} ends the run first'
            help_ = "give the exit an if, or leave one of them out"
            context.report("V023", at, message, help_)


def check_branches(context: Context, step: Step, place: Place) -> None:
    """Report branches that are never taken, and a switch without any."""
    branches = step.switch or ()
    if step.switch is not None and not branches:
        context.report(
            "V015",
            place,
            "a switch needs at least one branch",
            "- {if: ..., steps: [...]}",
            key=True,
        )
    first: dict[str, int] = {}
    for number, branch in enumerate(branches):
        condition = " ".join(branch.if_.split())
        if not condition and number < len(branches) - 1:
            message = "a branch without if comes last: those after it are never taken"
            context.report("V023", place / number, message, "move it to the end")
        elif condition in first:
            document, loc = context.where(place / first[condition] / "if")
            line = document.position(loc).line
            message = f"this branch is never taken: the one in line {line} has the same condition"
            context.report("V023", place / number / "if", message, "make one of the two")
        first.setdefault(condition, number)
