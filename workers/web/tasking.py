"""The page of a task, for people who work elsewhere than in the console."""

import asyncio
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from events.values import TEXT_CHARS_MAX
from store.contacts import resolve
from store.listings import work
from workers.web.visit import Visit
from workflows.adopted import ADOPTED
from workflows.steps.task_links import is_elsewhere

FIELD: Final = "field."
OPEN: Final = "open"


async def show_task(visit: Visit, problem: str = "") -> Response:
    """Show what is to be done, and the buttons."""
    task = await asyncio.to_thread(_task, visit)
    if task is None:
        return visit.gone()
    return visit.elsewhere() if _is_elsewhere(visit, task) else _shown(visit, task, problem)


async def take_task(visit: Visit) -> Response:
    """Record that the person takes the task on, or has done it."""
    task = await asyncio.to_thread(_task, visit)
    if task is None:
        return visit.gone()
    if _is_elsewhere(visit, task):
        return visit.elsewhere()
    if task["status"] != OPEN:
        return _shown(visit, task)
    key, _, person = visit.parts
    visit = replace(visit, actor=task["actor"])
    if visit.given.get("action") == "accept":
        await visit.publish("task.accepted", {"task": key, "by": person})
        return visit.thanks(visit.words["task_thanks_accept"])
    fields = {name: visit.given.get(FIELD + name, "") for name in _requires(task)}
    if not all(fields.values()):
        return _shown(visit, task, visit.words["task_missing"])
    await visit.publish("task.closed", {**fields, "task": key, "by": person})
    return visit.thanks(visit.words["task_thanks_done"])


def _shown(visit: Visit, task: dict[str, Any], problem: str = "") -> Response:
    requires = _requires(task)
    return visit.page(
        "task",
        task["title"],
        due=task["due_at"],
        to={"zone": visit.programme.policies.zone},
        accepted=task["accepted_at"] is not None,
        closed=task["status"] != OPEN,
        requires=requires,
        given={FIELD + name: visit.given.get(FIELD + name, "") for name in requires},
        text_max=TEXT_CHARS_MAX,
        problem=problem,
        status=422 if problem else 200,
    )


def _requires(task: dict[str, Any]) -> list[str]:
    return [str(name) for name in task["doc"].get("requires", ())]


def _task(visit: Visit) -> dict[str, Any] | None:
    """Return the task that the link names, if it is still this contact's.

    Or went to the lead that it is about, when whoever recommended it was forgotten.
    """
    key, actor, _ = visit.parts
    with visit.services.store.reader() as conn:
        found = work.task(conn, key)
        if found is None or ADOPTED in found["doc"]:
            return found
        mine = found["actor"] in {actor, resolve(conn, actor)}
    return found if mine else None


def _is_elsewhere(visit: Visit, task: dict[str, Any]) -> bool:
    """Tell whether the task was taken from whoever the link was sent to."""
    return is_elsewhere(task["doc"], visit.parts[2])
