"""Whose links a task still answers to: not those of people whom it was taken from.

A link names whom it was sent to. Colleagues who are asked to help (a level of the ladder, the
alarm of a task that nobody has) may use theirs; whoever had the task and has it no more may not.
"""

from workflows.state import Doc, Task

FORMER = "former"
"""Where a task's document names whom it was taken from."""
FORMER_MAX = 50
"""People who are remembered for a task; those it was taken from first go first."""
BY_LINK = "vouch/answers"
"""The source of what people say by the links in messages."""


def handed_over(task: Task, before: str, to: str) -> None:
    """Note whom a task was taken from, and that whoever has it now may use their links again."""
    former = [each for each in task.doc.get(FORMER, ()) if each not in (before, to)]
    if before:
        former.append(before)
    task.doc[FORMER] = former[-FORMER_MAX:]


def asked(task: Task, person: str) -> bool:
    """Note that somebody is asked to help with a task; whether that is news of a former one."""
    if person not in task.doc.get(FORMER, ()):
        return False
    task.doc[FORMER] = [each for each in task.doc[FORMER] if each != person]
    return True


def is_elsewhere(doc: Doc, person: str) -> bool:
    """Tell whether a task, by its document, was taken from somebody.

    >>> is_elsewhere({"former": ["u-sam"]}, "u-sam"), is_elsewhere({}, "u-sam")
    (True, False)
    """
    return person in doc.get(FORMER, ())
