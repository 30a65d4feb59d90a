"""Tasks that the engine opens by itself, outside any run."""

from workflows.domain import firm_owners
from workflows.people import find_role, take
from workflows.state import Doc, Task, iso
from workflows.steps import tasking
from workflows.turn import Turn


def open_task(
    turn: Turn,
    key: str,
    step: str,
    role: str,
    *,
    title: str,
    due: str,
    about: Doc | None = None,
    reason: str = "",
    more: Doc | None = None,
) -> None:
    """Open a task for a role; the same key twice is one task. Without a role there is none.

    `about` is the person it is about, whose owners the role's chain asks; None is whoever has
    the task. `reason` says why there is something to do; `more` goes into its document.
    """
    if not role or key in turn.state.tasks:
        return
    found = find_role(turn, role, about=about)
    doc: Doc = {"via": found.via, "requires": [], "levels": [], **(more or {})}
    if about is not None:
        doc["about"] = about["id"]
    if reason:
        doc["reason"] = reason
    task = Task(
        key=key, actor=turn.state.actor, run="", workflow="", step=step, assignee=found.person,
        role=role, title=title, opened_at=turn.now, due_at=turn.add(turn.time, due), doc=doc,
    )  # fmt: skip
    doc["flags"] = tasking.flags(turn, task)
    turn.state.tasks[key] = task
    take(turn, found)
    turn.save_task(task)
    turn.fact(
        "task.opened", key, step=step, task=key, title=title, to=found.person, via=found.via,
        due=iso(task.due_at), about=doc.get("about"), flags=doc["flags"] or None,
        reason=reason or None,
    )  # fmt: skip
    firm_owners.opened(turn)
    turn.set_timer("due", f"{key}/due", task.due_at, name=f"{step}/due", subject=key)
    alarm = turn.programme.policies.unassigned
    if not found.person and alarm is not None:
        at = turn.add(turn.time, alarm.after)
        name = f"{step}/unassigned"
        turn.set_timer("unassigned", f"{key}/unassigned", at, name=name, subject=key)
