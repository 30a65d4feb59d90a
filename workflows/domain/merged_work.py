"""What goes on of two records that are one: the furthest run, the oldest tasks, one ask."""

from collections.abc import Collection

from workflows import lifecycle
from workflows.state import Run, Task, instant
from workflows.steps import asking, tasking
from workflows.turn import Turn


def keep_furthest(turn: Turn, moved: list[Run]) -> None:
    """Of two runs of one workflow and key let the one go on that has come further."""
    for run in list(moved):
        for other in list(turn.state.runs.values()):
            alike = (other.workflow, other.per) == (run.workflow, run.per)
            if other.id == run.id or not alike or other.status != "live" or run.status != "live":
                continue
            behind = min(run, other, key=lambda each: progress(turn, each))
            lifecycle.leave(turn, behind, "merged")
    moved[:] = [run for run in moved if run.status == "live"]


def progress(turn: Turn, run: Run) -> tuple[int, int, int, int, float]:
    """Return how far a run has come: of two, the one with more is further.

    Its place; in there the offers of its journey or the touches of its ask; its steps so
    far; and of two that came equally far, the one that began earlier.
    """
    names = list(turn.programme.of(run).nodes)
    at, wait = run.doc.get("at", ""), run.doc.get("wait", {})
    offers = wait.get("journey", {}).get("number", 0)
    ask = turn.state.asks.get(wait.get("ask", ""))
    place = names.index(at) if at in names else -1
    steps = len(run.doc.get("steps", {}))
    return place, int(offers), ask.touches if ask else 0, steps, -run.started_at.timestamp()


def keep_oldest(turn: Turn, theirs: Collection[str]) -> None:
    """Of open tasks alike keep those of the record that had one first; `theirs` came along.

    A run that waits for another one ends. What one record had several of were several things,
    and what began since they are one is no other record's.
    """
    alike: dict[tuple[str, str, str], list[Task]] = {}
    for task in sorted(turn.state.tasks.values(), key=lambda t: (t.opened_at, t.key)):
        run = turn.state.runs.get(task.run)
        if task.workflow and (run is None or instant(run.doc["trigger"]["time"]) <= turn.time):
            kind = (task.workflow, task.step, task.doc.get("about", ""))
            alike.setdefault(kind, []).append(task)
    for first, *others in alike.values():
        for task in others:
            if (task.key in theirs) == (first.key in theirs):
                continue
            waiting = turn.waiting_in(task.run, task.step)
            if waiting is not None:
                lifecycle.leave(turn, waiting, "merged")
            elif task.key in turn.state.tasks:
                tasking.cancel(turn, task, "merged")


def one_ask(turn: Turn) -> None:
    """Withdraw all asks but one: the one that is open, the longest."""
    rank = {"open": 0, "pending": 1}
    ordered = sorted(
        turn.state.asks.values(),
        key=lambda ask: (rank[ask.status], ask.opened_at or turn.now, ask.key),
    )
    for ask in ordered[1:]:
        asking.close(turn, ask, "withdrawn", "merged")
