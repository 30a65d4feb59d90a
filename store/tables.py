"""The tables of a drain. Their keys begin with `slice`, so that each could live on one shard.

Rows are dumb: they hold what the pure core decided (`workflows.state`). Constraints say
what must never happen.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from store.columns import document, instant, where


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
        sa.Index("ix_actor_key", "key", **where("key NOT LIKE 'contact/%'")),
        sa.Index("ix_actor_email", sa.text("lower(email)"), **where("email <> ''")),
        sa.Index("ix_actor_phone", "phone", **where("phone <> ''")),
        sa.Index("ix_actor_account", "account", **where("account <> ''")),
    )

    slice: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    email: str = ""
    phone: str = ""
    account: str = ""
    doc: dict[str, Any] = document()


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
            **where("natural_key <> ''"),
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
    time: datetime = instant()
    arrived: datetime = instant()
    doc: dict[str, Any] = document()


class InboxRow(SQLModel, table=True):
    """An event that one actor has still to handle; deleted when handled."""

    __tablename__ = "inbox"
    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    accepted_at: datetime = instant()
    doc: dict[str, Any] = document()


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
    due_at: datetime = instant()
    name: str
    kind: str
    run: str = ""
    subject: str = ""


class RunRow(SQLModel, table=True):
    """One execution of one version of a workflow."""

    __tablename__ = "run"
    __table_args__ = (
        sa.Index("ix_run_live", "slice", "actor", **where("status = 'live'")),
        sa.Index("ix_run_actor", "actor", "started_at"),
    )

    slice: int = Field(primary_key=True)
    id: str = Field(primary_key=True)
    actor: str
    workflow: str
    version: str
    per: str
    status: str
    started_at: datetime = instant()
    ended_at: datetime | None = instant(default=None)
    ended_as: str = ""
    doc: dict[str, Any] = document()


class AskRow(SQLModel, table=True):
    """A question put to a contact; at most one is pending or open per contact."""

    __tablename__ = "ask"
    __table_args__ = (
        sa.Index(
            "ux_ask_open",
            "slice",
            "actor",
            unique=True,
            **where("status in ('pending', 'open')"),
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
    opened_at: datetime | None = instant(default=None)
    closed_at: datetime | None = instant(default=None)
    touches: int = 0
    reason: str = ""
    cooling_until: datetime | None = instant(default=None)
    doc: dict[str, Any] = document()


class TaskRow(SQLModel, table=True):
    """What a person must do by a due time."""

    __tablename__ = "task"
    __table_args__ = (
        sa.Index("ix_task_open", "slice", "actor", **where("status = 'open'")),
        sa.Index("ix_task_assignee", "assignee", "due_at", **where("status = 'open'")),
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
    opened_at: datetime = instant()
    due_at: datetime = instant()
    overdue_at: datetime | None = instant(default=None)
    accepted_at: datetime | None = instant(default=None)
    closed_at: datetime | None = instant(default=None)
    doc: dict[str, Any] = document()


class OutboxRow(SQLModel, table=True):
    """A message decided: pending, then sending, then sent, skipped, failed or in doubt.

    Inserted by the drain with the state that decided it, changed by deliver alone. Its
    slice is the recipient's. `due_at` is when deliver looks at it next: `planned_at`, later
    after a failure. `token` fences: who slept past `leased_until` can record nothing.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index("ix_outbox_due", "slice", "due_at", **where("status = 'pending'")),
        sa.Index("ix_outbox_leased", "leased_until", **where("status = 'sending'")),
        sa.Index("ix_outbox_doubt", "slice", "planned_at", **where("status = 'in_doubt'")),
        sa.Index("ix_outbox_to", "slice", "to", "planned_at"),
        sa.Index("ix_outbox_account", "account", "planned_at", **where("account <> ''")),
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
    by: list[str] = document()
    before: datetime | None = instant(default=None)
    once: bool = False
    uncapped: bool = False
    awaited: bool = False
    status: str = "pending"
    planned_at: datetime = instant()
    due_at: datetime = instant()
    attempts: int = 0
    token: str = ""
    leased_until: datetime | None = instant(default=None)
    channel: str = ""
    locale: str = ""
    message_id: str = ""
    reason: str = ""
    recorded_at: datetime | None = instant(default=None)
    doc: dict[str, Any] = document()


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
    at: datetime = instant()
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
    at: datetime = instant()
    source: str = ""


class DecisionRow(SQLModel, table=True):
    """What one input led to: who looked, what did not match and why, every fact made."""

    __tablename__ = "decision"
    __table_args__ = (sa.Index("ix_decision_actor", "slice", "actor", "seq"),)

    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    at: datetime = instant()
    cause: str = ""
    doc: dict[str, Any] = document()


class DeadRow(SQLModel, table=True):
    """An input set aside with its error; kept until an operator replays or drops it."""

    __tablename__ = "dead"
    __table_args__ = (sa.Index("ix_dead_at", "at"),)

    slice: int = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=sa.BigInteger)
    actor: str
    at: datetime = instant()
    kind: str  # event, timer
    type: str = ""
    error: str = ""
    tries: int = 0
    status: str = "dead"  # dead, replayed, dropped
    doc: dict[str, Any] = document()
