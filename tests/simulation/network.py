"""The outside at its worst: a mail server that lies, a webhook that remembers, lost bells."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from tests.simulation.baton import Job, KilledError
from workers.channels.base import ChannelError, Outcome, Parcel

if TYPE_CHECKING:
    from tests.simulation.world import World

QUEUE_MAX = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that really reached somebody."""

    key: str
    address: str
    channel: str
    at: datetime
    place: int  # in the log of commits


class UnreliableChannel:
    """A way out that fails in every way there is.

    `repeatable` is a webhook that knows keys: a second delivery of one is no second message.
    Without it, it is a mail server: what it got twice, somebody reads twice.
    """

    def __init__(self, world: "World", name: str, *, repeatable: bool) -> None:
        self.name = name
        self.repeatable = repeatable
        self._world = world

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""
        yield self._send

    def look_up(self, key: str) -> bool | None:
        """Nobody can tell."""
        return None

    def _send(self, parcel: Parcel) -> str:
        job = cast("Job", self._world.job)
        faults, draw = self._world.faults, self._world.faults.random
        self._world.park(job, "call")
        if faults.strikes("kill", 0.03):
            raise KilledError
        outcome = ""
        known = self.repeatable and any(d.key == parcel.key for d in self._world.delivered)
        if not known and faults.strikes("network", 0.12):  # who knows the key says yes again
            outcome = draw.choice(("retry", "refused", "lost", "unheard", "defect"))
        if outcome == "lost":
            self._unheard(parcel)
        if outcome in ("retry", "refused", "lost"):
            word = cast("Outcome", {"lost": "uncertain"}.get(outcome, outcome))
            raise ChannelError(f"injected: {outcome}", outcome=word)
        self._world.deliver(parcel, repeatable=self.repeatable)
        if faults.strikes("kill", 0.03):
            raise KilledError
        if outcome in ("unheard", "defect"):
            self._unheard(parcel)
        if outcome == "unheard":
            raise ChannelError("injected: no answer", outcome="uncertain")
        if outcome == "defect":
            raise RuntimeError("injected: the channel broke after the call")
        self._world.park(job, "called")
        return f"<{parcel.key}>"

    def _unheard(self, parcel: Parcel) -> None:
        """Nobody knows whether it left: so far in the log of commits."""
        self._world.unheard.append((len(self._world.log), parcel.key))


class UnreliableBell:
    """Nudges that are lost, doubled and out of order: the real set of bells, or worse."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def ring_drain(self, slices: Collection[int]) -> bool:
        """Have these slices drained, perhaps."""
        return self._ring(("drain", tuple(sorted(slices))))

    def ring_deliver(self) -> bool:
        """Have due messages sent, perhaps."""
        return self._ring(("deliver", ()))

    def _ring(self, nudge: tuple[str, tuple[int, ...]]) -> bool:
        world = self._world
        if world.faults.strikes("bell", 0.08):
            return False
        if nudge not in world.nudges or world.faults.strikes("bell", 0.05):
            world.nudges.append(nudge)
            del world.nudges[:-QUEUE_MAX]
        return True
