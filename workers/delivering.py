"""Deliver: claim and ask the guard, commit `sending`, send, record what became of it.

At most once to people: `sending` is committed before the call, and a message whose outcome
nobody knows is in doubt and never repeated blindly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from events.errors import VouchError
from store import holding, outbox_claim, outbox_leave
from store.db import Store
from store.outbox import (
    Claim,
    Claimed,
    Deferral,
    Doubt,
    Leaving,
    Outcome,
    Ref,
    Result,
    RunSeen,
    Skip,
)
from workers.breakers import Breakers, NotAskedError, deferred, unasked
from workers.calling import Calls, Ready, is_call, judge
from workers.channels.base import Channel, ChannelError, Parcel, Send
from workers.clock import Clock
from workers.letters import Desk, parcel, staff_doc
from workers.lines import Lines
from workers.outcomes import Told, told
from workers.programmes import Programmes
from workers.recording import record_outcomes
from workers.shared_lock import SharedLock
from workers.syncing import SyncReady, Syncs, is_sync
from workers.syncing import judge as judge_sync
from workflows.calendars import next_slot
from workflows.compiled import Programme
from workflows.guard import Defer, Leave, Planned, View, guard
from workflows.planning import history_horizon
from workflows.state import Doc
from workflows.steps.journey_state import overtaken
from workflows.wallclock import zone_or

BURST_MIN, BURST_MAX = 10, 50
"""Messages sent between two commits, a channel's on one connection."""
BURST_QUICK = timedelta(milliseconds=250)
"""Bursts grow while they end within this: as much as that is in doubt if a process dies."""
LEASE = timedelta(minutes=5)
"""How long a worker may take for one burst; then what it did not record is in doubt."""
ATTEMPTS_MAX = 20
ATTEMPTS = "attempts"
"""Why a message fails, or stays in doubt, that was tried so often."""
WORDS = "words"
"""Why one fails whose words cannot be made."""
BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MAX = timedelta(hours=1)

