"""What becomes of each message of a claim: it leaves, waits, or never leaves.

Under the locks of the claim, with the newest policies and the newest facts.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from events.errors import VouchError
from store.outbox import Claim, Claimed, Deferral, RunSeen, Skip
from workers import calling, syncing
from workers.breakers import Breakers, deferred
from workers.burst import Burst
from workers.calling import Ready
from workers.letters import Desk, parcel, staff_doc
from workers.outcomes import told
from workers.syncing import SyncReady
from workflows.adopted import ADOPTED
from workflows.compiled import Programme
from workflows.guard import Defer, Leave, Planned, View, guard
from workflows.state import MOVED, Doc
from workflows.steps.calling import is_call
from workflows.steps.journey_state import overtaken
from workflows.syncs import is_sync

WORDS = "words"
"""Why a message fails whose words cannot be made."""

log = structlog.get_logger("vouch.deliver")


class Judge:
    """Asks the guard about messages, and the run about calls and syncs; renders what leaves."""

    def __init__(self, desk: Desk, breakers: Breakers) -> None:
        self._desk = desk
        self._breakers = breakers

    def judge(self, programme: Programme, claim: Claim, burst: Burst, now: datetime) -> None:
        """Put every message of a claim into the burst, as what becomes of it."""
        gone: list[Claimed] = []
        for message in claim.messages:
            if is_call(message.to):
                judged = calling.judge(programme, claim, message, now=now)
                burst.take(message, self._in_time(message, judged, now))
            elif is_sync(message.to):
                judged_sync = syncing.judge(programme, claim, message, now=now)
                burst.take(message, self._in_time(message, judged_sync, now))
            else:
                self._letter(programme, claim, message, burst, gone, now)

    def _letter(
        self,
        programme: Programme,
        claim: Claim,
        message: Claimed,
        burst: Burst,
        gone: list[Claimed],
        now: datetime,
    ) -> None:
        """Ask the guard, and render what it lets go."""
        letter = _to_who_remains(programme, claim, message)
        if letter.once and _leaves_already(letter, gone):
            # Whether it did is known once that is recorded: then this one is asked about.
            burst.defers.append(Deferral(message.ref, message.planned_at, now, message.reason))
            burst.full = True
            return
        to = self._recipient(programme, claim, letter)
        verdict = guard(programme, letter, _view(programme, claim, letter, to, gone), now=now)
        if isinstance(verdict, Leave):
            self._leave(programme, claim, message, verdict, to, burst, gone, now)
        elif isinstance(verdict, Defer):
            burst.defers.append(_deferral(programme, message, verdict, now))
        else:
            said = told(programme, message, "message.skipped", now, reason=verdict.reason,
                        planned=message.planned_at, verdict=verdict)  # fmt: skip
            burst.drop(message, verdict.reason, said)

    def _leave(  # noqa: PLR0917 - private, one caller
        self,
        programme: Programme,
        claim: Claim,
        message: Claimed,
        verdict: Leave,
        to: Doc,
        burst: Burst,
        gone: list[Claimed],
        now: datetime,
    ) -> None:
        """Render a message that may leave, unless its channel is left alone for a while."""
        if wait := self._breakers.wait(verdict.channel):
            burst.defers.append(deferred(message, now + wait))
            return
        letter = _to_who_remains(programme, claim, message)
        try:
            ready = parcel(self._desk, programme, claim, letter, verdict, to, now=now)
        except (VouchError, LookupError) as error:
            log.warning(
                "message.unrenderable", template=message.template, error=type(error).__name__
            )
            said = told(programme, message, "message.failed", now, reason=f"words: {error}",
                        planned=verdict.planned)  # fmt: skip
            burst.drop(message, WORDS, said, failed=True)
            return
        burst.leaving.append((message, verdict, ready))
        gone.append(replace(letter, planned_at=verdict.planned))

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
        if isinstance(judged, Ready | SyncReady) and (wait := self._breakers.wait(message.to)):
            return deferred(message, now + wait)
        return judged


def _deferral(programme: Programme, message: Claimed, verdict: Defer, now: datetime) -> Deferral:
    """Return that a message waits, and what is told of it."""
    said = told(programme, message, "message.deferred", now, reason=verdict.reason,
                planned=verdict.until, verdict=verdict)  # fmt: skip
    again = verdict.reason == message.reason == "paused"  # said once is enough
    return Deferral(
        message.ref,
        verdict.planned or verdict.until,
        verdict.until,
        verdict.reason,
        () if again else said.records,
        () if again else said.forwards,
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


def _is_left(run: RunSeen, message: Claimed, *, stays: bool) -> bool:
    """Tell whether nobody needs a message any more: its run is over, or went to another record.

    A run that a merge took along queues again what it waits for; the rest `stays` as it was. Of
    a run whose referrer was forgotten only what colleagues are told does.
    """
    for_colleagues = stays and message.class_ == "staff"
    is_on_its_way = run.status == MOVED and for_colleagues  # nobody has it for a moment
    gone = (run.actor != message.actor and not stays) or (
        bool(run.doc.get("left")) and not is_on_its_way
    )
    if run.actor != message.actor and ADOPTED in run.doc["trigger"]:
        gone = gone or not for_colleagues
    return gone or overtaken(run.doc, message.doc, message.key)


def _to_who_remains(programme: Programme, claim: Claim, message: Claimed) -> Claimed:
    """Return a message as it may leave: what needs consent goes to who remains after a merge.

    The other record may have said no, be held by a case, or have had its share already. The row
    stays where it is, and what is told of it names the record it was queued for.
    """
    remains = claim.remains.get(message.to)
    if remains is None or not programme.class_of(message.class_).consent:
        return message
    return replace(message, to=remains, account=claim.recipients[remains].account)


def _stays(message: Claimed) -> bool:
    """Tell whether a message of a record that was merged leaves: its run queues it not again."""
    return bool(message.run) and not (message.awaited or message.ask)


def _leaves_already(message: Claimed, gone: Sequence[Claimed]) -> bool:
    """Tell whether this claim lets the same words go to the same person."""
    return any((each.to, each.template) == (message.to, message.template) for each in gone)


def _view(
    programme: Programme, claim: Claim, message: Claimed, to: Doc, gone: Sequence[Claimed]
) -> View:
    """Return what the guard sees: the recipient under lock, and what this claim lets go."""
    stays = _stays(message)
    run = claim.living_run_of(message) if stays else claim.run_of(message)
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
            )
        ),
        run_left=run is not None and _is_left(run, message, stays=stays),
        run_paused=bool(run is not None and run.doc.get("paused")),
        ask_status=claim.ask_status(message),
    )
