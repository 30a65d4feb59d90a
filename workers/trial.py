"""The real App on a SQLite file, with a virtual clock and channels that write to a folder.

`vouch test`, `vouch simulate` and the demo run on it: there is no second engine.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from events.errors import VouchError
from store.alone import LoneStore
from store.blank import write_blank
from store.db import Store
from store.glance import glance
from store.outbox_record import expire_leases
from workers.app import App
from workers.channels.base import Channel, ChannelError, Outcome, Parcel
from workers.channels.calls import FolderCaller
from workers.channels.folder import FolderChannel, UnwrittenChannel
from workers.channels.targets import FolderTargets
from workers.clock import VirtualClock
from workers.delivering import LEASE
from workers.draining import Drained
from workers.intake import Verdict
from workers.letters import Desk
from workers.programmes import Applied, apply_loaded
from workers.seeds import trial_seeds
from workers.tokens import Tokens
from workflows.loaded import Loaded

ROUNDS_MAX = 10_000
"""Rounds of drain and deliver in one instant; more means that it goes round in a circle."""
TRIAL_KEY = b"a key for trials only: no link of a trial leaves it"

OUTCOMES: Mapping[str, Outcome | None] = {
    "ok": None,
    "permanent": "refused", "refused": "refused",
    "transient": "retry", "retry": "retry",
    "unknown": "uncertain", "uncertain": "uncertain", "in_doubt": "uncertain",
    "timeout": "uncertain",
}  # fmt: skip
"""What a scenario calls the outcomes of a call: to what the channel says of it."""
STATUSES = range(100, 600)
"""What an endpoint may answer, beside those words."""


def status_of(word: str) -> int:
    """Return the HTTP status that a scenario says an endpoint answers; 0 for no answer.

    >>> status_of("503"), status_of("ok"), status_of("unknown")
    (503, 200, 0)
    """
    return int(word) if word.isdecimal() else 200 if word == "ok" else 0


class TrialStuckError(VouchError):
    """A trial found work in one instant for ever."""

    code = "trial-stuck"


class ScriptedChannel:
    """A channel whose calls come to what a scenario says, in order; then all is well."""

    def __init__(self, inner: Channel, script: Sequence[str]) -> None:
        self.name = inner.name
        self.repeatable = False  # it plays a mail server: what it did not say is in doubt
        self._inner = inner
        self._script = iter(script)
        self._lost: set[str] = set()

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender that fails as the script says."""
        with self._inner.burst() as send:

            def scripted(parcel: Parcel) -> str:
                outcome = OUTCOMES[next(self._script, "ok")]
                if outcome == "uncertain":
                    self._lost.add(parcel.key)
                if outcome:
                    message = f"the scenario says {outcome}"
                    raise ChannelError(message, outcome=outcome)
                return send(parcel)

            yield scripted

    def look_up(self, key: str) -> bool | None:
        """Ask the folder; nobody can tell of what the scenario says is uncertain."""
        return None if key in self._lost else self._inner.look_up(key)


