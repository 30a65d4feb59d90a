"""Verdicts: what became of an event, as its publisher and the table of rejects hear it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal, TypeAlias

from events.errors import VouchError
from events.refusals import EventError, shown
from events.values import ID_CHARS_MAX
from store.intake import Reject

RETRY_AFTER = timedelta(seconds=5)
"""What a publisher is told to wait when we cannot take more."""

Status: TypeAlias = Literal["accepted", "duplicate", "rejected"]

_HTTP = {"forbidden": 403, "malformed": 400, "too_large": 413}
_UNPROCESSABLE = 422


class IntakeError(VouchError):
    """The events are not acknowledged; the same request may succeed later."""

    code = "intake"
    http: ClassVar[int] = 503
    retry_after: ClassVar[timedelta] = RETRY_AFTER


class BackPressureError(IntakeError):
    """More events wait than the installation wants waiting."""

    code = "back-pressure"
    http = 429


class IntakeUnavailableError(IntakeError):
    """The database cannot commit now."""

    code = "unavailable"


class ForbiddenEventError(EventError):
    """The key may not publish this source or this type."""

    code = "event-forbidden"
    reason = "forbidden"


class UnknownTaskError(EventError):
    """The event names a task that there is not."""

    code = "event-task-unknown"
    reason = "unknown_task"


class UnknownAskError(EventError):
    """The event names an ask that there is not."""

    code = "event-ask-unknown"
    reason = "unknown_ask"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event.

    Attributes:
        http: The status that a request with this event alone is answered with.
        hint: What would be right, for a rejected one.
    """

    status: Status
    id: str = ""
    type: str = ""
    reason: str = ""
    field: str = ""
    message: str = ""
    http: int = 202
    hint: str = ""

    def to_json(self) -> dict[str, str | bool]:
        """Return it as publishers see it; what does not apply is left out."""
        told: dict[str, str | bool] = {"id": self.id, "type": self.type, "status": self.status}
        told |= {"duplicate": self.status == "duplicate", "reason": self.reason}
        told |= {"field": self.field, "message": self.message, "hint": self.hint}
        return {name: value for name, value in told.items() if value or name in {"id", "status"}}


@dataclass(frozen=True, slots=True)
class Refused:
    """A verdict that is final before the store is asked, and whose source it was."""

    verdict: Verdict
    source: str

    def reject(self, at: datetime) -> Reject:
        """Return the row that remembers it: which event and why, none of its content."""
        told = self.verdict
        return Reject(
            at=at,
            verdict=told.status,
            source=self.source,
            event=told.id,
            type=told.type,
            reason=told.reason,
            field=told.field,
        )


def refused(raw: object, error: EventError) -> Refused:
    """Return the verdict on an event that is not accepted, whatever it is."""
    verdict = Verdict(
        status="rejected",
        id=_text(raw, "id"),
        type=_text(raw, "type"),
        reason=error.reason,
        field=error.field,
        message=str(error),
        http=_HTTP.get(error.reason, _UNPROCESSABLE),
        hint=error.hint,
    )
    return Refused(verdict, _text(raw, "source"))


def _text(raw: object, name: str) -> str:
    """Return an attribute in a form that any database and log can hold."""
    value = raw.get(name) if isinstance(raw, dict) else None
    if not isinstance(value, str):
        return ""
    return value if value.isprintable() and len(value) <= ID_CHARS_MAX else shown(value)