log = structlog.get_logger("vouch.deliver")


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the given attempt failed, counted from 1.

    >>> [int(backoff(n).total_seconds()) for n in (1, 2, 3, 20)]
    [5, 10, 20, 3600]
    """
    return min(BACKOFF_FIRST * int(2 ** (attempt - 1)), BACKOFF_MAX)


@dataclass(slots=True)
class _Burst:
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

    def drop(self, message: Claimed, reason: str, said: Told) -> None:
        """Say that a message never leaves, unless it may have left already: that is in doubt."""
        if message.is_unsure:
            self.doubts.append(Doubt(message.ref, reason))
        else:
            self.skips.append(Skip(message.ref, reason, said.forwards, said.records))


class Deliverer:
    """Sends what is due, a burst at a time.

    Attributes:
        lock: Held shared for each burst, so that others of its process can be alone.
        breakers: Leave alone for a while what does not answer.
        calls: Makes the calls to endpoints; without a caller they wait.
        syncs: Tells other systems what changed; without targets they wait.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        programmes: Programmes,
        channels: Mapping[str, Channel],
        desk: Desk,
        *,
        token: Callable[[], str],
        lease: timedelta = LEASE,
        on_call: Callable[[str], None] | None = None,
        on_commit: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._programmes = programmes
        self._channels = channels
        self._desk = desk
        self._token = token
        self._lease = lease
        self.lock = SharedLock()
        self.breakers = Breakers()
        self._on_call = on_call or (lambda _key: None)
        self._on_commit = on_commit or (lambda _what: None)
        self._said_held = False
        hooks = (self.breakers, self._on_call, self._on_commit)
        self.calls = Calls(store, clock, programmes, *hooks)
        self.syncs = Syncs(store, clock, programmes, *hooks)

    def deliver(self) -> int:
        """Send everything that is due, unless messages are held; return how many were handled."""
        if self._is_held():
            return 0
        with Lines(self._channels) as lines:
            try:
                return self._deliver(lines)
            finally:
                self.calls.caller.hang_up()

    def _deliver(self, lines: Lines) -> int:
        handled, size = 0, BURST_MIN
        while True:
            since = self._clock.now()
            with self.lock.shared():
                burst = self._burst(lines, size)
            handled += burst.claimed
            if not burst.claimed or not burst.full:
                return handled  # a short burst was the last: no second, empty transaction
            quick = self._clock.now() - since <= BURST_QUICK
            size = min(2 * size, BURST_MAX) if quick else BURST_MIN

    def _burst(self, lines: Lines, size: int) -> _Burst:
        """Claim a burst, send what leaves, and record it; return what it came to."""
        burst = self._claim(size)
        if burst.leaving:
            self._send(burst, lines)
        calls = [(m, ready) for m, ready in burst.calls if isinstance(ready, Ready)]
        if calls:
            self.calls.make(calls, burst.token, burst.until)
        for message, ready in burst.calls:
            if isinstance(ready, SyncReady):
                self.syncs.make(message, ready, burst.token)
        return burst

    def _is_held(self) -> bool:
        """Tell whether an operator's word is missing, after a restore or by one's own hold."""
        with self._store.reader() as conn:
            seen = holding.look(conn)
        if seen.has_moved or seen.is_unmarked:
            with self._store.transaction() as conn:
                holding.settle(conn, seen, now=self._clock.now())
        if seen.is_held and not self._said_held:
            log.warning("outbox.held", reason=seen.reason or holding.MOVED)
        self._said_held = seen.is_held
        return seen.is_held

    # -- claim -----------------------------------------------------------------------------------

    def _claim(self, size: int) -> _Burst:
        self.breakers.begin()
        now = self._clock.now()
        programme = self._programmes.current().programme
        burst = _Burst(self._token(), now + self._lease)
        with self._store.transaction() as conn:
            claim = outbox_claim.claim(
                conn, now=now, limit=size, horizon=history_horizon(programme.policies),
                fingerprint=self._desk.tokens.fingerprints,
            )  # fmt: skip
            burst.full = claim.full
            if not claim.messages:
                return burst
            gone: list[Claimed] = []
            for message in claim.messages:
                if is_call(message.to):
                    judged = judge(programme, claim, message, now=now)
                    burst.take(message, self._in_time(message, judged, now))
                elif is_sync(message.to):
                    judged_sync = judge_sync(programme, claim, message, now=now)
                    burst.take(message, self._in_time(message, judged_sync, now))
                else:
                    self._judge(programme, claim, message, burst, gone, now)
            outbox_leave.defer(conn, burst.defers, now=now)
            outbox_leave.skip(conn, burst.skips, now=now)
            outbox_leave.doubt(conn, burst.doubts, now=now)
            leaving = [
                Leaving((m.slice, m.key), leave.channel, leave.locale, leave.planned)
                for m, leave, _ in burst.leaving
            ]
            leaving += [ready.leaving for _, ready in burst.calls]
            outbox_leave.mark_sending(conn, leaving, token=burst.token, now=now, lease=self._lease)
        claimed = [*(m.key for m, _, _ in burst.leaving), *(m.key for m, _ in burst.calls)]
        self._on_commit("/".join(("claim", *claimed)))
        return burst

    def _judge(
        self,
        programme: Programme,
        claim: Claim,
        message: Claimed,
        burst: _Burst,
        gone: list[Claimed],
        now: datetime,
    ) -> None:
        """Ask the guard, and render what it lets go."""
        to = self._recipient(programme, claim, message)
        verdict = guard(programme, message, _view(programme, claim, message, to, gone), now=now)
        ref: Ref = (message.slice, message.key)
        if isinstance(verdict, Leave):
            if wait := self.breakers.wait(verdict.channel):
                burst.defers.append(deferred(message, now + wait))
                return
            try:
                ready = parcel(self._desk, programme, claim, message, verdict, to, now=now)
            except (VouchError, LookupError) as error:
                log.warning(
                    "message.unrenderable", template=message.template, error=type(error).__name__
                )
                said = told(
                    programme,
                    message,
                    "message.failed",
                    now,
                    reason=f"words: {error}",
                    planned=verdict.planned,
                )
                burst.drop(message, WORDS, said)
                return
            burst.leaving.append((message, verdict, ready))
            gone.append(replace(message, planned_at=verdict.planned))
        elif isinstance(verdict, Defer):
            said = told(
                programme,
                message,
                "message.deferred",
                now,
                reason=verdict.reason,
                planned=verdict.until,
                verdict=verdict,
            )
            again = verdict.reason == message.reason == "paused"  # said once is enough
            burst.defers.append(
                Deferral(
                    ref,
                    verdict.planned or verdict.until,
                    verdict.until,
                    verdict.reason,
                    () if again else said.records,
                )
            )
        else:
            said = told(
                programme,
                message,
                "message.skipped",
                now,
                reason=verdict.reason,
                planned=message.planned_at,
                verdict=verdict,
            )
            burst.drop(message, verdict.reason, said)

    @staticmethod
    def _recipient(programme: Programme, claim: Claim, message: Claimed) -> Doc:
        kind, _, person = message.to.partition("/")
        if kind == "staff":
            return staff_doc(programme, person, message.doc.get("outsider")) if person else {}
        return dict(claim.recipients[message.to].doc)

    def _in_time(
        self, message: Claimed, judged: Ready | SyncReady | Deferral | Skip, now: datetime
    ) -> Ready | SyncReady | Deferral | Skip:
        """Return what was judged, or that it waits: whom it is to reach does not answer."""
        if isinstance(judged, Ready | SyncReady) and (wait := self.breakers.wait(message.to)):
            return deferred(message, now + wait)
        return judged

    # -- send ------------------------------------------------------------------------------------

    def _send(self, burst: _Burst, lines: Lines) -> None:
        """Send a burst, channel by channel, and record each outcome."""
        outcomes: list[Outcome] = []
        by_channel: dict[str, list[tuple[Claimed, Leave, Parcel]]] = {}
        for each in burst.leaving:
            by_channel.setdefault(each[1].channel, []).append(each)
        for name, parcels in by_channel.items():
            outcomes += self._send_by(name, parcels, burst, lines)
        now = self._clock.now()
        record_outcomes(
            self._store, outcomes, token=burst.token, now=now, on_commit=self._on_commit
        )

    def _send_by(
        self,
        name: str,
        parcels: Sequence[tuple[Claimed, Leave, Parcel]],
        burst: _Burst,
        lines: Lines,
    ) -> list[Outcome]:
        channel = self._channels.get(name)
        if channel is None:
            error = ChannelError(f"no channel {name!r} is configured", outcome="retry")
            return [self._failed(m, leave, error) for m, leave, _ in parcels]
        refs = [(m.slice, m.key) for m, _, _ in parcels]
        with self._store.reader() as conn:
            mine = outbox_leave.still_mine(conn, refs, token=burst.token, now=self._clock.now())
        send = self.breakers.watched(name, lines.to(name))
        outcomes = [
            self._one(send, message, leave, ready, repeatable=channel.repeatable)
            for message, leave, ready in parcels
            # The lease may run out in the middle of a burst, or while we were frozen: from
            # then on an operator may say that a message did not leave, and it must not.
            if (message.slice, message.key) in mine and self._clock.now() < burst.until
        ]
        if any(each.status is not Result.SENT for each in outcomes):
            lines.hang_up(name)
        return outcomes

    def _one(
        self, send: Send, message: Claimed, leave: Leave, ready: Parcel, *, repeatable: bool
    ) -> Outcome:
        try:
            message_id = send(ready)
        except ChannelError as error:
            return self._failed(message, leave, error, repeatable=repeatable)
        except Exception as error:  # a defect of the channel: nobody knows how far it came
            log.exception("delivery.broke", channel=leave.channel)
            doubt = ChannelError(type(error).__name__, outcome="uncertain")
            return self._failed(message, leave, doubt, repeatable=repeatable)
        self._on_call(message.key)
        programme = self._programmes.current().programme
        said = told(
            programme,
            message,
            "message.sent",
            self._clock.now(),
            channel=leave.channel,
            locale=leave.locale,
            planned=leave.planned,
            verdict=leave,
        )
        return Outcome(
            (message.slice, message.key),
            Result.SENT,
            message_id=message_id,
            forwards=said.forwards,
            records=said.records,
        )

    def _failed(
        self, message: Claimed, leave: Leave, error: ChannelError, *, repeatable: bool = False
    ) -> Outcome:
        """Return what follows from a failure: try again, another channel, doubt, or the end.

        Where a key makes two sends one message, doubt needs nobody at first: it is sent again.
        """
        ref: Ref = (message.slice, message.key)
        now = self._clock.now()
        if isinstance(error, NotAskedError):
            return unasked(message, error, now)
        programme = self._programmes.current().programme
        if error.outcome == "uncertain" and not repeatable:
            log.warning("delivery.in_doubt", channel=leave.channel)
            return Outcome(ref, Result.IN_DOUBT, reason=error.code)
        if error.outcome == "refused":
            return self._refused(programme, message, leave, now)
        unsure = message.is_unsure or error.outcome == "uncertain"
        if message.attempts + 1 >= ATTEMPTS_MAX and unsure:
            log.warning("delivery.in_doubt", channel=leave.channel)
            return Outcome(ref, Result.IN_DOUBT, reason=ATTEMPTS)
        if message.attempts + 1 >= ATTEMPTS_MAX:
            said = told(
                programme,
                message,
                "message.failed",
                now,
                channel=leave.channel,
                planned=leave.planned,
                reason=ATTEMPTS,
            )
            return Outcome(
                ref, Result.FAILED, reason=ATTEMPTS, forwards=said.forwards, records=said.records
            )
        wait = max(backoff(message.attempts + 1), error.retry_after or timedelta(0))
        due_at = now + min(wait, BACKOFF_MAX)
        return Outcome(ref, Result.RETRY, reason=error.code, due_at=due_at, unsure=unsure)

    @staticmethod
    def _refused(programme: Programme, message: Claimed, leave: Leave, now: datetime) -> Outcome:
        """Try the next channel at the next slot; refused by all, it is skipped for good."""
        ref: Ref = (message.slice, message.key)
        tried = {*message.doc.get("refused", ()), leave.channel}
        if (
            message.to.startswith("staff/")
            or not set(message.by or programme.policies.channels) - tried
        ):
            said = told(
                programme,
                message,
                "message.skipped",
                now,
                channel=leave.channel,
                planned=leave.planned,
                reason="undeliverable",
            )
            return Outcome(
                ref,
                Result.SKIPPED,
                reason="undeliverable",
                forwards=said.forwards,
                records=said.records,
            )
        zone = zone_or(leave.zone, programme.zone)[0]
        policy = programme.class_of(message.class_)
        calendar = programme.calendars.get(policy.calendar) if policy.calendar else None
        slot = next_slot(leave.planned + timedelta(seconds=1), programme.slot, zone, calendar)
        said = told(
            programme,
            message,
            "message.deferred",
            now,
            channel=leave.channel,
            planned=slot,
            reason="refused",
        )
        return Outcome(
            ref,
            Result.REFUSED,
            reason="refused",
            due_at=slot,
            planned_at=slot,
            records=said.records,
        )


