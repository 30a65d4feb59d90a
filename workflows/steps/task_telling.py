"""What is told of a task: to colleagues in messages, and as facts with whose it is and by when."""

from datetime import datetime

from workflows.adopted import ADOPTED
from workflows.state import Doc, Task, iso
from workflows.steps import sending
from workflows.turn import Turn


def outsider(turn: Turn, person: str) -> Doc | None:
    """Return the address of an owner whom the programme does not know; None of others.

    Upstream systems know colleagues that nobody entered here. One who is called by their
    address works by the links in mails.
    """
    unknown = "@" in person and person not in turn.programme.policies.staff
    return {"name": person.partition("@")[0], "email": person} if unknown else None


def tell(
    turn: Turn,
    task: Task,
    suffix: str,
    template: str,
    person: str,
    since: datetime,
    *,
    level: int = 0,
) -> None:
    """Tell a colleague of a task; the same `suffix` again is the same message."""
    known = outsider(turn, person)
    told = {"key": task.key, "title": task.title, "due": iso(task.due_at), "level": level}
    letter = sending.Letter(
        key=f"{task.key}/{suffix}",
        step=task.step,
        template=template,
        class_="staff",
        to=f"staff/{person}" if person else "",
        since=since,
        extra={"task": told, "run": task.run} | ({"outsider": known} if known else {}),
    )
    sending.queue(turn, turn.state.runs.get(task.run), letter)


def state_fact(turn: Turn, kind: str, task: Task, **data: object) -> None:
    """State a fact about a task, with what every one of them says: whose it is, by when."""
    run = turn.state.runs.get(task.run)
    known = {"title": task.title, "to": task.assignee, "due": iso(task.due_at)}
    turn.adopted = ADOPTED in task.doc
    turn.fact(kind, task.key, run=run, step=task.step, task=task.key, **known | data)
    turn.adopted = False
