"""schemathesis over an application: what it asks follows from `/openapi.json`, and so do checks."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

Phase: TypeAlias = Literal["examples", "coverage", "fuzzing", "stateful"]
PHASES: Final[Sequence[Phase]] = ("examples", "coverage", "fuzzing", "stateful")

NOT_SAID: Final = ("positive_data_acceptance", "negative_data_rejection")
"""Checks that hold a schema to be all there is to say. A batch with a bad event is a 202 that
says so of the event, a null is a field left out, and an event of the day after tomorrow has
the form of a date: what is accepted is proved by `tests/workers/bad_input` and by the tests of
the catalogue.
"""


def settings_of(
    key: str, phases: Sequence[Phase], *, examples: int, seconds: int | None, random: bool
) -> SchemathesisConfig:
    """Return settings: `key` is an API key, and `seconds` end a run that is still at it."""
    checks: dict[str, Any] = {name: {"enabled": False} for name in NOT_SAID}
    chosen: dict[str, Any] = {
        "continue-on-failure": True,
        "auth": {"openapi": {"key": {"bearer": key}}},
        "checks": checks,
        "phases": {name: {"enabled": name in phases} for name in PHASES},
        "generation": {
            "max-examples": examples,
            "deterministic": not random,
            "database": "none",
        },
    }
    if seconds is not None:
        chosen["max-time"] = seconds
    return SchemathesisConfig.from_dict(chosen)


class Findings:
    """What a run came to.

    Attributes:
        failed: What a check found, with the request that showed it.
        checked: How often each check looked at an answer of each operation.
    """

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.checked: dict[tuple[str, str], int] = {}

    def take(self, found: ScenarioRecorder) -> None:
        """Add what was found in one operation."""
        for case, checks in found.checks.items():
            for check in checks:
                name = (found.label, check.name)
                self.checked[name] = self.checked.get(name, 0) + 1
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    sent = found.interactions[case].request
                    said = f"{sent.method} {sent.uri} {sent.body!r:.500}"
                    self.failed.append(f"{name}: {failure.title}: {failure.message}\n  {said}")


def run(schema: Any) -> Findings:
    """Ask everything that the settings of a schema say, and return what came of it."""
    found = Findings()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                found.take(event.recorder)
            case events.NonFatalError():
                found.failed.append(f"{event.label}: {event.value!r}")
            case events.FatalError():
                raise event.exception
            case _:
                pass
    return found
