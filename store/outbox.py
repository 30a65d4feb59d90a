"""What deliver says and hears: plain values around the outbox.

A message's way: pending -> sending -> sent | skipped | failed | in_doubt; `reported` is a
message that another tool sent. The drain inserts, deliver alone changes:
`store.outbox_claim` takes messages and says that they leave, `store.outbox_record` says
what became of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.engine import Connection

from store.bulk import bulk_of
from store.rows import Row, Writes
from store.types import as_json
from workflows.state import Consent, Doc, Forward, Record, slice_of

CLAIM_MAX = 50
"""Most messages a claim takes: contacts stay locked until deliver has asked the guard."""

HISTORY_MAX = 20_000
"""Most earlier messages a claim reads, newest first, over all its contacts and accounts."""

HORIZON = timedelta(days=400)
"""How far back earlier messages are read: longer than the window of any sensible cap."""

DOUBTS_MAX = 500
"""Most messages in doubt that one call changes or returns."""

AWAY = "away"
"""Why a message waits whose channel does not answer and is not asked for a while."""

UNSURE = "unsure"
"""In a message's document: it may have left, and one key makes two sends one, so it leaves again.

Pending meanwhile, it keeps its place in caps."""

Ref = tuple[int, str]
"""A row of the outbox: its slice and key."""


class Status(StrEnum):
    """Where a message is. `sending` and `in_doubt` count in caps as if they were sent."""

    PENDING = "pending"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"
    REPORTED = "reported"

    @property
    def is_final(self) -> bool:
        """Nothing changes it any more, except an operator."""
        return self in {Status.SENT, Status.SKIPPED, Status.FAILED, Status.REPORTED}


COUNTED = (Status.SENDING, Status.IN_DOUBT, Status.SENT, Status.REPORTED)
"""Whatever left, or may have left: it fills a place in caps at its planned time."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message as its row is now."""

    slice: int
    key: str
    actor: str
    to: str
    account: str
    run: str
    ask: str
    workflow: str
    step: str
    template: str
    class_: str
    by: tuple[str, ...]
    before: datetime | None
    once: bool
    uncapped: bool
    awaited: bool
    status: str
    planned_at: datetime
    due_at: datetime
    attempts: int
    token: str
    channel: str
    locale: str
    message_id: str
    reason: str
    doc: Doc

    @property
    def ref(self) -> Ref:
        """Where the row is."""
        return self.slice, self.key

    @property
    def refused(self) -> tuple[str, ...]:
        """Channels that refused this message for good."""
        return tuple(self.doc.get("refused", ()))

    @property
    def is_unsure(self) -> bool:
        """Whether it may have left before, and leaves again to be sure."""
        return UNSURE in self.doc


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that left, or may have left: what caps count."""

    key: str
    class_: str
    planned_at: datetime
    to: str
    account: str
    template: str
    channel: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets messages of this claim, as known under the lock.

    `history` holds what left for them or for the accounts of their messages, oldest planned
    first; `templates_sent` which of the claimed `once` templates they ever got, `unsure` which
    of those they may have got by a message that leaves again, by its key; `suppressed`
    since when an address is not to be written to, by channel. Somebody
    without state (a colleague) has an empty `doc`.
    """

    key: str
    doc: Doc = field(default_factory=dict)
    email: str = ""
    phone: str = ""
    account: str = ""
    consents: Mapping[tuple[str, str], Consent] = field(default_factory=dict)
    history: tuple[Sent, ...] = ()
    templates_sent: frozenset[str] = frozenset()
    unsure: Mapping[str, str] = field(default_factory=dict)
    suppressed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSeen:
    """The run that a message belongs to, as far as guard and words need it."""

    id: str
    actor: str
    workflow: str
    version: str
    status: str
    started_at: datetime
    doc: Doc


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that nobody else holds until this transaction ends, and what is true of them.

    `messages` are in order of planned time, of one time whose run began first: a caller that
    asks the guard one after another adds what it lets go to the histories of the ones after
    it. `actors` holds the state of their accounts and of whom they are about, where that is
    not the recipient. `moved` has runs that a merge took along, by where they were. `left`
    counts candidates whose contact or account somebody else has locked: they stay due. `full`
    says that there may be more due than this claim looked at. `remains` says of recipients that
    were merged who is there now; both are among the `recipients`.
    """

    messages: tuple[Claimed, ...] = ()
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    runs: Mapping[Ref, RunSeen] = field(default_factory=dict)
    moved: Mapping[Ref, RunSeen] = field(default_factory=dict)
    asks: Mapping[Ref, str] = field(default_factory=dict)
    actors: Mapping[str, Doc] = field(default_factory=dict)
    left: int = 0
    full: bool = False
    remains: Mapping[str, str] = field(default_factory=dict)

    def run_of(self, message: Claimed, run: str = "") -> RunSeen | None:
        """Return the message's run, or another one, at the record whose message it is."""
        return self.runs.get((slice_of(message.actor), run or message.run))

    def living_run_of(self, message: Claimed) -> RunSeen | None:
        """Return the message's run where it goes on, if a merge took it along."""
        return self.moved.get((slice_of(message.actor), message.run)) or self.run_of(message)

    def ask_status(self, message: Claimed) -> str:
        """Return the status of the message's ask, or nothing for a message without one."""
        return self.asks.get((slice_of(message.actor), message.ask), "")


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that the guard let go: by which channel, and planned for when."""

    ref: Ref
    channel: str
    locale: str
    planned_at: datetime


@dataclass(frozen=True, slots=True)
class Deferral:
    """A message that has to wait: for a slot, for an hour, for room under a cap."""

    ref: Ref
    planned_at: datetime
    due_at: datetime
    reason: str
    records: Sequence[Record] = ()
    forwards: Sequence[Forward] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """A message that will not leave, why, and who is told.

    `failed`: it should have left, so that an operator may let it go when what stood in its
    way is mended.
    """

    ref: Ref
    reason: str
    forwards: Sequence[Forward] = ()
    records: Sequence[Record] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message that may have left, may not leave again to be sure of it, and why."""

    ref: Ref
    reason: str


class Result(StrEnum):
    """How a call to a channel ended."""

    SENT = "sent"
    FAILED = "failed"  # attempts used up
    RETRY = "retry"  # definitely not sent, once more at `due_at`
    UNASKED = "unasked"  # not even tried: once more at `due_at`, and no attempt is counted
    REFUSED = "refused"  # by this channel for good; the next one at `due_at`
    SKIPPED = "skipped"  # refused by every channel
    IN_DOUBT = "in_doubt"  # nobody knows


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message that was `sending`, and whom that is told.

    `due_at` is needed for `retry` and `refused`; `planned_at` moves the planned time too
    (the slot of the next channel). `unsure`: it may have left all the same.
    """

    ref: Ref
    status: Result
    reason: str = ""
    message_id: str = ""
    due_at: datetime | None = None
    planned_at: datetime | None = None
    forwards: Sequence[Forward] = ()
    records: Sequence[Record] = ()
    unsure: bool = False


def tell(
    conn: Connection, now: datetime, forwards: Sequence[Forward], records: Sequence[Record]
) -> None:
    """Put events into inboxes and write down decisions, as a drain does."""
    rows: dict[str, list[Row]] = {
        "inbox": [(slice_of(f.actor), f.actor, now, as_json(f.event)) for f in forwards],
        "decision": [(slice_of(r.actor), r.actor, r.at, r.cause, as_json(r.doc)) for r in records],
    }
    bulk_of(conn).write(conn, Writes([], rows))
