"""What a task's timers do: it is late, the next of its ladder hears, the run waits no longer."""

from workflows.people import find_role
from workflows.state import Timer
from workflows.steps import task_links
from workflows.steps.outcome import Outcome
from workflows.steps.task_telling import state_fact, tell
from workflows.turn import Turn


def limit(turn: Turn, timer: Timer) -> None:
    """The run waits no longer; the task stays open."""
    run = turn.state.runs.get(timer.run)
    if run is not None:
        turn.wake(run.id, timer.name, Outcome("timeout"), timer.due_at)


def overdue(turn: Turn, timer: Timer) -> None:
    """A task is not done by its due time."""
    task = turn.state.tasks.get(timer.subject)
    if task is None:
        return
    task.overdue_at = turn.now
    turn.save_task(task)
    state_fact(turn, "task.overdue", task)


def level(turn: Turn, timer: Timer) -> None:
    """Tell the next of the ladder; the task stays where it is."""
    task = turn.state.tasks.get(timer.subject)
    if task is None or task.accepted_at is not None:
        return
    number = int(timer.name.rpartition("/level")[2])
    role = task.doc["levels"][number - 1]
    person = find_role(turn, role, run=turn.state.runs.get(task.run)).person
    if task_links.asked(task, person):
        turn.save_task(task)
    state_fact(turn, "task.escalated", task, level=number, to=person)
    tell(turn, task, f"level{number}", "task_escalated", person, timer.due_at, level=number)


def unassigned(turn: Turn, timer: Timer) -> None:
    """Nobody has the task still: tell whoever the policy names."""
    task = turn.state.tasks.get(timer.subject)
    alarm = turn.programme.policies.unassigned
    if task is None or task.assignee or alarm is None:
        return
    person = find_role(turn, alarm.to).person
    if task_links.asked(task, person):
        turn.save_task(task)
    tell(turn, task, "unassigned", "task_unassigned", person, timer.due_at)
