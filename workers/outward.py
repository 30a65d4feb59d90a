"""What calls and syncs have in common: one goes out, and whatever happens is told as a result."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import structlog

from store.db import Store
from store.outbox import Claimed, Outcome
from workers.breakers import Breakers
from workers.channels.base import ChannelError
from workers.channels.targets import TargetMissingError
from workers.clock import Clock
from workers.programmes import Programmes
from workers.recording import record_outcomes

log = structlog.get_logger("vouch.deliver")


class Outward:
    """Asks endpoints and targets, and records what came of it.

    Attributes:
        failed: What the log calls an attempt that did not go well.
        broke: What it calls a defect of ours.
        on_call: Hears the key of each that was taken, before anything is recorded.
    """

    failed: ClassVar[str]
    broke: ClassVar[str]

    def __init__(
        self,
        store: Store,
        clock: Clock,
        programmes: Programmes,
        breakers: Breakers,
        on_call: Callable[[str], None],
        on_commit: Callable[[str], None],
    ) -> None:
        self.on_call = on_call
        self._store = store
        self._clock = clock
        self._programmes = programmes
        self._breakers = breakers
        self._on_commit = on_commit

    def _asked(self, message: Claimed, ask: Callable[[], int], **about: str) -> int | ChannelError:
        """Return the status that somebody answered with, or how it failed.

        `about` is for the log: who was asked, never what was said.
        """
        try:
            with self._breakers.asking(message.to):
                status = ask()
            self.on_call(message.key)
        except ChannelError as error:
            if not isinstance(error, TargetMissingError):  # which `vouch doctor` tells once
                log.warning(self.failed, outcome=error.outcome, **about)
            return error
        except Exception as error:  # a defect: nobody knows how far it came
            log.exception(self.broke, **about)
            return ChannelError(type(error).__name__, outcome="uncertain")
        return status

    def _record(self, outcomes: Sequence[Outcome], token: str) -> None:
        now = self._clock.now()
        record_outcomes(self._store, outcomes, token=token, now=now, on_commit=self._on_commit)
