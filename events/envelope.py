"""The envelope: a CloudEvents 1.0 event as it arrives, and as the whole system passes it on.

Our own model, not the SDK's: the SDK makes up an `id` where there is none, and with that every
retry of a producer would be a new event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from events.catalogue import TYPE_CHARS_MAX, Catalogue
from events.refusals import (
    EventTooLargeError,
    FutureEventError,
    InvalidFieldError,
    MalformedEventError,
    MissingFieldError,
)
from events.scan import scan
from events.validation import refusal
from events.values import ID_CHARS_MAX, Identifier, parse_instant

EVENT_BYTES_MAX = 64 * 1024
"""One event as compact JSON in UTF-8, whatever way it came."""

NATURAL_KEY_CHARS_MAX = 500
SUBJECT_CHARS_MAX = len("contact/") + ID_CHARS_MAX

FUTURE_MAX = timedelta(minutes=5)
"""How far a producer's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that happened, checked: what the whole system passes around.

    Attributes:
        id: The producer's id; with `source` the delivery key.
        source: The producer.
        type: A type of the catalogue, or a fact.
        time: When it happened, in UTC; state is decided by it.
        contact: Whom it concerns, empty if nobody.
        account: The customer it concerns, empty if none is named.
        data: The type's data, as JSON has it: instants and days are text.
        natural_key: Names the business fact, so that it counts once under any delivery id.
        lead: The lead it is about, empty if none.
    """

    id: str
    source: str
    type: str
    time: datetime
    contact: str = ""
    account: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    natural_key: str = ""
    lead: str = ""


def _instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


def _subject(text: str) -> str:
    kind, _, name = text.partition("/")
    if kind not in {"contact", "account"} or not name:
        msg = "must be contact/ID or account/ID"
        raise ValueError(msg)
    if len(name) > ID_CHARS_MAX:
        msg = f"must have at most {ID_CHARS_MAX} characters after the slash"
        raise ValueError(msg)
    return text


def _json_only(media_type: str) -> str:
    name = media_type.partition(";")[0].strip().lower()
    if name not in {"application/json", "text/json"} and not name.endswith("+json"):
        msg = "must be application/json: other data cannot be read"
        raise ValueError(msg)
    return media_type


class _Envelope(BaseModel):
    """CloudEvents 1.0, as far as we use it. Unknown extensions are ignored: producers grow."""

    model_config = ConfigDict(extra="ignore", strict=True)

    specversion: Literal["1.0"]
    id: Identifier
    source: Identifier
    type: Annotated[str, Field(min_length=1, max_length=TYPE_CHARS_MAX)]
    time: Annotated[datetime | None, BeforeValidator(_instant)] = None
    subject: Annotated[str, AfterValidator(_subject)] | None = None
    naturalkey: Annotated[str, Field(max_length=NATURAL_KEY_CHARS_MAX)] | None = None
    datacontenttype: Annotated[str, AfterValidator(_json_only)] | None = None
    data: dict[str, Any] | None = None


def parse_event(raw: object, *, now: datetime, catalogue: Catalogue) -> Event:
    """Return the event that `raw` tells, checked against the envelope and its type.

    `raw` is JSON as Python has it, from any of the ways in. Nothing is made up but the time,
    which is `now` if the producer left it out: an id that we chose would defeat deduplication.

    Raises:
        EventError: the event is not accepted; `reason` and `field` say why. Nothing else is
            raised, whatever `raw` is.
    """
    if type(raw) is not dict:
        raise MalformedEventError("an event is a JSON object", hint="send one object an event")
    scan(raw)
    _check_size(raw)
    try:
        envelope = _Envelope.model_validate(raw)
    except ValidationError as error:
        raise refusal(error.errors(include_url=False), raw, "every event", prefix="") from None
    if raw.get("data_base64") is not None:
        raise InvalidFieldError(
            "data_base64: binary data is not read", field="data_base64", hint="send `data` as JSON"
        )
    entry = catalogue.entry(envelope.type)
    data = catalogue.check(envelope.type, envelope.data or {})
    time = envelope.time or now
    if time - now > FUTURE_MAX:
        raise FutureEventError(
            f"time: {time.isoformat()} is more than five minutes ahead of our clock",
            field="time",
            hint="publish when it has happened; check the producer's clock",
        )
    contact, account = _concerns(envelope.subject or "", data)
    if not contact and entry.model.NEEDS_CONTACT:
        raise MissingFieldError(
            f"subject: missing, {envelope.type} concerns a contact",
            field="subject",
            hint="subject: contact/ID",
        )
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=time,
        contact=contact,
        account=account,
        data=data,
        natural_key=envelope.naturalkey or "",
        lead=entry.model.lead_of(data),
    )


def _check_size(raw: dict[str, Any]) -> None:
    size = len(orjson.dumps(raw))
    if size > EVENT_BYTES_MAX:
        raise EventTooLargeError(
            f"an event has at most {EVENT_BYTES_MAX} bytes, this one has {size}",
            hint="send the few fields that matter, and a link to the rest",
        )


def _concerns(subject: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return contact and account, each empty if none is named."""
    kind, _, name = subject.partition("/")
    account = data.get("account", "")
    if kind != "account":
        return name, account
    if account not in {"", name}:
        raise InvalidFieldError(
            "data.account: names another account than the subject",
            field="data.account",
            hint="name the account once",
        )
    return "", name
