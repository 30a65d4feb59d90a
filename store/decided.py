"""What a batch decides, as the rows to be written: made actor by actor.

An actor's changes become rows as soon as all its inputs are handled. Its documents are in the
processor's caches just then, and once they are text they can go: kept to the end, five hundred
inputs' would be read from memory once more to be written, and again to be let go.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from events.errors import VouchError
from store.rows import Row, Writes, doc_text, message_row, newest, row_maker
from store.types import as_json
from store.wordless import event_without
from workflows.state import Changes, Consent, Doc, Erasure, Input, Message, iso, slice_of


class StraySliceError(VouchError):
    """A batch decided something about an actor whose slice it does not hold."""

    code = "stray-slice"


@dataclass(slots=True)
class DeadInput:
    """An input to set aside with its error, whose text names nobody.

    `wordless`: its contact was erased, so nothing of what it says is kept.
    """

    input: Input
    error: str
    wordless: bool = False


@dataclass(frozen=True, slots=True)
class Nudges:
    """Where a written batch left work: whom to ring after the commit.

    Attributes:
        inbox: Slices that got inputs.
        outbox: Slices with messages to send now.
        next_at: When the first of the other messages is planned.
    """

    inbox: frozenset[int]
    outbox: frozenset[int]
    next_at: datetime | None


class Decided:
    """The rows of a batch so far.

    Attributes:
        now: The instant of the decisions.
        refused: Events, by source and id, whose words are to be emptied.
    """

    def __init__(self, slices: Sequence[int], now: datetime) -> None:
        """Begin a batch of held slices, decided at `now`."""
        self._held = frozenset(slices)
        self.now = now
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._writes = Writes(list(slices), self._rows)
        self._consents: list[Consent] = []
        self._inbox: set[int] = set()
        self._outbox: set[int] = set()
        self._next_at: datetime | None = None
        self.refused: list[tuple[str, str]] = []

    def add(self, changes: Changes, handled: Sequence[Input]) -> None:
        """Add what some actors' inputs came to, and take those inputs away.

        An actor's changes are added once. A timer that fired is gone unless `changes` sets it
        again.

        Raises:
            StraySliceError: State of an actor whose slice is not held: another drain may be
                working on it.
        """
        self._add_state(changes)
        rows = self._rows
        rows["outbox"] += map(message_row, changes.messages.values())
        rows["ledger"] += map(_entry_row, changes.entries)
        if changes.erasures:
            rows["erasure"] += map(_erasure_row, _once(changes.erasures))
        for forward in changes.forwards:
            slice_ = slice_of(forward.actor)
            self._inbox.add(slice_)
            rows["inbox"].append((slice_, forward.actor, self.now, as_json(forward.event)))
        rows["decision"] += (
            (slice_of(r.actor), r.actor, r.at, r.cause, as_json(r.doc)) for r in changes.records
        )
        self._consents += changes.consents
        self.refused += changes.refused
        self._take(handled)
        fired = {one.timer.key: one.timer for one in handled if one.timer is not None}
        self._writes.timers_gone += (
            (slice_of(timer.actor), key)
            for key, timer in (fired | changes.timers_cut).items()
            if key not in changes.timers_set
        )
        self._nudge(changes.messages.values())

    def set_aside(self, dead: Sequence[DeadInput]) -> None:
        """Add dead letters of inputs, and take those inputs away."""
        self._rows["dead"] += (_dead_row(each, self.now) for each in dead)
        self.refused += (_mark(each.input) for each in dead if each.wordless)
        self._take([each.input for each in dead])
        self._writes.timers_gone += (
            (slice_of(each.input.actor), each.input.timer.key)
            for each in dead
            if each.input.timer is not None
        )

    def writes(self) -> Writes:
        """Return all rows."""
        self._rows["consent"] = [_consent_row(each) for each in newest(self._consents)]
        return self._writes

    def nudges(self) -> Nudges:
        """Return where the rows leave work, once they are committed."""
        return Nudges(frozenset(self._inbox), frozenset(self._outbox), self._next_at)

    def _add_state(self, changes: Changes) -> None:
        """Add what only a slice's own drain may write."""
        rows = [("actor", _actor_row(key, doc)) for key, doc in changes.actors.items()]
        rows += [("run", _run_row(each)) for each in changes.runs.values()]
        rows += [("ask", _ask_row(each)) for each in changes.asks.values()]
        rows += [("task", _task_row(each)) for each in changes.tasks.values()]
        rows += [("timer", _timer_row(each)) for each in changes.timers_set.values()]
        for table, row in rows:
            if row[0] not in self._held:
                raise StraySliceError(
                    f"a batch of slices {sorted(self._held)} decided a {table} of {row[0]}",
                    hint="what concerns another actor is an event put into its inbox",
                )
            self._rows[table].append(row)

    def _take(self, inputs: Sequence[Input]) -> None:
        self._writes.handled += (
            (slice_of(one.actor), one.seq) for one in inputs if one.timer is None
        )

    def _nudge(self, messages: Collection[Message]) -> None:
        for message in messages:
            if message.status != "pending":
                continue
            if message.planned_at <= self.now:
                self._outbox.add(slice_of(message.to))
            elif self._next_at is None or message.planned_at < self._next_at:
                self._next_at = message.planned_at


def _actor_row(key: str, doc: Doc) -> Row:
    columns = (doc_text(doc, "email"), doc_text(doc, "phone"), doc_text(doc, "account"))
    return (slice_of(key), key, *columns, as_json(doc))


def _once(erasures: Sequence[Erasure]) -> Iterable[Erasure]:
    """Give orders that are alike once: somebody may be forgotten twice in a batch."""
    found: dict[tuple[str, datetime, str], Erasure] = {}
    for each in erasures:
        key = (each.actor, each.at, each.about)
        known = found.get(key)
        found[key] = replace(known, also=sorted({*known.also, *each.also})) if known else each
    return found.values()


def _dead_row(dead: DeadInput, now: datetime) -> Row:
    """Return the dead letter of an input, with all that replaying it needs.

    Without what it says of somebody who was erased, who would refuse it anyway.
    """
    one = dead.input
    doc: Doc
    if one.timer is None:
        doc = event_without(one.event or {}) if dead.wordless else one.event or {}
        what = ("event", str(doc.get("type", "")))
    else:
        timer = one.timer
        doc = {"key": timer.key, "due_at": iso(timer.due_at), "name": timer.name}
        doc |= {"kind": timer.kind, "run": timer.run, "subject": timer.subject}
        what = ("timer", timer.kind)
    place: tuple[Any, ...] = (slice_of(one.actor), one.actor, now)
    return (*place, *what, dead.error, one.tries, "dead", as_json(doc))


def _mark(one: Input) -> tuple[str, str]:
    event = one.event or {}
    return str(event.get("source", "")), str(event.get("id", ""))


_run_row, _ask_row, _task_row = row_maker("run"), row_maker("ask"), row_maker("task")
_timer_row, _consent_row = row_maker("timer"), row_maker("consent")


_erasure_row = row_maker("erasure")
_entry_row = row_maker("ledger", owner="account")
