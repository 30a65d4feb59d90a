"""One contact of a small programme of moments, and what happens to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from events.catalogue import default_catalogue
from tests.replay import Replay
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.policies import Policies
from workflows.state import iso

START = datetime(2027, 6, 7, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LADDER = [{"kind": kind} for kind in ("quote", "reference_story", "referral")]


def programme(collect: str = "24h", valid: str = "14d", **asks: Any) -> Programme:
    """Return a programme of moments without workflows: favours, problems, deliveries."""
    events = [
        {"event": "favour.granted", "rank": 1, "valid": valid, "opens": ["quote"]},
        {"event": "problem.solved", "rank": 3, "valid": valid, "opens": ["referral", "quote"]},
        {
            "event": "project.delivered",
            "rank": 5,
            "valid": valid,
            "opens": [{"kind": "reference_story", "if": "event.data.value_eur >= 100"}],
        },
    ]
    policies = {
        "programme": "p",
        "zone": "Europe/Amsterdam",
        "asks": {"ladder": LADDER, **asks},
        "moments": {"collect": collect, "events": events},
    }
    return compile_programme(
        Policies.model_validate(policies), {}, templates={}, catalogue=default_catalogue()
    )


class World(Replay):
    """One contact and what happens to them."""

    def __init__(self, made: Programme | None = None, **doc: Any) -> None:
        super().__init__(made or programme(), START)
        self.tell("contact.updated", first_name="Anna")
        self.doc.update(doc)

    @property
    def doc(self) -> dict[str, Any]:
        return self.states["contact/c"].doc

    def tell(self, kind: str, after: timedelta = timedelta(), **data: Any) -> None:
        """Have something arrive now; `after` the start is when it happened."""
        number = len(self.seen)
        time = START + after if after else self.now
        self.event(
            {"id": f"e-{number}", "source": "t", "type": kind, "time": iso(time), "contact": "c",
             "account": "", "lead": "", "data": data}
        )  # fmt: skip

    def told(self) -> list[tuple[str, str, str]]:
        """Return what became of moments: what, which, and the kind or the reason."""
        return [
            (f["fact"].removeprefix("moment."), f["data"]["moment"],
             f["data"].get("kind") or f["data"].get("reason", ""))
            for f in self.facts if f["fact"].startswith("moment.")
        ]  # fmt: skip
