"""Every table. Keys of hot tables begin with `slice`, so that each could live on one shard.

Rows are dumb: they hold what the pure core decided (`workflows.state`). Constraints say
what must never happen.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from store.types import Json, UTCDateTime


def _at(**kwargs: Any) -> Any:
    return Field(sa_type=UTCDateTime, **kwargs)


def _doc() -> Any:
    return Field(default_factory=dict, sa_type=Json)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


class SliceRow(SQLModel, table=True):
    """One of the 64 slices: the lock that one drain at a time holds.

    `tries` counts drains that began and have not committed; three in a row mean that some
    input takes the process down, and the slice is drained one input at a time.
    """

    __tablename__ = "slice"

    slice: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    tries: int = 0


class ActorRow(SQLModel, table=True):
    """The state of one actor: a contact, an account, a role."""

    __tablename__ = "actor"
    __table_args__ = (
        # A contact's account, whose slice SQL cannot tell.
        sa.Index("ix_actor_key", "key", **_where("key NOT LIKE 'contact/%'")),
        sa.Index("ix_actor_email", "email", **_where("email <> ''")),
        sa.Index("ix_actor_phone", "phone", **_where("phone <> ''")),
        sa.Index("ix_actor_account", "account", **_where("account <> ''")),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    email: str = ""
    phone: str = ""
    account: str = ""
    doc: dict[str, Any] = _doc()


class EventRow(SQLModel, table=True):
    """An event as it was accepted; append-only, the payload emptied by retention or erasure."""

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("slice", "source", "id"),
        sa.Index(
            "ux_event_natural",
            "slice",
            "source",
            "natural_key",
            unique=True,
            **_where("natural_key <> ''"),
        ),
        sa.Index("ix_event_contact", "contact", "seq"),
    )

    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    source: str
    id: str
    natural_key: str = ""
    type: str
    contact: str = ""
    time: datetime = _at()
    arrived: datetime = _at()
    doc: dict[str, Any] = _doc()


class InboxRow(SQLModel, table=True):
    """An event that one actor has still to handle; deleted when handled."""

    __tablename__ = "inbox"
    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    accepted_at: datetime = _at()
    doc: dict[str, Any] = _doc()


class TimerRow(SQLModel, table=True):
    """A promise to wake an actor at `due_at`."""

    __tablename__ = "timer"
    __table_args__ = (
        sa.Index("ix_timer_due", "slice", "due_at"),
        sa.Index("ix_timer_actor", "slice", "actor"),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    actor: str
    due_at: datetime = _at()
    name: str
    kind: str
    run: str = ""
    subject: str = ""


class RunRow(SQLModel, table=True):
    """One execution of one version of a workflow."""

    __tablename__ = "run"
    __table_args__ = (
        sa.Index("ix_run_live", "slice", "actor", **_where("status = 'live'")),
        sa.Index("ix_run_actor", "actor", "started_at"),
    )

    slice: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    actor: str
    workflow: str
    version: str
    per: str
    status: str
    started_at: datetime = _at()
    ended_at: datetime | None = _at(default=None)
    ended_as: str = ""
    doc: dict[str, Any] = _doc()


class AskRow(SQLModel, table=True):
    """A question put to a contact; at most one is pending or open per contact."""

    __tablename__ = "ask"
    __table_args__ = (
        sa.Index(
            "ux_ask_open",
            "slice",
            "actor",
            unique=True,
            **_where("status in ('pending', 'open')"),
        ),
        sa.Index("ix_ask_actor", "actor"),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    actor: str
    run: str
    workflow: str
    step: str
    kind: str
    status: str
    opened_at: datetime | None = _at(default=None)
    closed_at: datetime | None = _at(default=None)
    touches: int = 0
    reason: str = ""
    cooling_until: datetime | None = _at(default=None)
    doc: dict[str, Any] = _doc()


class TaskRow(SQLModel, table=True):
    """What a person must do by a due time."""

    __tablename__ = "task"
    __table_args__ = (
        sa.Index("ix_task_open", "slice", "actor", **_where("status = 'open'")),
        sa.Index("ix_task_assignee", "assignee", "due_at", **_where("status = 'open'")),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    actor: str
    run: str
    workflow: str
    step: str
    assignee: str
    role: str
    title: str
    status: str
    opened_at: datetime = _at()
    due_at: datetime = _at()
    overdue_at: datetime | None = _at(default=None)
    accepted_at: datetime | None = _at(default=None)
    closed_at: datetime | None = _at(default=None)
    doc: dict[str, Any] = _doc()


class OutboxRow(SQLModel, table=True):
    """A message decided: pending, then sending, then sent, skipped, failed or in doubt.

    Inserted by the drain with the state that decided it, changed by deliver alone. Its
    slice is the recipient's. `due_at` is when deliver looks at it next: `planned_at`, later
    after a failure. `token` fences: who slept past `leased_until` can record nothing.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index("ix_outbox_due", "slice", "due_at", **_where("status = 'pending'")),
        sa.Index("ix_outbox_leased", "leased_until", **_where("status = 'sending'")),
        sa.Index("ix_outbox_doubt", "slice", "planned_at", **_where("status = 'in_doubt'")),
        sa.Index("ix_outbox_to", "slice", "to", "planned_at"),
        sa.Index("ix_outbox_account", "account", "planned_at", **_where("account <> ''")),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    actor: str
    to: str
    account: str = ""
    run: str = ""
    ask: str = ""
    workflow: str = ""
    step: str = ""
    template: str = ""
    class_: str = Field(sa_column_kwargs={"name": "class"})
    by: list[str] = _doc()
    before: datetime | None = _at(default=None)
    once: bool = False
    uncapped: bool = False
    awaited: bool = False
    status: str = "pending"
    planned_at: datetime = _at()
    due_at: datetime = _at()
    attempts: int = 0
    token: str = ""
    leased_until: datetime | None = _at(default=None)
    channel: str = ""
    locale: str = ""
    message_id: str = ""
    reason: str = ""
    recorded_at: datetime | None = _at(default=None)
    doc: dict[str, Any] = _doc()


