"""Calls on their way out: what is asked before one, and what follows from an attempt.

A call leaves through the outbox like a message: `sending` is committed before it, with a
fencing token. Unlike a message it may be repeated, since its idempotency key makes two
attempts one: whatever is in doubt is simply made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from store.outbox import Claim, Claimed, Deferral, Leaving, Outcome, Result, Skip
from store.outbox_leave import still_mine
from workers.breakers import NotAskedError, unasked
from workers.channels.base import ChannelError
from workers.channels.calls import Call, Caller, CallError, NoCaller
from workers.outcomes import Told, follows
from workers.outward import Outward
from workflows.adopted import FORGOTTEN
from workflows.compiled import Programme
from workflows.durations import add_span, parse_span
from workflows.guard import PAUSED_LOOK
from workflows.state import Doc, Forward, Record, iso
from workflows.steps.calling import TO
from workflows.steps.outcome import UNCERTAIN

TOGETHER = timedelta(milliseconds=250)
"""How long the outcome of a call may wait for others to be recorded with."""
ENDPOINT_GONE = "no_endpoint"
"""Why a call fails whose endpoint the programme does not have any more."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that may be made now."""

    leaving: Leaving
    call: Call


def judge(
    programme: Programme, claim: Claim, message: Claimed, *, now: datetime
) -> Ready | Skip | Deferral:
    """Return whether a call that is due may be made: its run is live, its endpoint is there.

    One that a merge left at the other record goes on from there, unless that is forgotten:
    then nothing is kept of what it would say.
    """
    run = claim.run_of(message)
    forgotten = "erased_at" in claim.actors.get(message.actor, {})
    if forgotten and run is not None and run.doc["trigger"]["type"] == FORGOTTEN:
        forgotten = False  # others are to hear of that; it says no more than an id
    if forgotten or (run is not None and run.doc.get("left")):
        return Skip(message.ref, "stopped")
    living = claim.living_run_of(message)
    if living is not None and living.doc.get("paused"):
        return Deferral(message.ref, message.planned_at, now + PAUSED_LOOK, "paused")
    name = message.to.removeprefix(TO)
    endpoint = programme.policies.endpoints.get(name)
    if endpoint is None:
        said = told_call(programme, message, now, status=0, ended="failed", reason=ENDPOINT_GONE)
        return Skip(message.ref, ENDPOINT_GONE, said.forwards, said.records)
    call = Call(
        key=str(message.doc.get("idempotency", message.key)),
        endpoint=name,
        url=endpoint.url,
        secret=endpoint.secret,
        body=orjson.dumps(message.doc.get("data", {})),
        at=now,
    )
    return Ready(Leaving(message.ref, "call", "", message.planned_at), call)


class Calls(Outward):
    """Makes calls, one after another.

    Attributes:
        caller: How they are made; what makes none leaves them waiting.
    """

    failed = "call.failed"
    broke = "call.broke"
    caller: Caller = NoCaller()

    def make(self, calls: Sequence[tuple[Claimed, Ready]], token: str, until: datetime) -> None:
        """Make the calls of a burst, ours until `until`, and record what came of them.

        What quick ones came to is recorded together; after `TOGETHER` it is recorded before
        the next, which may take its time.
        """
        refs = [message.ref for message, _ in calls]
        with self._store.reader() as conn:
            mine = still_mine(conn, refs, token=token, now=self._clock.now())
        outcomes: list[Outcome] = []
        since = self._clock.now()
        for message, ready in calls:
            if outcomes and self._clock.now() - since >= TOGETHER:
                self._record(outcomes, token)
                outcomes, since = [], self._clock.now()
            # Looked at just before the call: recording may have taken longer than the lease.
            if message.ref in mine and self._clock.now() < until:
                outcomes.append(self._one(message, ready))
        self._record(outcomes, token)

    def _one(self, message: Claimed, ready: Ready) -> Outcome:
        call = ready.call
        result = self._asked(message, lambda: self.caller.call(call), endpoint=call.endpoint)
        programme = self._programmes.current().programme
        return after(programme, message, result, now=self._clock.now())


def after(
    programme: Programme, message: Claimed, result: int | ChannelError, *, now: datetime
) -> Outcome:
    """Return what follows from an attempt: done, another one as the endpoint says, or failed.

    Each retry counts from the attempt before. What can never be sent fails at once. Where the
    last attempt may have been heard, the reason of the failure says so; of those before it
    the answer to the next one tells, by the key.
    """
    if isinstance(result, NotAskedError):
        return unasked(message, result, now)
    if not isinstance(result, ChannelError):
        said = told_call(programme, message, now, status=result, ended="done")
        return Outcome(message.ref, Result.SENT, forwards=said.forwards, records=said.records)
    status = result.status if isinstance(result, CallError) else 0
    unsure = result.outcome == "uncertain"
    endpoint = programme.policies.endpoints.get(message.to.removeprefix(TO))
    spans = endpoint.retry if endpoint else ()
    never = result.outcome == "refused" and not status
    if never or message.attempts >= len(spans):
        why = UNCERTAIN if unsure else "refused" if never else "attempts"
        said = told_call(programme, message, now, status=status, ended="failed", reason=why)
        return Outcome(message.ref, Result.FAILED, reason=why,
                       forwards=said.forwards, records=said.records)  # fmt: skip
    span = parse_span(spans[message.attempts])
    due = add_span(now, span, zone=programme.zone, office=programme.office)
    due = max(due, now + (result.retry_after or timedelta(0)))
    said = told_call(programme, message, now, status=status)
    return Outcome(message.ref, Result.RETRY, reason=str(status or result.code), due_at=due,
                   planned_at=due, forwards=said.forwards, records=said.records)  # fmt: skip


def told_call(
    programme: Programme,
    message: Claimed,
    now: datetime,
    *,
    status: int,
    ended: str = "",
    reason: str = "",
) -> Told:
    """Return the fact of an attempt; an event too, where it is the last or a trigger listens."""
    data: Doc = {
        "endpoint": message.to.removeprefix(TO),
        "attempt": message.attempts + 1,
        "status": status,
    }
    if reason:
        data["reason"] = reason
    of_run: Doc = {"workflow": message.workflow, "run": message.run, "step": message.step}
    fact: Doc = {"fact": "call.attempted", "key": message.key, **of_run, "data": data}
    noted = Record(message.actor, now, message.key, {"type": "call.attempted", "facts": [fact]})
    if not ended and "call.attempted" not in programme.listens:
        return Told((), (noted,))
    kind, _, name = message.actor.partition("/")
    event: Doc = {
        "id": f"{message.key}/attempt{message.attempts + 1}/{iso(now)}", "source": "vouch",
        "type": "call.attempted", "fact": True, "time": iso(message.planned_at),
        "contact": name if kind == "contact" else "", **of_run,
        "data": {**data, "message": message.key, "ended": ended}, **follows(message),
    }  # fmt: skip
    return Told((Forward(message.actor, event),), (noted,))
