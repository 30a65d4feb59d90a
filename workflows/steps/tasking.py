"""`task`: what a person must do by a due time; assigned, escalated, closed, never dropped.

A task outlives its run: levels, lateness and closing belong to the task, the run only
waits for it.
"""

from workflows.adopted import ADOPTED, is_adopted
from workflows.domain import as_of, firm_owners, joined_tasks
from workflows.nodes import Node
from workflows.people import Found, take
from workflows.state import Doc, Run, Task, instant, iso
from workflows.steps import asking, sending, task_links
from workflows.steps.outcome import Outcome, Waits
from workflows.steps.task_telling import outsider, state_fact, tell
from workflows.steps.titles import title_of
from workflows.turn import Turn


def enter(turn: Turn, run: Run, node: Node) -> Waits | Outcome:
    """Open the task and wait until it is closed, cancelled, or `within` has passed."""
    spec = node.step.task
    assert spec is not None  # noqa: S101 - the verb says so
    since = instant(run.doc["time"])
    about = sending.person_doc(turn, run, spec.about)
    opens = joined_tasks.opens(turn, run, since)
    found = joined_tasks.find(turn, spec.to, run, about, opens)
    task = Task(
        key=run.effect(node.name), actor=turn.state.actor, run=run.id, workflow=run.workflow,
        step=node.name, assignee=found.person, role=spec.to,
        title=title_of(turn, run, node.name), opened_at=turn.now, due_at=turn.add(since, spec.due),
        doc={"via": found.via, "case": spec.case, "requires": list(spec.requires),
             "script": spec.script, "prefer": list(spec.prefer), "version": run.version,
             **opens},
    )  # fmt: skip
    if is_adopted(run):  # nobody's case
        task.doc |= {ADOPTED: True, "case": False}
    if about:
        task.doc["about"] = about.get("id", "")
        task.doc["person"] = _chain_of(about)
    if run.doc["trigger"]["type"] == "theme.recurring":
        task.doc["evidence"] = list(run.doc["trigger"]["data"]["contacts"])
    task.doc["flags"] = flags(turn, task)
    turn.state.tasks[task.key] = task
    take(turn, found)
    turn.save_task(task)
    turn.fact(
        "task.opened",
        task.key,
        run=run,
        step=node.name,
        task=task.key,
        title=task.title,
        to=task.assignee,
        via=found.via,
        due=iso(task.due_at),
        about=task.doc.get("about"),
        flags=task.doc["flags"] or None,
        reason=f"{spec.to}_missing" if found.missing else None,
    )
    _set_timers(turn, run, node, task, found)
    firm_owners.opened(turn)
    if outsider(turn, task.assignee) and turn.programme.has_words("task_assigned"):
        tell(turn, task, "assigned", "task_assigned", task.assignee, since)
    if task.doc["case"]:
        _open_case(turn, run, task)
    if spec.within and turn.add(since, spec.within) <= since:
        return Outcome("timeout")
    if spec.within:
        # Its key sorts behind the levels': they go first when both are due at once.
        key = f"{run.id}/{node.name}/within"
        turn.set_timer("limit", key, turn.add(since, spec.within), name=node.name, run=run)
    run.doc["wait"] = {"task": task.key}
    return Waits()


def _chain_of(about: Doc) -> Doc:
    """Return what a role's chain asks of the person a task is about, for when it asks again."""
    account = about.get("account")
    owners = (
        {name: account.get(name, "") for name in ("owner", "manager")}
        if isinstance(account, dict)
        else {}
    )
    return {"id": about.get("id", ""), "owner": about.get("owner", ""), "account": owners}


