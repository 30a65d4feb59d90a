"""The form of a scenario file: its models, as LANGUAGE section 11 has them.

What a file says is checked whole before anything is played; everything wrong is a finding
with its place. `workers.scenarios.names` checks what only the programme can tell.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from workers.scenarios.local import is_day, is_instant
from workflows.definition import Model


def _instant(text: str) -> str:
    if not is_instant(text):
        kind = "instant"
        message = "an instant is needed here: 2027-02-11T16:00"
        raise PydanticCustomError(kind, message)
    return text


def _instant_or_day(text: str) -> str:
    return text if is_day(text) else _instant(text)


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


When = Annotated[str, AfterValidator(_instant)]
"""An instant as written: local to the programme unless it has an offset."""
Day = Annotated[str, AfterValidator(_instant_or_day)]
"""A date, or an instant."""
Script = Annotated[tuple[str | int, ...], BeforeValidator(_listed)]
"""What calls to the outside come to, one after another; afterwards all is well."""


class Open(Model):
    """Something that may have fields of the programme's own, among the others or in `fields`."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    fields: dict[str, Any] = Field(default_factory=dict)

    @property
    def own(self) -> dict[str, Any]:
        """The fields that this model does not know."""
        return {**self.fields, **(self.model_extra or {})}


class Nps(Model):
    """The last answer of a contact; the band follows from the score."""

    score: int
    at: When | None = None
    improve: str = ""
    comment: str = ""
    response: str = ""
    band: Literal["", "promoter", "passive", "detractor"] = ""


class SentBefore(Model):
    """A message that left before the clock starts: it fills caps, and `once`."""

    at: When
    class_: str = Field(alias="class")
    template: str = ""


class AskedBefore(Model):
    """An ask that was over before the clock starts, with the cool-down that follows."""

    kind: str
    at: When
    outcome: Literal["answered", "declined", "silent", "withdrawn", "skipped", "never"]
    ended: When | None = None


class ContactRow(Open):
    """A contact as the clock starts: any field of `contact`, and history."""

    id: str = Field(min_length=1)
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    locale: str = ""
    zone: str = ""
    account: str = ""
    owner: str = ""
    segments: tuple[str, ...] = ()
    participant: bool = False
    participant_since: When | None = None
    unsubscribed: tuple[str, ...] = ()
    open_case: bool = False
    held_until: When | None = None
    no_asks: bool = False
    cooling_until: When | None = None
    refused: str = ""
    tier: str = ""
    nps: Nps | None = None
    balance: dict[Literal["pending", "available", "paid"], int] = Field(default_factory=dict)
    consent: dict[str, tuple[str, ...]] | None = None
    also: tuple[str, ...] = ()
    sent: tuple[SentBefore, ...] = ()
    asked: tuple[AskedBefore, ...] = ()
    released: tuple[When, ...] = ()
    codes: tuple[str, ...] = ()


class AccountRow(Open):
    """A customer as the clock starts."""

    id: str = Field(min_length=1)
    name: str = ""
    owner: str = ""
    manager: str = ""
    segments: tuple[str, ...] = ()
    customer_since: Day | None = None
    customer_until: Day | None = None


class Happening(Model):
    """One entry of `events`: an event, or a webhook of a source."""

    at: When
    time: When | None = None
    type: str = ""
    contact: str = ""
    account: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    id: str = ""
    natural_key: str = ""
    source: str = ""
    task: str = ""
    by: str = ""
    ask: str = ""
    body: Any = None
    headers: dict[str, str] | None = None

    @property
    def is_webhook(self) -> bool:
        """Whether it is a request of a vendor rather than an event."""
        return not self.type


class Scenario(Model):
    """A story with the facts that must come out."""

    scenario: str = Field(min_length=1)
    at: When
    workflows: tuple[str, ...] | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    contacts: tuple[ContactRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    outside: dict[str, dict[str, int] | Script] = Field(default_factory=dict)
    events: tuple[Happening, ...] = ()
    until: When | None = None
    expect: dict[str, Any]

    @property
    def draws(self) -> dict[str, int]:
        """What is drawn, by step."""
        drawn = self.outside.get("draws")
        return drawn if isinstance(drawn, dict) else {}

    @property
    def script(self) -> dict[str, tuple[str, ...]]:
        """What calls to each channel or endpoint come to."""
        return {
            name: tuple(str(each) for each in said)
            for name, said in self.outside.items()
            if not isinstance(said, dict)
        }
