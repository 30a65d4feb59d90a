"""Syncs on their way out: what another system is told is read when it leaves.

A sync is a row of the outbox like a call, and may be repeated like one: who gets the same fields
twice has the same fields. So what is in doubt is made again, with what is newest by then.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store.outbox import Claim, Claimed, Leaving, Outcome, Result, Skip
from store.outbox_leave import still_mine
from store.rows import account_key
from workers.breakers import NotAskedError, unasked
from workers.channels.base import ChannelError
from workers.channels.calls import CallError
from workers.channels.targets import NoTargets, Person, TargetMissingError, Targets, Update
from workers.outcomes import Told
from workers.outward import Outward
from workflows.compiled import Programme
from workflows.domain.syncing import SETTLED
from workflows.durations import add_span, parse_span, subtract_span
from workflows.state import Doc, Forward, iso
from workflows.syncs import KEPT, TO, CompiledSync, fields_of, is_news, names_of
from workflows.wallclock import zone_or

RETRIES = ("1m", "5m", "30m", "2h", "6h", "12h", "1d")
"""How long after an attempt that failed the next one is made, whatever the other side is."""
UNSET_LOOK = timedelta(hours=1)
"""How often is looked whether a target has got its address."""


@dataclass(frozen=True, slots=True)
class SyncReady:
    """A sync that may be sent now, with what it says."""

    leaving: Leaving
    update: Update


def judge(
    programme: Programme, claim: Claim, message: Claimed, *, now: datetime
) -> SyncReady | Skip:
    """Return what is to be said to the other system, as it is now; nothing where it is known."""
    doc: Doc = claim.actors.get(message.actor, {})
    known: Doc = doc.get(KEPT, {}).get(message.doc["sync"], {})
    if message.doc["number"] < known.get("number", 0):
        return Skip(message.ref, "overtaken")  # queued before they were forgotten and came back
    sync = next((each for each in programme.syncs if each.key == message.doc["sync"]), None)
    fields = _fields(programme, claim, sync, doc, now) if sync else None
    if sync is None or fields is None:
        why = "erased" if "erased_at" in doc else "no_target" if sync is None else "not_eligible"
        return Skip(message.ref, why, _settled(message, known.get("told", {}), now, sent=False))
    if not is_news(sync, fields, known) and not message.attempts:
        return Skip(message.ref, "unchanged", _settled(message, fields, now, sent=False))
    update = Update(
        key=message.key,
        number=message.doc["number"],
        target=sync.target,
        side=sync.side,
        person=Person.of(doc, message.actor.partition("/")[2]),
        fields=fields,
        at=now,
    )
    return SyncReady(Leaving(message.ref, "sync", "", message.planned_at), update)


def _fields(
    programme: Programme, claim: Claim, sync: CompiledSync, doc: Doc, now: datetime
) -> Doc | None:
    account = claim.actors.get(account_key(str(doc.get("account", ""))), {})
    names = names_of(sync, doc, account, programme.facts)
    zone = zone_or(doc.get("zone", ""), programme.zone)[0]

    def ago(span: str) -> datetime:
        return subtract_span(now, parse_span(span), zone=zone, office=programme.office)

    return None if names is None else fields_of(sync, names, now=now, ago=ago)


class Syncs(Outward):
    """Sends syncs, one after another, and records each before the next.

    Attributes:
        targets: Where they go; what knows no target leaves them waiting.
    """

    failed = "sync.failed"
    broke = "sync.broke"
    targets: Targets = NoTargets()

    def make(self, message: Claimed, ready: SyncReady, token: str) -> None:
        """Send one sync and record at once what came of it."""
        with self._store.reader() as conn:
            if not still_mine(conn, [message.ref], token=token, now=self._clock.now()):
                return
        update = ready.update
        result = self._asked(message, lambda: self.targets.send(update), target=update.target)
        programme = self._programmes.current().programme
        fields = dict(update.fields)
        outcome = after(programme, message, fields, result, now=self._clock.now())
        self._record([outcome], token)


def after(
    programme: Programme,
    message: Claimed,
    fields: Doc,
    result: int | ChannelError,
    *,
    now: datetime,
) -> Outcome:
    """Return what follows from an attempt: said, another one later, or given up.

    What the other side refuses is given up at once, and so is somebody whom it does not know:
    what is new then is said again only once it changes.
    """
    if isinstance(result, NotAskedError):
        return unasked(message, result, now)
    if not isinstance(result, ChannelError):
        return Outcome(message.ref, Result.SENT, forwards=_settled(message, fields, now, sent=True))
    if isinstance(result, TargetMissingError):
        due = now + UNSET_LOOK
        return Outcome(message.ref, Result.REFUSED, reason=result.code, due_at=due)
    status = result.status if isinstance(result, CallError) else 0
    gone = _settled(message, fields, now, sent=False)
    if result.outcome == "refused":
        unknown = isinstance(result, CallError) and result.unknown
        became, why = (Result.SKIPPED, "unknown_there") if unknown else (Result.FAILED, "refused")
        return Outcome(message.ref, became, reason=why, forwards=gone)
    if message.attempts >= len(RETRIES):
        return Outcome(message.ref, Result.FAILED, reason="attempts", forwards=gone)
    span = parse_span(RETRIES[message.attempts])
    due = add_span(now, span, zone=programme.zone, office=programme.office)
    due = max(due, now + (result.retry_after or timedelta(0)))
    return Outcome(message.ref, Result.RETRY, reason=str(status or result.code), due_at=due)


def given_up(message: Claimed, now: datetime) -> Told:
    """Return what the contact hears of a row that an operator settled: look what is new."""
    return Told(_settled(message, {}, now, sent=False), ())


def _settled(message: Claimed, fields: Doc, now: datetime, *, sent: bool) -> tuple[Forward]:
    """Return the event by which the contact hears what another system knows by now."""
    kind, _, name = message.actor.partition("/")
    data: dict[str, Any] = {
        "message": message.key, "sync": message.doc.get("sync", message.to.removeprefix(TO)),
        "fields": fields, "sent": sent,
    }  # fmt: skip
    event: Doc = {
        "id": f"{message.key}/settled{message.attempts + 1}/{iso(now)}", "source": "vouch",
        "type": SETTLED, "fact": True, "time": iso(now),
        "contact": name if kind == "contact" else "", "data": data,
    }  # fmt: skip
    return (Forward(message.actor, event),)