def _set_timers(turn: Turn, run: Run, node: Node, task: Task, found: Found) -> None:
    spec = node.step.task
    assert spec is not None  # noqa: S101
    turn.set_timer(
        "due", f"{task.key}/due", task.due_at, name=f"{node.name}/due", run=run, subject=task.key
    )
    for number, level in enumerate(spec.levels, 1):
        turn.set_timer(
            "level",
            f"{task.key}/level{number}",
            turn.add(task.due_at, level.after),
            name=f"{node.name}/level{number}",
            run=run,
            subject=task.key,
        )
    task.doc["levels"] = [level.to for level in spec.levels]
    alarm = turn.programme.policies.unassigned
    if not found.person and alarm is not None:
        turn.set_timer(
            "unassigned",
            f"{task.key}/unassigned",
            turn.add(instant(run.doc["time"]), alarm.after),
            name=f"{node.name}/unassigned",
            run=run,
            subject=task.key,
        )


# -- flags ----------------------------------------------------------------------------------------


def flags(turn: Turn, task: Task) -> list[str]:
    """Return what whoever does the task must know: other cases, a no to asks, no marketing."""
    doc = turn.doc
    found = []
    for other in turn.state.tasks.values():
        if other is not task and other.doc.get("case"):
            found.append("open_case")
            break
    cooling = doc.get("refused") and doc.get("cooling_until")
    if doc.get("no_asks") or (cooling and instant(cooling) > turn.now):
        found.append("do_not_ask")
    if "programme" in doc.get("unsubscribed", ()):
        found.append("no_marketing")
    if task.doc.get("about") in doc.get("winbacks", _NOTHING):
        found.append("winback")
    return found


def refresh_flags(turn: Turn) -> None:
    """Keep the flags of open tasks current."""
    tasks = turn.state.tasks
    if not tasks:
        return
    for task in tasks.values():
        now = flags(turn, task)
        if now != task.doc.get("flags", []):
            task.doc["flags"] = now
            turn.save_task(task)


# -- what people do -------------------------------------------------------------------------------


def accept(turn: Turn, task: Task, by: str) -> None:
    """Somebody took it: the levels stop."""
    if task.accepted_at is not None:
        return
    task.accepted_at = turn.now
    turn.save_task(task)
    for number in range(1, len(task.doc.get("levels", ())) + 1):
        turn.cut_timer(f"{task.key}/level{number}", "accepted")
    state_fact(turn, "task.accepted", task, by=by or None)


def close(turn: Turn, task: Task, data: Doc, *, event: Doc | None = None, reason: str = "") -> None:
    """Close a task as done; whoever waits for it goes on.

    Done is when it was done; where that was heard late, the task remembers both.
    """
    if turn.time < turn.now:
        task.doc["done_at"] = iso(turn.time)
    _final(turn, task, "done", "closed")
    if data:
        task.doc["data"] = data
    who = _who(event) if event and event["type"] == "task.closed" else None
    state_fact(turn, "task.closed", task, data=data or None, reason=reason or None, by=who)
    _close_case(turn, task)
    brief = event and {"type": event["type"], "time": event["time"], "data": event["data"]}
    turn.wake(task.run, task.step, Outcome("done", reason=reason, event=brief), turn.time)


def _who(event: Doc) -> str | None:
    return str(event["data"].get("by", "")) or None


def cancel(turn: Turn, task: Task, reason: str, *, wake: bool = False, by: str = "") -> None:
    """Cancel a task, silently for its assignee; `wake` leads the run that waits for it on.

    Its timers bear the reason of the exit that took the task back; a person just cancels.
    """
    task.doc["reason"] = reason
    _final(turn, task, "cancelled", "cancelled" if wake else reason)
    state_fact(turn, "task.cancelled", task, reason=reason, by=by or None)
    _close_case(turn, task)
    if wake:
        turn.wake(task.run, task.step, Outcome("cancelled", reason=reason), turn.time)


def _final(turn: Turn, task: Task, status: str, why: str) -> None:
    task.status = status
    task.closed_at = turn.now
    joined_tasks.closed(turn, task)
    turn.state.tasks.pop(task.key, None)
    turn.loads[task.assignee] = turn.loads.get(task.assignee, 1) - 1
    turn.save_task(task)
    turn.cut_timers(why, subject=task.key)
    run = turn.waiting_in(task.run, task.step)
    if run is not None:
        turn.cut_timer(f"{task.run}/{task.step}/within", why)


