"""What the fields of events are made of: bounded texts, whole numbers, days and instants.

Validation changes nothing: what a producer sent is what conditions see. So the types are strict
(`"9"` is no number), dates stay text, and a check returns the producer's own values.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ID_CHARS_MAX = 200
NAME_CHARS_MAX = 200
TEXT_CHARS_MAX = 4_000
URL_CHARS_MAX = 2_000
EMAIL_CHARS_MAX = 320
PHONE_CHARS_MAX = 50
LIST_ITEMS_MAX = 200
VALUE_EUR_MAX = 1_000_000_000_000
INTEGER_MAX = 2**63 - 1
INTEGER_MIN = -(2**63)

Fields: TypeAlias = Mapping[str, "str | Fields"]
"""Name to simple type (`string int bool instant list items dyn`), or to the fields inside."""

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NOT_IN_ADDRESS = re.compile(r"[@\s,;<>()\[\]]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_instant(text: str) -> datetime:
    """Return the instant that an RFC 3339 text names, in UTC.

    Stricter than ISO 8601: a time without an offset names no instant.

    Raises:
        ValueError: it is not RFC 3339, or no such instant exists.

    >>> parse_instant("2027-02-03T15:00:00+01:00").isoformat()
    '2027-02-03T14:00:00+00:00'
    """
    if not _INSTANT.fullmatch(text):
        msg = "must be an instant with an offset, such as 2027-02-03T14:00:00Z"
        raise ValueError(msg)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        msg = f"must be an instant that exists ({error})"
        raise ValueError(msg) from error


def check_email(text: str) -> str:
    """Return `text` if it can be an address: something, an @, a domain; or nothing at all.

    Whether somebody reads it is for the mail server to say.

    Raises:
        ValueError: No mail can be sent there.

    >>> check_email("Anna.de.Vries@acme.example"), check_email("")
    ('Anna.de.Vries@acme.example', '')
    """
    local, _, domain = text.strip().rpartition("@")
    bare = domain if local.startswith('"') else local + domain
    if text and not (local and domain and not _NOT_IN_ADDRESS.search(bare)):
        msg = "must be an address, such as anna@acme.example"
        raise ValueError(msg)
    return text


def check_day(text: str) -> str:
    """Return `text` if it names a day (`2027-03-01`) or an instant.

    Raises:
        ValueError: it is neither, or no such day exists.
    """
    if not _DAY.fullmatch(text):
        parse_instant(text)
        return text
    try:
        date.fromisoformat(text)
    except ValueError as error:
        msg = f"must be a day that exists ({error})"
        raise ValueError(msg) from error
    return text


Identifier = Annotated[str, Field(min_length=1, max_length=ID_CHARS_MAX)]
Name = Annotated[str, Field(max_length=NAME_CHARS_MAX)]
Text = Annotated[str, Field(max_length=TEXT_CHARS_MAX)]
Url = Annotated[str, Field(max_length=URL_CHARS_MAX)]
Email = Annotated[str, Field(max_length=EMAIL_CHARS_MAX)]
Address = Annotated[Email, AfterValidator(check_email)]
Phone = Annotated[str, Field(max_length=PHONE_CHARS_MAX)]
ValueEur = Annotated[int, Field(ge=0, le=VALUE_EUR_MAX)]
Whole = Annotated[int, Field(ge=INTEGER_MIN, le=INTEGER_MAX)]
Names = Annotated[list[Identifier], Field(max_length=LIST_ITEMS_MAX)]
Day = Annotated[
    str,
    Field(max_length=NAME_CHARS_MAX, json_schema_extra={"examples": ["2027-03-01"]}),
    AfterValidator(check_day),
]


class EventPart(BaseModel):
    """A part of an event's data: strict about what it knows, open to what it does not.

    Producers grow: an unknown field is kept as it came. An optional field may be null, which
    means the same as leaving it out.
    """

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class EventData(EventPart):
    """The data of one event type. The docstring of each subclass is its line in the catalogue.

    Attributes:
        NEEDS_CONTACT: The event says nothing without a contact as its subject.
        ADDED: Fields that the engine adds; what a producer puts there is dropped.
        NULL_CLEARS: Null empties a field (it becomes its type's zero) instead of meaning absent.
        OPEN: Conditions may name fields that the model does not list.
    """

    NEEDS_CONTACT: ClassVar[bool] = False
    ADDED: ClassVar[dict[str, str]] = {}
    NULL_CLEARS: ClassVar[bool] = False
    OPEN: ClassVar[bool] = False

    account: Annotated[
        Identifier | None, Field(description="The customer's id, if it is known.")
    ] = None

    @classmethod
    def lead_of(cls, data: Mapping[str, Any]) -> str:
        """Return the lead that checked `data` is about; empty if it concerns none."""
        return ""


def zero_of(kind: Any) -> Any:  # noqa: ANN401  a field's zero has the field's type
    """Return the value that a field without a value has (`''`, `0`, `false`, `[]`).

    >>> zero_of("string"), zero_of("int"), zero_of("list")
    ('', 0, [])
    """
    match kind:
        case "string" | "instant":
            return ""
        case "int":
            return 0
        case "bool":
            return False
        case "list" | "items":
            return []
        case _:
            return {}
