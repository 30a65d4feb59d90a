"""A burst: what one claim of the outbox came to, sent between two commits."""

from dataclasses import dataclass, field
from datetime import datetime

from store.outbox import Claimed, Deferral, Doubt, Skip
from workers.calling import Ready
from workers.channels.base import Parcel
from workers.outcomes import Told
from workers.syncing import SyncReady
from workflows.guard import Leave


@dataclass(slots=True)
class Burst:
    """What one claim decided; what leaves is ours until `until`; `full`: there may be more."""

    token: str
    until: datetime
    leaving: list[tuple[Claimed, Leave, Parcel]] = field(default_factory=list)
    calls: list[tuple[Claimed, Ready | SyncReady]] = field(default_factory=list)
    defers: list[Deferral] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    full: bool = False

    @property
    def claimed(self) -> int:
        """How many messages it is about."""
        waiting = len(self.defers) + len(self.skips) + len(self.doubts)
        return len(self.leaving) + len(self.calls) + waiting

    def take(self, message: Claimed, judged: Ready | SyncReady | Deferral | Skip) -> None:
        """Take in what is to become of a call or a sync."""
        if isinstance(judged, Ready | SyncReady):
            self.calls.append((message, judged))
        elif isinstance(judged, Deferral):
            self.defers.append(judged)
        else:
            self.skips.append(judged)

    def drop(self, message: Claimed, reason: str, said: Told, *, failed: bool = False) -> None:
        """Say that a message never leaves, unless it may have left already: that is in doubt."""
        if message.is_unsure:
            self.doubts.append(Doubt(message.ref, reason))
        else:
            self.skips.append(Skip(message.ref, reason, said.forwards, said.records, failed))
