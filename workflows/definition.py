"""A workflow as it is written: triggers, run policy, exits and steps.

Data only; `workflows.engine` gives it meaning. Expressions, spans and templates are
kept as the text that was written: `workflows.compiled` compiles them, `workflows.check`
finds what is wrong with them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

STEPS_MAX = 200
DEPTH_MAX = 6
REMINDERS_MAX = 6
LEVELS_MAX = 5
EXITS_MAX = 16


class Model(BaseModel):
    """Base of everything written in YAML: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _listed(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


Types = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
"""An event type, or a list of types: any of them."""

Channels = Annotated[tuple[str, ...], BeforeValidator(_listed)]


def _literal(value: object) -> object:
    """A bare `true` or number where CEL is expected is the literal it looks like."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


Cel = Annotated[str, BeforeValidator(_literal)]
"""An expression, as text."""


class Trigger(Model):
    """What starts a run: an event, or a schedule."""

    event: Types | None = None
    if_: Cel = Field("", alias="if")
    schedule: str = ""
    each: Literal["", "contact"] = ""


class RunPolicy(Model):
    """Which triggers make a run of their own, and what a second one does."""

    per: str = "contact"
    again: Literal["ignore", "restart", "once"] = "ignore"
    cooldown: str = ""


class Exit(Model):
    """An event that ends the run at once and takes back what is still pending."""

    event: Types
    if_: Cel = Field("", alias="if")
    as_: str = Field(alias="as")


class DoneBy(Model):
    """An event that counts as doing it."""

    event: Types
    if_: Cel = Field("", alias="if")


def _done_by(value: object) -> object:
    return {"event": value} if isinstance(value, str | list) else value


Doing = Annotated[DoneBy, BeforeValidator(_done_by)]
"""What counts as doing something: a type or a list of types, or `{event, if}`."""


class Send(Model):
    """Send one message, to one person."""

    template: str
    class_: str = Field(alias="class")
    to: str = "contact"
    about: str = ""
    by: Channels = ()
    once: bool = False
    uncapped: bool = False
    before: str = ""


class Touch(Model):
    """One reminder of an ask: its words and the channels it tries."""

    template: str
    by: Channels = ()


def _touch(value: object) -> object:
    return {"template": value} if isinstance(value, str) else value


class Reminders(Model):
    """The same ask again, `every` after the previous message left."""

    every: str
    send: tuple[Annotated[Touch, BeforeValidator(_touch)], ...] = Field(max_length=REMINDERS_MAX)


class Ask(Model):
    """A question to the contact, with a graceful no."""

    kind: str
    template: str
    by: Channels = ()
    before: str = ""
    reminders: Reminders | None = None
    within: str = ""


class Level(Model):
    """A place on the ladder of a task that is late: whom to tell, how long after `due`."""

    after: str
    to: str


class Task(Model):
    """What a person must do by a due time."""

    to: str
    title: str
    due: str
    about: str = ""
    levels: tuple[Level, ...] = Field((), max_length=LEVELS_MAX)
    within: str = ""
    case: bool = False
    requires: tuple[str, ...] = ()
    done_by: Doing | None = None
    script: str = ""
    prefer: tuple[str, ...] = ()


class Wait(Model):
    """Let a span pass; `at` sets the time of day on the day it ends."""

    for_: str = Field("", alias="for")
    from_: str = Field("", alias="from")
    at: str = ""


class WaitFor(Model):
    """Wait for an event that reaches the run; looks back to the trigger."""

    event: Types
    if_: Cel = Field("", alias="if")
    times: int = Field(1, ge=1, le=100)
    distinct: str = ""
    within: str = ""


class Branch(Model):
    """One arm of a `switch`; without `if` it is the last."""

    if_: Cel = Field("", alias="if")
    steps: tuple["Step", ...] = Field(min_length=1)


class Stage(Model):
    """One small question of a journey."""

    stage: str
    effort: int
    template: str
    reminders: Reminders | None = None
    amount: int | None = None
    draw: dict[int, int] | None = None


class Journey(Model):
    """One stage at a time, least effort first."""

    class_: str = Field(alias="class")
    every: str
    within: str
    skips: int = 2
    hold: str = ""
    thanks: str = ""
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=20)


class Credit(Model):
    """Post a reward: an amount of the programme's currency, or a benefit."""

    amount: int | None = None
    draw: dict[int, int] | None = None
    benefit: str = ""
    to: str = "contact"
    object: str = ""
    side: Literal["referrer", "referee"] = "referrer"
    hold: str = ""


class Call(Model):
    """A signed request to one of the programme's endpoints."""

    endpoint: str
    data: dict[str, Cel] = Field(default_factory=dict)


class Emit(Model):
    """An event of this run's contact."""

    event: str
    data: dict[str, Cel] = Field(default_factory=dict)


VERBS = (
    "send",
    "ask",
    "task",
    "wait",
    "wait_for",
    "switch",
    "journey",
    "credit",
    "call",
    "emit",
    "set",
    "stop",
)


def _wait(value: object) -> object:
    return {"for": value} if isinstance(value, str) else value


class Step(Model):
    """One item of a workflow: exactly one verb, and what stands beside it."""

    id: str = ""
    if_: Cel = Field("", alias="if")
    then: dict[str, Annotated[tuple["Step", ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )

    send: Send | None = None
    ask: Ask | None = None
    task: Task | None = None
    wait: Annotated[Wait, BeforeValidator(_wait)] | None = None
    wait_for: WaitFor | None = None
    switch: tuple[Branch, ...] | None = None
    journey: Journey | None = None
    credit: Credit | None = None
    call: Call | None = None
    emit: Emit | None = None
    set: dict[str, Cel] | None = None
    stop: str | None = None

    @property
    def verb(self) -> str:
        """The one verb this step has; '' or the first of several until `check` has passed."""
        return next((verb for verb in VERBS if getattr(self, verb) is not None), "")


class Workflow(Model):
    """What to do, step by step, when something happens at a customer."""

    workflow: str
    title: str = ""
    trigger: Trigger
    run: RunPolicy = RunPolicy()
    exit: tuple[Exit, ...] = Field((), max_length=EXITS_MAX)
    steps: tuple[Step, ...] = Field(min_length=1)

    def canonical(self) -> dict[str, Any]:
        """The definition as plain JSON, the same for the same meaning: what is hashed."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


Branch.model_rebuild()
Step.model_rebuild()