def reassign(turn: Turn, task: Task, found: Found, *, by: str = "") -> None:
    """Hand a task over: its due time stays, both are told."""
    before, to, via = task.assignee, found.person, found.via
    if to == before:
        return
    task.assignee = to
    task.doc["via"] = via
    task_links.handed_over(task, before, to)
    turn.loads[before] = turn.loads.get(before, 1) - 1
    take(turn, found)
    turn.save_task(task)
    turn.cut_timer(f"{task.key}/unassigned", "assigned")
    state_fact(turn, "task.reassigned", task, via=via, by=by or None)
    for person in (before, to):
        if person:
            tell(turn, task, f"to-{to}/{turn.mark}/{person}", "task_reassigned", person, turn.time)


# -- from outside ---------------------------------------------------------------------------------


def done_by(turn: Turn, run: Run, event: Doc) -> None:
    """Close a run's open tasks that this event counts as doing."""
    for task in list(turn.state.tasks.values()):
        if task.run == run.id:
            _done_by(turn, task, event, run)


def outside(turn: Turn, event: Doc) -> None:
    """Close open tasks of ended runs that this event counts as doing."""
    for task in list(turn.state.tasks.values()):
        if task.run not in turn.state.runs:
            _done_by(turn, task, event, None)


def _done_by(turn: Turn, task: Task, event: Doc, run: Run | None) -> None:
    workflow = turn.programme.versions.get(task.doc.get("version", ""))
    node = workflow and workflow.nodes.get(task.step)
    spec = node and node.step.task and node.step.task.done_by
    if not node or not spec:
        return
    kind = event["type"]
    if kind not in spec.event and not _PASSED.get(kind, _NOTHING).intersection(spec.event):
        return
    if run is None and not _same_subject(task, event):
        return
    if run is not None and not turn.met(node.beside, run, event, at=task.step):
        return
    if run is None and not turn.holds(node.beside, run, event, where=task.step):
        return
    close(turn, task, {}, event=event, reason=event["type"])


_NOTHING: frozenset[str] = frozenset()
_PASSED = {
    "referral.qualified": frozenset({"referral.contacted"}),
    "referral.won": frozenset({"referral.contacted", "referral.qualified"}),
    "referral.lost": frozenset({"referral.contacted"}),
}
"""Stages that another one leaves behind: nobody has to call a lead who is a customer already."""


def _same_subject(task: Task, event: Doc) -> bool:
    """Tell whether an event may concern a task whose run has ended: about the same person."""
    about = task.doc.get("about")
    return not about or event.get("lead") in ("", None, about)


# -- cases ----------------------------------------------------------------------------------------


def _open_case(turn: Turn, run: Run, task: Task) -> None:
    since = instant(run.doc["time"])
    as_of.case(turn, task.key, since)
    already = turn.doc.get("open_case")
    turn.doc["open_case"] = True
    turn.doc.pop("held_until", None)
    turn.save()
    if not already:
        turn.fact("case.opened", task.key, run=run, step=task.step, task=task.key)
        asking.withdraw_all(turn, "case_opened", since=since)


def _close_case(turn: Turn, task: Task) -> None:
    if not task.doc.get("case"):
        return
    as_of.case_over(turn, task.key)
    if any(other.doc.get("case") for other in turn.state.tasks.values()):
        return
    held_until = turn.add(turn.time, turn.programme.policies.cases.cooldown)
    turn.doc["open_case"] = False
    turn.doc["held_until"] = iso(held_until)
    turn.save()
    run = turn.state.runs.get(task.run)
    turn.fact(
        "case.closed", task.key, run=run, step=task.step, task=task.key, held_until=iso(held_until)
    )