class LedgerRow(SQLModel, table=True):
    """One line of the book: append-only; the lines of a `txn` sum to zero."""

    __tablename__ = "ledger"
    __table_args__ = (
        sa.Index("ix_ledger_account", "account", "at"),
        sa.Index("ix_ledger_txn", "txn"),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    txn: str
    account: str
    bucket: str
    delta: int
    reason: str
    benefit: str = ""
    object: str = ""
    side: str = ""
    at: datetime = _at()
    cause: str = ""
    rule: str = ""


class ConsentRow(SQLModel, table=True):
    """A contact's latest word on one topic by one channel; a no wins a tie."""

    __tablename__ = "consent"

    slice: int = Field(primary_key=True)
    actor: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    granted: bool
    at: datetime = _at()
    source: str = ""


class ErasureRow(SQLModel, table=True):
    """An order to empty every row about a contact, and how far that has come.

    The address is here until its hash is on the list of those who are not written to.
    """

    __tablename__ = "erasure"
    __table_args__ = (sa.Index("ix_erasure_open", "slice", "at", **_where("done_at IS NULL")),)

    slice: int = Field(primary_key=True)
    actor: str = Field(primary_key=True)
    at: datetime = _at(primary_key=True)
    about: str = Field(default="", primary_key=True)
    email: str = ""
    phone: str = ""
    stage: str = ""
    after: str = ""
    done_at: datetime | None = _at(default=None)


class SuppressionRow(SQLModel, table=True):
    """An address that nothing is sent to without a word newer than this: its keyed hash."""

    __tablename__ = "suppression"

    hash: str = Field(primary_key=True)
    at: datetime = _at()


class DecisionRow(SQLModel, table=True):
    """What one input led to: who looked, what did not match and why, every fact made."""

    __tablename__ = "decision"
    __table_args__ = (sa.Index("ix_decision_actor", "slice", "actor", "seq"),)

    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    at: datetime = _at()
    cause: str = ""
    doc: dict[str, Any] = _doc()


class DeadRow(SQLModel, table=True):
    """An input set aside with its error; kept until an operator replays or drops it."""

    __tablename__ = "dead"
    __table_args__ = (sa.Index("ix_dead_at", "at"),)

    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    at: datetime = _at()
    kind: str  # event, timer, message
    type: str = ""
    error: str = ""
    tries: int = 0
    status: str = "dead"  # dead, replayed, dropped
    doc: dict[str, Any] = _doc()


class RejectRow(SQLModel, table=True):
    """An event refused, parked or seen before: what and why, without its payload."""

    __tablename__ = "reject"
    __table_args__ = (sa.Index("ix_reject_at", "at"),)

    seq: int | None = Field(default=None, primary_key=True)
    at: datetime = _at()
    verdict: str  # rejected, duplicate, parked
    source: str = ""
    event: str = ""
    type: str = ""
    reason: str = ""
    field: str = ""


class DefinitionRow(SQLModel, table=True):
    """A workflow version or a programme bundle, by its content's hash; never changed."""

    __tablename__ = "definition"

    hash: str = Field(primary_key=True)
    kind: str  # workflow, programme
    name: str
    created_at: datetime = _at()
    doc: dict[str, Any] = _doc()


class ApplyRow(SQLModel, table=True):
    """One `vouch apply`: the newest is the head that workers read."""

    __tablename__ = "apply"

    seq: int | None = Field(default=None, primary_key=True)
    hash: str
    at: datetime = _at()
    by: str = ""
    commit: str = ""


class KeyRow(SQLModel, table=True):
    """An API key, hashed, with the sources and event types it may publish."""

    __tablename__ = "api_key"

    name: str = Field(primary_key=True)
    hash: str = Field(index=True, unique=True)
    sources: list[str] = _doc()
    types: list[str] = _doc()
    created_at: datetime = _at()
    revoked_at: datetime | None = _at(default=None)


class SequenceRow(SQLModel, table=True):
    """The next `seq` on SQLite, which has no sequences; and whose turn it is in each queue."""

    __tablename__ = "sequence"

    name: str = Field(primary_key=True)
    next: int = Field(default=1, sa_type=sa.BigInteger)


class HoldRow(SQLModel, table=True):
    """One row: where the database was when messages last left, and whether they are held."""

    __tablename__ = "hold"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: str = ""
    held_at: datetime | None = _at(default=None)
    reason: str = ""
    mark: str = Field(default="", sa_column_kwargs={"server_default": ""})