def _consents(programme: Programme, message: Claimed, known: Any) -> dict[tuple[str, str], bool]:  # noqa: ANN401
    """Return what the recipient said; an address on the list says no until a newer yes."""
    if not known:
        return {}
    said = {key: each.granted for key, each in known.consents.items()}
    topic = programme.class_of(message.class_).consent
    for channel, since in known.suppressed.items():
        word = known.consents.get((channel, topic))
        if word is None or word.at <= since:
            said[channel, topic] = False
    return said


def _is_left(run: RunSeen, message: Claimed) -> bool:
    """Tell whether nobody needs a message any more: its run is over, or went to another record."""
    gone = run.actor != message.actor or bool(run.doc.get("left"))
    return gone or overtaken(run.doc, message.doc, message.key)


def _view(
    programme: Programme, claim: Claim, message: Claimed, to: Doc, gone: Sequence[Claimed]
) -> View:
    """Return what the guard sees: the recipient under lock, and what this claim lets go."""
    run = claim.run_of(message)
    known: Any = claim.recipients.get(message.to)
    consents = _consents(programme, message, known)
    history: Sequence[Planned] = known.history if known else ()
    if gone:  # one that may have left before is in both
        keys = {each.key for each in gone}
        history = [*(each for each in history if each.key not in keys), *gone]
    unsure = known.unsure.items() if known else ()
    return View(
        doc=to,
        account=claim.actors.get(f"account/{message.account}", {}),
        consents=consents,
        history=history,
        templates_sent=frozenset(
            (
                *(known.templates_sent if known else ()),
                *(template for key, template in unsure if key != message.key),
                *(each.template for each in gone if each.to == message.to),
            )
        ),
        run_left=run is not None and _is_left(run, message),
        run_paused=bool(run is not None and run.doc.get("paused")),
        ask_status=claim.ask_status(message),
    )
