"""What taking a step can come to."""

from dataclasses import dataclass

from workflows.state import Doc

UNCERTAIN = "uncertain"
"""Why a call fails of which nobody knows whether it was heard."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The step is over: the run goes on with what `then` says, else with the next step."""

    name: str
    reason: str = ""
    event: Doc | None = None
    amount: int = 0
    free_at: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """The run waits in this step."""


@dataclass(frozen=True, slots=True)
class Goto:
    """The run goes on elsewhere: an arm of a `switch`."""

    name: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run ends here under this name."""

    as_: str
