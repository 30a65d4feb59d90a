"""The actor a user would write: one dramatiq message and one ORM transaction an event.

The rows that a drain writes: the event (once, whatever comes twice), the run it starts, its
task, timer and message; or, of an answer, the task closed, its timer gone, the run led on and
an entry in the book. No conditions are evaluated, nothing is explained, no programme is loaded.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import sqlalchemy as sa
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select
from uuid_utils.compat import uuid7

from benchmarks.workload import ANSWERS, Event

WEEK = timedelta(days=7)

broker = RedisBroker(url=os.environ["BENCH_REDIS"])  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
engine = sa.create_engine(os.environ["BENCH_DATABASE"], pool_size=16)


def _now() -> datetime:
    return datetime.now(UTC)


def _instant(**more: Any) -> Any:  # noqa: ANN401 - SQLModel's own type
    return Field(sa_type=sa.DateTime(timezone=True), **more)


class _Base(SQLModel):
    metadata = sa.MetaData()  # apart from Vouch's tables
    id: UUID = Field(default_factory=uuid7, primary_key=True)


class EventRow(_Base, table=True):
    """An event as it came; a second delivery is refused by the key."""

    __tablename__ = "event"
    __table_args__ = (sa.UniqueConstraint("source", "source_id"),)

    source: str
    source_id: str
    type: str
    contact: str
    doc: dict[str, Any] = Field(sa_type=JSONB)
    received_at: datetime = _instant(default_factory=_now)


class RunRow(_Base, table=True):
    """One execution of the one workflow that is written into the actor."""

    __tablename__ = "run"

    event_id: UUID
    workflow: str
    contact: str = Field(index=True)
    state: str
    step: str
    doc: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = _instant(default_factory=_now)


class TimerRow(_Base, table=True):
    """When to look at a run again."""

    __tablename__ = "timer"

    run_id: UUID = Field(index=True)
    kind: str
    due_at: datetime = _instant(index=True)


class TaskRow(_Base, table=True):
    """What a person must do."""

    __tablename__ = "task"

    run_id: UUID = Field(index=True)
    assignee: str
    title: str
    status: str = "open"
    due_at: datetime = _instant()


class OutboxRow(_Base, table=True):
    """A message to be sent."""

    __tablename__ = "outbox"

    run_id: UUID
    kind: str
    contact: str
    doc: dict[str, Any] = Field(sa_type=JSONB)
    planned_at: datetime = _instant(index=True)


class LedgerRow(_Base, table=True):
    """What a contact earned."""

    __tablename__ = "ledger"

    contact: str = Field(index=True)
    amount: int
    reason: str
    created_at: datetime = _instant(default_factory=_now)


def create_tables() -> None:
    """Make the tables in an empty database."""
    _Base.metadata.create_all(engine)


@dramatiq.actor
def handle(event: Event) -> None:
    """Handle one event in a transaction of its own."""
    with Session(engine) as session:
        contact = event["subject"].partition("/")[2]
        row = EventRow(
            source=event["source"],
            source_id=event["id"],
            type=event["type"],
            contact=contact,
            doc=event["data"],
        )
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            return  # delivered before
        if event["type"] == ANSWERS:
            _answered(session, contact)
        else:
            _opened(session, row)
        session.commit()


def _opened(session: Session, event: EventRow) -> None:
    run = RunRow(
        event_id=event.id,
        workflow="nps",
        contact=event.contact,
        state="waiting",
        step="call",
        doc={"score": event.doc["score"]},
    )
    session.add(run)
    title = f"Thank {event.contact}"
    session.add(TaskRow(run_id=run.id, assignee="u-sam", title=title, due_at=_now() + WEEK))
    session.add(TimerRow(run_id=run.id, kind="due", due_at=_now() + WEEK))
    session.add(
        OutboxRow(
            run_id=run.id,
            kind="thanks",
            contact=event.contact,
            doc={"template": "thanks", "channel": "email"},
            planned_at=_now() + WEEK,
        )
    )


def _answered(session: Session, contact: str) -> None:
    waiting = select(RunRow).where(RunRow.contact == contact, RunRow.state == "waiting")
    for run in session.exec(waiting.with_for_update()):
        run.state, run.step = "answered", "rest"
        session.exec(sa.update(TaskRow).where(col(TaskRow.run_id) == run.id).values(status="done"))
        session.exec(sa.delete(TimerRow).where(col(TimerRow.run_id) == run.id))
    session.add(LedgerRow(contact=contact, amount=10, reason="quote"))


if __name__ == "__main__":
    create_tables()
