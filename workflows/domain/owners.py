"""Who looks after a contact or an account, and what becomes of open tasks when that changes."""

from typing import Any

from workflows.adopted import ADOPTED
from workflows.domain import contacts, firm_owners, joined_tasks
from workflows.state import Doc, Task, instant
from workflows.steps import tasking
from workflows.turn import Turn

OF_CONTACT = ("contact.owner", "referrer.owner")
OF_ACCOUNT = ("account.owner", "account.manager")
BY_HAND = "by_hand"


def changed(turn: Turn, event: Doc) -> bool:
    """Note the new owner; open tasks that the old one had as owner move, due when they were.

    An account tells its contacts, whose tasks may move too.
    """
    counts, _ = contacts.said(turn, "owner", event["data"]["owner"], event)
    if not counts:
        return False
    turn.save()
    _hand_over(turn)
    return True


def updated(turn: Turn, event: Doc) -> bool:
    """Take over what is new about a contact; another owner among it hands open tasks over."""
    before = _known(turn)
    applies = contacts.updated(turn, event)
    if _known(turn) != before:
        _hand_over(turn)
    return applies


def told(turn: Turn, event: Doc) -> bool:
    """Ask the roles of open tasks again: this contact's account names somebody else now."""
    if firm_owners.is_theirs(turn, event):
        hand_over(turn, OF_ACCOUNT)
    return False


def _known(turn: Turn) -> dict[str, Any]:
    names = ("owner",) if turn.contact else firm_owners.FIELDS
    return {name: turn.doc.get(name) for name in names}


def _hand_over(turn: Turn) -> None:
    if turn.contact:
        hand_over(turn, OF_CONTACT)
    else:
        hand_over(turn, OF_ACCOUNT)
        firm_owners.tell(turn)


def hand_over(turn: Turn, paths: tuple[str, ...]) -> None:
    """Ask the roles of open tasks again, now that what `paths` name is somebody else.

    A task moves if it came by such a path, if nobody has it, or if the role comes to such a
    path now. What a person handed over by hand stays where it is.
    """
    for task in list(turn.state.tasks.values()):
        _ask_again(turn, task, paths)


def _ask_again(turn: Turn, task: Task, paths: tuple[str, ...]) -> None:
    via = task.doc.get("via", "")
    if via == BY_HAND and task.assignee:
        return
    run, about = turn.state.runs.get(task.run), _about(turn, task)
    found = joined_tasks.find(turn, task.role, run, about, task.doc)
    if not found.person or found.person == task.assignee:
        return
    if not task.assignee or via in paths or found.via in paths:
        tasking.reassign(turn, task, found)


def offer(turn: Turn) -> None:
    """Ask the roles of tasks once more that nobody has: a merge may have brought an owner.

    And those of what is to be done since the merge, which is heard of only now.
    """
    for task in list(turn.state.tasks.values()):
        since = instant(task.doc["since"]) if "since" in task.doc else turn.time
        _ask_again(turn, task, OF_CONTACT if since > turn.time else ())


def _about(turn: Turn, task: Task) -> Doc | None:
    """Return the person a task is about, as far as the task says: the chain is theirs.

    A lead that took over a task about itself is known as it is now.
    """
    if ADOPTED in task.doc:
        return {"id": turn.contact, "owner": turn.doc.get("owner", ""),
                "account": turn.state.account}  # fmt: skip
    about = task.doc.get("person")
    return about if isinstance(about, dict) else None