class Trial:
    """A programme, a database of its own, and a clock that jumps from one due moment to the next.

    Args:
        folder: Where the database and whatever is sent go.
        start: What the clock shows at first.
        outside: What calls to each channel come to.
        draws: What is drawn, by step.
        on_commit: Called after every commit, with what it was.
        on_call: Called after every call to the outside, with the delivery's key.
        keeps: Whether the messages are written to the folder; else only their facts are.
        store: The database to go on with; else a new one in the folder.
    """

    def __init__(
        self,
        folder: Path,
        start: datetime,
        *,
        outside: Mapping[str, Sequence[str]] | None = None,
        draws: Mapping[str, int] | None = None,
        on_commit: Callable[[str], None] | None = None,
        on_call: Callable[[str], None] | None = None,
        keeps: bool = True,
        store: Store | None = None,
    ) -> None:
        self.folder = folder
        self.clock = VirtualClock(start)
        self.store = store or _own(folder / "trial.db")
        self._draws = dict(draws or {})
        self._tokens = (f"trial-{number}" for number in count(1))
        self._hooks = (on_commit, on_call)
        self._next_at: datetime | None = None
        script = outside or {}
        channel = FolderChannel if keeps else UnwrittenChannel
        self._channels: dict[str, Channel] = {
            name: ScriptedChannel(channel(folder / "mail", name=name), script.get(name, ()))
            for name in ("email", "sms")
        }
        statuses = {name: [status_of(word) for word in said] for name, said in script.items()}
        self._caller = FolderCaller(folder / "calls", statuses)
        self._targets = FolderTargets(folder / "syncs", statuses)
        self._desk = Desk(Tokens([TRIAL_KEY]), "https://vouch.example", "vouch@vouch.example")
        self.app = self._make()

    def _make(self) -> App:
        on_commit, on_call = self._hooks
        app = App(
            self.store,
            self.clock,
            self._desk,
            self._channels,
            token=lambda: next(self._tokens),
            on_commit=on_commit,
            on_call=on_call,
        )
        app.deliverer.calls.caller = self._caller
        app.deliverer.syncs.targets = self._targets
        app.programmes.alone = True
        return app

    def restart(self) -> None:
        """Go on as after a crash: a new App on the same database, nothing kept in memory.

        Leases that would run out later are over at once, so that what was on its way is
        settled at this instant and no fact moves. What is compiled follows from what is in
        the database, and is kept.
        """
        compiled = self.app.programmes.current()
        self.app = self._make()
        self.app.programmes.remember(compiled)
        now = self.clock.now()
        with self.store.transaction() as conn:
            expire_leases(conn, now + LEASE)
        self.app.settle_doubts(now)

    def apply(self, loaded: Loaded, *, compiled: Applied | None = None) -> Applied:
        """Apply a programme and return it compiled; `compiled` is the same one of another trial."""
        apply_loaded(self.store, loaded, now=self.clock.now(), by="trial")
        if compiled is not None:
            self.app.programmes.remember(compiled)
        self.app.programmes.forget()
        applied = self.app.programmes.current()
        applied.programme.draws = dict(self._draws)
        applied.programme.seeds = trial_seeds(applied.policies, os.environ)
        return applied

    def publish(self, events: Sequence[object]) -> list[Verdict]:
        """Take in events at this instant and let everything follow from them."""
        verdicts = self.app.publish(list(events))
        self.settle()
        return verdicts

    def settle(self) -> None:
        """Drain, deliver and look up what is in doubt until nothing more happens now.

        Events go before timers of the same instant, whichever actors they reach, and both
        before what leaves then: it says what is true once all of them are handled. So it makes
        no difference between which two of them the process died.
        """
        doubts = 0
        for _ in range(ROUNDS_MAX):
            with self.store.reader() as conn:
                seen = glance(conn, now=self.clock.now())
            both = seen.events and seen.timers
            drained = Drained()
            if seen.events or seen.timers:
                drained = self.app.drainer.drain(events_first=both)
            if drained.inputs or drained.dead or (seen.due and self.app.deliverer.deliver()):
                continue
            left = self.app.settle_doubts(self.clock.now()) if seen.unsettled else 0
            if left == doubts:
                self._next_at = seen.next_at
                if seen.erasing:
                    self.app.forget()
                return
            doubts = left
        raise TrialStuckError(
            f"more than {ROUNDS_MAX} rounds at {self.clock.now()}",
            hint="two workflows start each other: give one an `if`",
        )

    def advance(self, until: datetime) -> None:
        """Go to `until`, stopping at every moment at which something is due, `until` included."""
        self.reach(until)
        self.settle()

    def reach(self, at: datetime) -> None:
        """Go to `at` and leave what is due then: events go before timers of the same instant."""
        if at <= self.clock.now():
            return
        self.settle()
        while (due := self._next_at) is not None and due < at:
            if due <= self.clock.now():
                raise TrialStuckError(f"something due at {due} is never done")
            self.clock.set(due)
            self.settle()
        self.clock.set(at)

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def _own(path: Path) -> Store:
    write_blank(path)
    return LoneStore(path)


def at_once(trial: Trial, events: Sequence[tuple[datetime, Any]]) -> None:
    """Publish events each at its instant, in order."""
    for at, event in events:
        trial.reach(at)
        trial.publish([event])
