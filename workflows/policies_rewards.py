"""The policies of rewards, tiers and contests, as they are written: data only."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from workflows.definition import Cel, Model, Types


class Currency(Model):
    """The programme's fictional currency; amounts are whole numbers of its smallest unit."""

    code: str
    decimals: int = Field(0, ge=0, le=6)
    names: dict[str, str] = Field(default_factory=dict)


class ReverseOn(Model):
    """An event that takes a reward back, within a span of the win."""

    event: Types
    within: str = ""


def _reverse(value: object) -> object:
    return {"event": value} if isinstance(value, str) else value


class Clawback(Model):
    """What happens to a reward that is taken back after it became free."""

    available: Literal["take_back", "write_off"] = "take_back"
    spent: Literal["owe", "write_off"] = "owe"
    donated: Literal["owe", "write_off"] = "write_off"
    floor: int = 0
    to: str = ""


class RewardLimit(Model):
    """At most so much of the currency earned by one contact within a span."""

    max: int = Field(ge=1)
    within: str


class Choice(Model):
    """What a reward can be spent on; with a stock, as long as there is one left."""

    choice: str
    stock: dict[str, int] = Field(default_factory=dict)


class Budget(Model):
    """At most so much of the currency earned by everybody together within a span."""

    max: int = Field(ge=1)
    within: str


class Rewards(Model):
    """Who earns, how long it is held, what it can be spent on."""

    currency: Currency | None = None
    if_: Cel = Field("", alias="if")
    hold: str = "14d"
    expires: str = ""
    limits: tuple[RewardLimit, ...] = ()
    budget: Budget | None = None
    choices: tuple[str | Choice, ...] = ()
    reverse: tuple[Annotated[ReverseOn, BeforeValidator(_reverse)], ...] = ()
    clawback: Clawback = Clawback()


class Tiers(Model):
    """Levels by a count of facts in a rolling window."""

    count: str
    within: str
    levels: dict[str, int]
    lower: str = ""


class ContestEntry(Model):
    """What earns entries in a contest."""

    event: Types
    if_: Cel = Field("", alias="if")
    weight: int = 1
    max: int | None = None

    def kept_as(self, kind: str) -> str:
        """Return the name under which a contact keeps what of a type counted for this entry."""
        return f"{kind}/{self.if_}" if self.if_ else kind


class Gifts(Model):
    """Mystery gifts with a stock."""

    event: Types
    stock: dict[str, int]


class Contest(Model):
    """Weighted entries over a half-open period and a reproducible draw."""

    period: tuple[str, str]
    freeze: str
    if_: Cel = Field("", alias="if")
    entries: tuple[ContestEntry, ...]
    winners: int = 1
    seed: str = ""
    seed_sha256: str = ""
    gifts: Gifts | None = None
