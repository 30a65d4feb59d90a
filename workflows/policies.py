"""A programme's policies (`programme.yaml`): who may get what, how often, who looks after whom.

Data only, as written. The guard and the engine read them; the newest version always applies.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from workflows.definition import Cel, Channels, Doing, Model, Types
from workflows.policies_rewards import Contest, Rewards, Tiers


class CalendarPolicy(Model):
    """Business days and hours, in the programme's zone."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    hours: tuple[str, str] = ("00:00", "24:00")
    holidays: str | tuple[str, ...] = ()


FieldKind = Literal["string", "int", "bool", "instant", "list"]


class OwnFields(Model):
    """The programme's own typed fields of `contact` and `account`."""

    contact: dict[str, FieldKind] = Field(default_factory=dict)
    account: dict[str, FieldKind] = Field(default_factory=dict)


class MessageClass(Model):
    """What binds every message of a class."""

    consent: str = ""
    caps: tuple[str, ...] = ()
    held_by: tuple[Literal["case", "cooldown"], ...] = ()
    leaves: Literal["", "slot"] = ""
    calendar: str = ""
    at_night: tuple[str, ...] = ()


class Cap(Model):
    """At most `max` messages within a span, counted per contact or account."""

    max: int = Field(ge=1)
    within: str
    per: Literal["contact", "account"] = "contact"


class Nps(Model):
    """The scale and the lowest score of each band; below `passive` is detractor."""

    scale: tuple[int, int] = (0, 10)
    promoter: int = 9
    passive: int = 7


class Rung(Model):
    """One kind of ask on the ladder of effort."""

    kind: str
    done_by: Doing | None = None


class Cooldowns(Model):
    """After an ask ended so, no other for so long."""

    declined: str = "60d"
    answered: str = "90d"
    silent: str = "45d"


class Asks(Model):
    """Who may be asked, for what, and how long not again."""

    if_: Cel = Field("", alias="if")
    ladder: tuple[Rung, ...] = ()
    cooldown: Cooldowns = Cooldowns()
    snooze: str = "3mo"


class Opens(Model):
    """A kind of ask that a moment opens, under a condition."""

    kind: str
    if_: Cel = Field("", alias="if")


def _opens(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


class Moment(Model):
    """An elevation moment: how much it weighs, how long it is worth asking on."""

    event: Types
    if_: Cel = Field("", alias="if")
    rank: int
    valid: str
    opens: tuple[Annotated[Opens, BeforeValidator(_opens)], ...]


class Moments(Model):
    """Moments are gathered for `collect`; the highest rank wins."""

    collect: str
    events: tuple[Moment, ...]


class Cases(Model):
    """What a case holds stays held so long after it closes."""

    cooldown: str = "30d"


class Person(Model):
    """Somebody of the company's staff."""

    name: str = ""
    email: str = ""
    deputy: str = ""
    max: int | None = Field(None, ge=1)
    leave: tuple[str, str] | None = None
    left: bool = False


class RoleIf(Model):
    """An entry of a role's chain that holds only under a condition."""

    if_: Cel = Field(alias="if")
    to: str


class Unassigned(Model):
    """A task that found nobody is told to a role after so long."""

    after: str = "15m"
    to: str


class Verdict(Model):
    """What a check of a referral decides, with its bounds."""

    verdict: Literal["reject", "review", "hold", "not_eligible"]
    max: int | None = None
    within: str = ""
    per: str = ""
    winback: str = ""


def _verdict(value: object) -> object:
    return {"verdict": value} if isinstance(value, str) else value


FIRM_CHECKS = frozenset({"own_firm", "customer", "open_deal"})
"""Checks of referrals that want to know which firm a lead works for."""


class Review(Model):
    """Who looks at a referral that a check held, and by when."""

    to: str
    due: str


Domain = Annotated[str, Field(pattern=r"^[^@\s/:]+\.[^@\s/:.]+$")]
"""A domain as it stands behind the @ of an address."""


class Domains(Model):
    """Domains that belong to no firm, beside those that are known everywhere."""

    free: tuple[Domain, ...] = ()
    disposable: tuple[Domain, ...] = ()


class Referrals(Model):
    """Attribution, parking and checks of recommendations."""

    within: str = "90d"
    park: str = "7d"
    checks: dict[str, Annotated[Verdict, BeforeValidator(_verdict)]] = Field(default_factory=dict)
    domains: Domains = Domains()
    review: Review | None = None
    block_after: int | None = None


class Recurring(Model):
    """The same complaint of so many contacts within a span."""

    min: int = Field(ge=1)
    within: str
    cooldown: str = ""


class Themes(Model):
    """What customers say more than once, found by words."""

    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    recurring: Recurring | None = None


class Sync(Model):
    """What another system should know, sent when it changes; the newest wins."""

    contact: dict[str, Cel] = Field(default_factory=dict)
    lead: dict[str, Cel] = Field(default_factory=dict)
    collect: str = ""


class Endpoint(Model):
    """Where signed calls go, and when they are tried again."""

    url: str
    secret: str = ""
    retry: tuple[str, ...] = ()


STAFF = MessageClass(calendar="office")
"""The built-in class of messages to colleagues: no consent, no caps, office hours."""


class Policies(Model):
    """The whole of `programme.yaml`."""

    programme: str
    logo: str = Field("", pattern=r"^(https://[^\s/@\"';,]+(/[^\s\"';,]*)?)?$")
    zone: str = "Europe/Amsterdam"
    locales: tuple[str, ...] = Field(("en",), min_length=1)
    channels: Channels = ("email",)
    slot: str = "10:00"
    quiet: tuple[str, str] | None = None
    defer: str = "14d"
    calendars: dict[str, CalendarPolicy] = Field(default_factory=dict)
    fields: OwnFields = OwnFields()
    classes: dict[str, MessageClass] = Field(default_factory=dict)
    caps: dict[str, Cap] = Field(default_factory=dict)
    nps: Nps = Nps()
    asks: Asks = Asks()
    moments: Moments | None = None
    cases: Cases = Cases()
    staff: dict[str, Person] = Field(default_factory=dict)
    queues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    roles: dict[str, tuple[str | RoleIf, ...]] = Field(default_factory=dict)
    unassigned: Unassigned | None = None
    referrals: Referrals = Referrals()
    rewards: Rewards = Rewards()
    tiers: Tiers | None = None
    contests: dict[str, Contest] = Field(default_factory=dict)
    themes: Themes | None = None
    sync: dict[str, Sync] = Field(default_factory=dict)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)

    def canonical(self) -> dict[str, Any]:
        """The policies as plain JSON: what is stored and hashed."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Signature(Model):
    """How a vendor signs its webhooks."""

    scheme: Literal["hmac-sha256", "standard-webhooks", "basic", "bearer"]
    header: str = ""
    prefix: str = ""
    secret: str


class SourceEvent(Model):
    """Which domain event a webhook becomes; the first whose `if` holds."""

    type: str
    if_: Cel = Field("", alias="if")
    contact: dict[str, Cel] = Field(default_factory=dict)
    account: str = ""
    time: str = ""
    data: dict[str, Cel] = Field(default_factory=dict)


class Source(Model):
    """A vendor's webhook, mapped to domain events (`sources/NAME.yaml`)."""

    source: str
    title: str = ""
    signature: Signature
    key: str = ""
    natural_key: str = ""
    events: tuple[SourceEvent, ...] = Field(min_length=1)
