"""Schedules: who keeps a workflow's firings, and what its actor is told when a programme applies.

A workflow with a schedule has an actor of its own, `schedule/WORKFLOW`. Its timer is the next
firing: a row like any other, which one drain handles in one transaction, however many clocks
and workers there are. What it does is `workflows.domain.schedules`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from workflows.policies import Policies
from workflows.state import Doc, Forward, iso

SET = "schedule.set"
"""Tells an actor its schedule; an empty one takes the timer away."""
PAGE = "schedule.page"
"""Has a firing go on with the next contacts."""

_ACTOR = "schedule/"


def actor_of(workflow: str) -> str:
    """Return the actor that keeps a workflow's firings."""
    return f"{_ACTOR}{workflow}"


def is_schedule(actor: str) -> bool:
    """Tell whether an actor keeps firings."""
    return actor.startswith(_ACTOR)


def due_type(workflow: str) -> str:
    """Return the type of the event that a firing is for those whose runs it starts."""
    return f"{_ACTOR}{workflow}"


def due_event(workflow: str, due: datetime, contact: str) -> Doc:
    """Return the event of a firing, the same whenever it is made."""
    return {
        "id": f"{workflow}@{iso(due)}", "source": "vouch", "type": due_type(workflow),
        "time": iso(due), "arrived": iso(due), "contact": contact, "data": {}, "fact": True,
    }  # fmt: skip


def told(old: Mapping[str, Any], new: Mapping[str, Any], at: datetime, by: str) -> list[Forward]:
    """Return what the actors of schedules are told when one bundle takes another's place.

    `by` names the apply, so that telling twice is told once. A workflow that lost its
    schedule, or is gone, is told that it has none.
    """
    before, after = dict(_schedules(old)), dict(_schedules(new))
    zone = new.get("policies", {}).get("zone", Policies.model_fields["zone"].default)
    return [
        Forward(actor_of(name), {
            "id": f"{by}/{name}", "source": "vouch", "type": SET, "time": iso(at), "contact": "",
            "data": {"schedule": after.get(name, ""), "zone": zone}, "fact": True,
        })
        for name in sorted({*before, *after})
    ]  # fmt: skip


def _schedules(bundle: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, workflow in bundle.get("workflows", {}).items():
        schedule = workflow.get("trigger", {}).get("schedule", "")
        if schedule:
            yield name, schedule
