"""What the engine reads and what it wants written: plain values between core and store.

An *actor* is whatever has state and handles its inputs one after another: a contact (a
lead is a contact somebody recommended), an account, a schedule. A drain loads one `State` per
actor, lets the engine handle the actor's inputs on it, and writes the `Changes` in one
transaction. Fields that are searched or joined are attributes; everything else lives in
`doc`, plain JSON with instants as ISO 8601 text in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zlib import crc32

SLICES = 64
MOVED = "moved"
"""The status of a run, ask or task that a merge took along: it goes on with another contact."""

Doc = dict[str, Any]


@lru_cache(maxsize=4096)
def slice_of(actor: str) -> int:
    """Return the slice an actor's rows live in: a hash that never changes, 0..63."""
    return crc32(actor.encode()) % SLICES


def iso(at: datetime) -> str:
    """Return an instant as the text that documents hold: ISO 8601, UTC, ending in Z."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return _utc_text(at)


@lru_cache(maxsize=1024)
def _utc_text(at: datetime) -> str:
    # Most of a batch's instants are the same few. Only of UTC: elsewhere two instants are
    # equal when a clock shows the same hour twice.
    return f"{at.isoformat()[:-6]}Z"  # without its "+00:00"


def instant(text: str) -> datetime:
    """Return the instant that `iso` wrote."""
    return datetime.fromisoformat(text)


@dataclass(slots=True)
class Input:
    """One thing an actor has to handle: an event or fact from the inbox, or a due timer.

    `at` is when it was accepted (an event) or due (a timer); inputs of one actor are
    handled in order of `at`, events before timers of the same instant, then by `seq`.
    """

    actor: str
    at: datetime
    seq: int
    tries: int = 0
    event: Doc | None = None  # {id, source, type, time, contact, account, lead, data, ...}
    timer: "Timer | None" = None
    page: "Page | None" = None  # what a schedule's firing goes on with
    members: tuple[str, ...] = ()  # an account's contacts, where their runs may hear of it


@dataclass(slots=True)
class Page:
    """Contacts that a schedule's firing reaches, read with the input that asks for them.

    `contacts` are actors with their documents and those of their accounts, `after` the place
    of the last one; None where there are no more.
    """

    contacts: "list[tuple[str, Doc, Doc]]"
    after: tuple[int, str] | None


@dataclass(slots=True)
class Timer:
    """A promise to wake an actor at `due_at`.

    `name` is how people see it (`rest`, `call/level1`, `ask/reminder1`); `kind` tells the
    engine what to do; `run` and `subject` (a task's, ask's or entry's key) whom it wakes.
    """

    key: str
    actor: str
    due_at: datetime
    name: str
    kind: str
    run: str = ""
    subject: str = ""


@dataclass(slots=True)
class Run:
    """One execution of one version of a workflow, by one actor.

    `doc`: `trigger` (the event that started it), `time` (the run's time), `at` (the step it
    waits in), `wait` (that step's own state), `steps` (outcomes so far), `heard` (events it
    may still look back to), `used` (keys of those already used), `paused` (since when, by
    whom, and what is held until it is resumed), `retries`.
    """

    id: str
    actor: str
    workflow: str
    version: str
    per: str
    started_at: datetime
    status: str = "live"  # live, ended
    ended_at: datetime | None = None
    ended_as: str = ""
    doc: Doc = field(default_factory=dict)

    def effect(self, step: str) -> str:
        """Return what the keys of a step's effects begin with, another one after each retry."""
        retries = self.doc.get("retries")
        return f"{self.id}/{step}/retry{retries}" if retries else f"{self.id}/{step}"


@dataclass(slots=True)
class Ask:
    """A question put to a contact: pending until its message left, then open, then final.

    Final: answered, declined, silent, withdrawn, skipped. `doc`: reminders and words.
    """

    key: str
    actor: str
    run: str
    workflow: str
    step: str
    kind: str
    status: str = "pending"
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    touches: int = 0
    reason: str = ""
    cooling_until: datetime | None = None
    doc: Doc = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """What a person must do by a due time: open, then done or cancelled, both final."""

    key: str
    actor: str
    run: str
    workflow: str
    step: str
    assignee: str  # '' when nobody fits: unassigned
    role: str
    title: str
    opened_at: datetime
    due_at: datetime
    status: str = "open"
    overdue_at: datetime | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    doc: Doc = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """A delivery decided: a row of the outbox, inserted once and never changed by the engine.

    `to` is the recipient (`contact/c-anna`, `staff/u-ben`); `actor` whose timeline and run
    it belongs to; `awaited`: the run, or its ask, goes on only when the outcome is recorded.
    `doc`: what the words need beyond what is true at the send (trigger, about, task, touch).
    """

    key: str
    actor: str
    to: str
    account: str
    run: str
    workflow: str
    step: str
    template: str
    class_: str
    by: tuple[str, ...]
    planned_at: datetime
    ask: str = ""
    before: datetime | None = None
    once: bool = False
    uncapped: bool = False
    awaited: bool = False
    status: str = "pending"  # `reported` for messages that other tools sent
    doc: Doc = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """One line of the book. The lines of one `txn` sum to zero over all accounts.

    `account` is a contact's actor key or `programme`; `bucket` pending, available, paid,
    reversed, expired, or `issued` (the programme's side); a benefit counts pieces.
    """

    key: str
    txn: str
    account: str
    bucket: str
    delta: int
    reason: str
    at: datetime
    benefit: str = ""
    object: str = ""
    side: str = ""
    cause: str = ""
    rule: str = ""


@dataclass(slots=True)
class Consent:
    """A contact's word on one topic by one channel; the most recent wins, a no on a tie."""

    actor: str
    channel: str
    topic: str
    granted: bool
    at: datetime
    source: str = ""


@dataclass(slots=True)
class Erasure:
    """An order to empty every row about a contact; the address is kept as a hash.

    `about`: only what rows of this actor say of that contact, who was recommended by it or
    recommended it; `also`: that contact's other ids.
    """

    actor: str
    at: datetime
    about: str = ""
    also: Sequence[str] = ()
    email: str = ""
    phone: str = ""


@dataclass(slots=True)
class Forward:
    """An event put into another actor's inbox (or back into this one's) by this transaction."""

    actor: str
    event: Doc


@dataclass(slots=True)
class Record:
    """One row an input: who looked, what did not match and why, and every fact it made.

    `doc` is `{"type", "looked": [...], "facts": [...], "runs": [...]}`, kept short:
    `records.looks_of` and `records.facts_of` give its parts whole.
    """

    actor: str
    at: datetime
    cause: str
    doc: Doc


@dataclass(slots=True)
class State:
    """One actor as it is now: what a drain loads and the engine works on."""

    actor: str
    doc: Doc = field(default_factory=dict)
    account: Doc = field(default_factory=dict)  # of doc["account"]: read, never written
    runs: dict[str, Run] = field(default_factory=dict)  # live, oldest first
    asks: dict[str, Ask] = field(default_factory=dict)  # pending and open
    tasks: dict[str, Task] = field(default_factory=dict)  # open
    timers: dict[str, Timer] = field(default_factory=dict)  # all of the actor's pending ones
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)  # (channel, topic)
    new_to_account: bool = False  # since this batch began: `account` may be another's, or old


@dataclass(slots=True)
class Changes:
    """What a drain wants written, gathered over all inputs of its batch."""

    actors: dict[str, Doc] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    asks: dict[str, Ask] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    timers_set: dict[str, Timer] = field(default_factory=dict)
    timers_cut: dict[str, Timer] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)  # source, id: to be emptied
    forwards: list[Forward] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
