"""Other people's systems at their worst: an endpoint that is called, a CRM that is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from tests.simulation.baton import Job, KilledError
from workers.channels.base import ChannelError, Outcome
from workers.channels.calls import Call, CallError
from workers.channels.targets import Update

if TYPE_CHECKING:
    from tests.simulation.world import World

HANGS = timedelta(seconds=20)
"""How long one lets wait that hangs."""
ANSWERS = {
    "retry": (500, 502, 503, 429),
    "refused": (400, 404, 422),
    "lost": (0,),
    "unheard": (0,),
    "hangs": (0,),
}
"""What goes wrong, and what is answered then: nothing where the line drops."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An attempt: what the other side was asked, when, and what became of it there.

    Attributes:
        key: The idempotency key of a call, the row of an update.
        did: Whether the other side did it: perhaps it could not say so.
        said: What it answered; 0 for nothing.
        place: Where in the log of commits.
    """

    key: str
    to: str
    did: bool
    said: int
    at: datetime
    place: int
    number: int = 0
    who: str = ""
    body: bytes = b""
    fields: dict[str, Any] = field(default_factory=dict)


class Outside:
    """An endpoint and a CRM of one world; both remember what they were asked."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.asked: list[Asked] = []

    def call(self, call: Call) -> int:
        """Do what is called for; a key it knows it has done."""
        return self._take(Asked(call.key, f"endpoint/{call.endpoint}", did=True, said=200,
                                at=call.at, place=0, body=call.body))  # fmt: skip

    def send(self, update: Update) -> int:
        """Take an update."""
        return self._take(Asked(update.key, f"sync/{update.target}", did=True, said=200,
                                at=update.at, place=0, number=update.number,
                                who=update.person.id, fields=dict(update.fields)))  # fmt: skip

    def hang_up(self) -> None:
        """Hold no lines."""

    def _take(self, asked: Asked) -> int:
        world = self._world
        job = cast("Job", world.job)
        faults, draw = world.faults, world.faults.random
        world.park(job, "call")
        if faults.strikes("kill", 0.03):
            raise KilledError
        outcome = ""
        if faults.strikes("outside", 0.3):
            outcome = draw.choice(tuple(ANSWERS))
        said = draw.choice(ANSWERS[outcome]) if outcome else 200
        if outcome == "hangs":
            world.clock.advance(HANGS)
        did = outcome in {"", "unheard", "hangs"}
        self._note(asked, did=did, said=said)
        if faults.strikes("kill", 0.03):
            raise KilledError
        if outcome:
            word = cast("Outcome", outcome if outcome in {"retry", "refused"} else "uncertain")
            wait = timedelta(minutes=7) if said in {429, 503} else None
            error = ChannelError(f"injected: {outcome}", outcome=word, retry_after=wait)
            raise CallError(error, said, unknown=said == 404)
        world.park(job, "called")
        return said

    def _note(self, asked: Asked, *, did: bool, said: int) -> None:
        noted = Asked(asked.key, asked.to, did, said, self._world.clock.now(),
                      len(self._world.log), asked.number, asked.who, asked.body,
                      asked.fields)  # fmt: skip
        self.asked.append(noted)
        self._world.tell(f"asked {noted.to} {noted.key} {noted.said} {noted.did}"
                         f" {noted.number} {noted.fields}")  # fmt: skip
