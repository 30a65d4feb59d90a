"""A workflow looked through: its steps, what its tasks require, whether it has a contact."""

from collections.abc import Iterable, Iterator, Sequence

from workflows.cel_scope import Fields
from workflows.definition import Step, Workflow

NO_CONTACT = frozenset({"theme.recurring", "improvement.announced", "contest.frozen"})
"""Types that concern no contact: a run that one of them starts has none."""


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    """Give every step of a list, each before the steps inside it."""
    for step in steps:
        yield step
        for branch in step.switch or ():
            yield from walk(branch.steps)
        for then in step.then.values():
            yield from walk(then)


def has_contact(workflow: Workflow) -> bool:
    """Return whether the runs of a workflow have a contact."""
    trigger = workflow.trigger
    if trigger.event:
        return not any(kind in NO_CONTACT for kind in trigger.event)
    return trigger.each == "contact"


def required_of(workflow: Workflow, kinds: Sequence[str]) -> Fields:
    """Return what the workflow's tasks require, which comes along when one is closed."""
    if not all(kind.startswith("task.") for kind in kinds):
        return {}
    tasks = [step.task for step in walk(workflow.steps) if step.task is not None]
    return dict.fromkeys((name for task in tasks for name in task.requires), "string")
