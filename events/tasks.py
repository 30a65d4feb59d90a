"""What people do with their tasks."""

from typing import Annotated, ClassVar

from pydantic import Field

from events.values import EventData, Identifier


class _Task(EventData):
    """What every event of a task carries."""

    OPEN: ClassVar[bool] = True

    task: Annotated[Identifier, Field(description="The task's id.")]
    by: Annotated[Identifier | None, Field(description="Who did it, by staff id.")] = None


class TaskAccepted(_Task):
    """Somebody took the task on; its levels stop."""


class TaskClosed(_Task):
    """The task is done. Whatever the task `requires` comes along as fields of its own."""


class TaskCancelled(_Task):
    """Somebody decided that the task need not be done."""


class TaskReassigned(_Task):
    """Somebody handed the task to somebody else; its due time stays."""

    to: Annotated[Identifier, Field(description="Who has it now, by staff id.")]
