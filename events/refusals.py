"""Why an event is not accepted: one error a reason, each naming the field and the remedy.

EventError
├── MalformedEventError     not JSON, not an object, not a CloudEvent
├── MissingFieldError       a field that must be there is not
├── UnknownEventTypeError   no model claims the type
├── ReservedEventTypeError  the type is a fact that only Vouch tells
├── EventTooLargeError      more bytes, events or levels than we take
├── FutureEventError        it claims to have happened later than now
└── InvalidFieldError       a field is there and cannot be what it says
"""

from collections.abc import Collection
from typing import ClassVar

from events.errors import VouchError, did_you_mean

SHOWN_CHARS_MAX = 80


class EventError(VouchError):
    """An event that is not accepted.

    Attributes:
        reason: Stable word of the verdict, as scenarios and the timeline show it.
        field: Where, dotted (`data.score`); empty when it is the event as a whole.
    """

    code: ClassVar[str] = "event"
    reason: ClassVar[str] = "invalid"

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class MalformedEventError(EventError):
    """What arrived cannot be read as an event at all."""

    code = "event-malformed"
    reason = "malformed"


class MissingFieldError(EventError):
    """A field that must be there is absent or null."""

    code = "event-field-missing"
    reason = "missing"


class InvalidFieldError(EventError):
    """A field has the wrong type, or a value outside its bounds."""

    code = "event-field-invalid"
    reason = "invalid"


class EventTooLargeError(EventError):
    """More bytes, events or levels of nesting than are taken; splitting it helps."""

    code = "event-too-large"
    reason = "too_large"


class OutOfScaleError(EventError):
    """A score outside of the programme's scale: a survey tool that counts otherwise."""

    code = "score-out-of-scale"
    reason = "out_of_scale"


class FutureEventError(EventError):
    """The event's time is too far ahead of our clock to be an honest clock's drift."""

    code = "event-in-the-future"
    reason = "future"


class UnknownEventTypeError(EventError):
    """An event arrived whose type no model claims."""

    code = "event-type-unknown"
    reason = "unknown_type"

    def __init__(self, event_type: str, known: Collection[str]) -> None:
        super().__init__(
            f'type: unknown event type "{shown(event_type)}"',
            field="type",
            hint=did_you_mean(event_type, known),
        )


class ReservedEventTypeError(EventError):
    """Somebody outside tried to tell a fact that only Vouch tells."""

    code = "event-type-reserved"
    reason = "reserved"

    def __init__(self, event_type: str) -> None:
        super().__init__(
            f'type: "{event_type}" is a fact that Vouch tells itself',
            field="type",
            hint="publish what happened at your side, under a type of the catalogue",
        )


def shown(text: str) -> str:
    """Return `text` short and printable enough to stand in a message.

    >>> shown("a" * 100)[-4:]
    'aaa…'
    """
    start = text[:SHOWN_CHARS_MAX]
    printable = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in start
    )
    return printable if start == text else printable + "…"
