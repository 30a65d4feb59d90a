"""What goes on of two records that are one: the furthest run, the oldest tasks, one ask."""

from dataclasses import dataclass
from datetime import datetime

from workflows import lifecycle
from workflows.domain import joined, joined_tasks
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
    far; and of two that came equally far, the one whose trigger came earlier.
    """
    names = list(turn.programme.of(run).nodes)
    at, wait = run.doc.get("at", ""), run.doc.get("wait", {})
    offers = wait.get("journey", {}).get("number", 0)
    ask = turn.state.asks.get(wait.get("ask", ""))
    place = names.index(at) if at in names else -1
    steps = len(run.doc.get("steps", {}))
    began = instant(run.doc["trigger"]["time"]).timestamp()
    return place, int(offers), ask.touches if ask else 0, steps, -began


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something to do: since when, by which record's event, and until when if it is done."""

    since: datetime
    key: str
    record: str
    task: Task | None = None
    until: datetime | None = None


def keep_oldest(turn: Turn) -> None:
    """Of tasks alike that were open at a merge keep those of the record that had one first.

    A run that waits for another one ends. What one record had several of were several things,
    and what is to be done since they are one is no other record's. All by when it happened: a
    task that is opened late meets the merges that it came before, and whatever was open then.
    """
    alike: dict[tuple[str, str, str], list[_Thing]] = {}
    for task in turn.state.tasks.values():
        if task.workflow:
            alike.setdefault(joined_tasks.kind_of(task), []).append(_thing(turn, task))
    for kind, things in alike.items():
        things += [_Thing(instant(since), key, record, None, instant(until))
                   for record, key, since, until in joined_tasks.done(turn, kind)]  # fmt: skip
        if len(things) > 1:
            _meet(turn, things)


def _thing(turn: Turn, task: Task) -> _Thing:
    since = instant(task.doc["since"]) if "since" in task.doc else task.opened_at
    return _Thing(since, task.key, task.doc.get("of") or turn.contact, task)


def _meet(turn: Turn, things: list[_Thing]) -> None:
    for at, ours, theirs in joined.merges(turn):
        there = sorted(
            (each for each in things
             if each.since <= at and (each.until is None or each.until > at)
             and each.record in ours | theirs),
            key=lambda each: (each.since, each.key),
        )  # fmt: skip
        for each in there[1:]:
            if (each.record in ours) != (there[0].record in ours) and each.task is not None:
                _close(turn, each.task)
                things.remove(each)


def _close(turn: Turn, task: Task) -> None:
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
