"""Who looks after a contact or an account, and what becomes of open tasks when that changes."""

from workflows.domain import contacts
from workflows.people import find_role
from workflows.state import Doc, Task, instant
from workflows.steps import tasking
from workflows.turn import Turn

OF_CONTACT = ("contact.owner", "referrer.owner")
OF_ACCOUNT = ("account.owner", "account.manager")
BY_HAND = "by_hand"


def changed(turn: Turn, event: Doc) -> bool:
    """Note the new owner; open tasks that the old one had as owner move, due when they were.

    An account's event reaches those of its contacts who have open tasks, too: there it moves
    tasks and nothing else looks at it.
    """
    data, at = event["data"], instant(event["time"])
    if turn.contact and not event.get("contact"):
        turn.state.account = {**turn.state.account, "owner": data["owner"]}
        hand_over(turn, OF_ACCOUNT)
        return False
    if not contacts.newer(turn.doc, "owner", at):
        return False
    turn.doc["owner"] = data["owner"]
    turn.save()
    hand_over(turn, OF_CONTACT if turn.contact else OF_ACCOUNT)
    return True


def updated(turn: Turn, event: Doc) -> bool:
    """Take over what is new about a contact; another owner among it hands open tasks over."""
    before = turn.doc.get("owner")
    applies = contacts.updated(turn, event)
    if turn.doc.get("owner") != before:
        hand_over(turn, OF_CONTACT)
    return applies


def hand_over(turn: Turn, paths: tuple[str, ...]) -> None:
    """Ask the roles of open tasks again, now that what `paths` name is somebody else.

    A task moves if it came by such a path, if nobody has it, or if the role comes to such a
    path now. What a person handed over by hand stays where it is.
    """
    for task in list(turn.state.tasks.values()):
        via = task.doc.get("via", "")
        if via == BY_HAND and task.assignee:
            continue
        found = find_role(turn, task.role, run=turn.state.runs.get(task.run), about=_about(task))
        if not found.person or found.person == task.assignee:
            continue
        if not task.assignee or via in paths or found.via in paths:
            tasking.reassign(turn, task, found)


def offer(turn: Turn) -> None:
    """Ask the roles of tasks that nobody has once more: a merge may have brought an owner."""
    hand_over(turn, ())


def _about(task: Task) -> Doc | None:
    """Return the person a task is about, as far as the task says: the chain is theirs."""
    about = task.doc.get("person")
    return about if isinstance(about, dict) else None
