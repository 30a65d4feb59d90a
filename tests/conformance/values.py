"""Values that store tests are made of, and a look at what a store holds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from store.db import Connection, Store
from store.decided import Decided, Nudges
from store.drain import Batch, begin_try, lock_slices, read_batch, write_batch
from store.intake import Arrival, accept
from workflows.state import SLICES, Ask, Changes, Entry, Input, Message, Run, Task, Timer, slice_of

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def after(**span: float) -> datetime:
    return T0 + timedelta(**span)


def arrival(id_: str, *actors: str, **more: Any) -> Arrival:
    """An event of one contact, accepted at T0 unless told otherwise."""
    values: dict[str, Any] = {"source": "crm", "type": "nps.submitted", "time": T0, "arrived": T0}
    values |= {"doc": {"id": id_, "data": {"score": 9}}, "actors": actors or ("contact/c-anna",)}
    return Arrival(id=id_, **(values | more))


def timer(key: str, actor: str = "contact/c-anna", **more: Any) -> Timer:
    values: dict[str, Any] = {"due_at": T0, "name": "rest", "kind": "wait", "run": "r-1"}
    return Timer(key=key, actor=actor, **(values | more))


def run(id_: str, actor: str = "contact/c-anna", **more: Any) -> Run:
    values: dict[str, Any] = {"workflow": "nps", "version": "v1", "per": actor, "started_at": T0}
    return Run(id=id_, actor=actor, **(values | more))


def ask(key: str, actor: str = "contact/c-anna", **more: Any) -> Ask:
    values: dict[str, Any] = {"run": "r-1", "workflow": "quote-ask", "step": "ask", "kind": "quote"}
    return Ask(key=key, actor=actor, **(values | more))


def task(key: str, actor: str = "contact/c-anna", **more: Any) -> Task:
    values: dict[str, Any] = {"run": "r-1", "workflow": "detractor", "step": "call"}
    values |= {"assignee": "u-ben", "role": "owner", "title": "Call", "opened_at": T0, "due_at": T0}
    return Task(key=key, actor=actor, **(values | more))


def message(key: str, actor: str = "contact/c-anna", **more: Any) -> Message:
    values: dict[str, Any] = {"to": actor, "account": "acme", "run": "r-1", "workflow": "nps"}
    values |= {"step": "thank", "template": "thanks", "class_": "service", "by": ("email",)}
    values |= {"planned_at": T0}
    return Message(key=key, actor=actor, **(values | more))


def entry(key: str, **more: Any) -> Entry:
    values: dict[str, Any] = {"txn": "x-1", "account": "contact/c-anna", "bucket": "pending"}
    values |= {"delta": 1, "reason": "referral", "at": T0}
    return Entry(key=key, **(values | more))


def publish(store: Store, *arrivals: Arrival) -> list[bool]:
    with store.transaction() as conn:
        return accept(conn, arrivals)


def drain(
    store: Store, changes: Changes | None = None, *, now: datetime = T0, limit: int = 500
) -> Batch:
    """Handle every input of a batch, and write `changes` with it."""
    picked = begin_try(store, now=now)
    with store.transaction() as conn:
        slices = lock_slices(conn, now=now, want=picked)
        batch = read_batch(conn, slices, now=now, limit=limit)
        handled = [each for inputs in batch.inputs.values() for each in inputs]
        decide(conn, slices, changes or Changes(), handled, now=now)
    return batch


def decide(
    conn: Connection,
    slices: Sequence[int],
    changes: Changes,
    handled: Sequence[Input] = (),
    *,
    now: datetime = T0,
) -> Nudges:
    """Write changes in slices that are held, and take inputs away."""
    decided = Decided(slices, now)
    decided.add(changes, handled)
    return write_batch(conn, decided)


def write(store: Store, changes: Changes, *, now: datetime = T0) -> None:
    """Write changes without handling anything, as a drain of all slices would."""
    with store.transaction() as conn:
        decide(conn, range(SLICES), changes, now=now)


def set_timers(store: Store, *timers: Timer) -> None:
    write(store, Changes(timers_set={each.key: each for each in timers}))


def peek(store: Store, actor: str, *, now: datetime = T0, limit: int = 500) -> Batch:
    """Read what a drain of an actor's slice would read, and handle none of it."""
    with store.transaction() as conn:
        return read_batch(conn, [slice_of(actor)], now=now, limit=limit)


def rows(store: Store, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return a table's rows, the named columns only, in order of them."""
    of = SQLModel.metadata.tables[table]
    with store.reader() as conn:
        found = conn.execute(sa.select(*(of.c[name] for name in columns)))
        return sorted(tuple(row) for row in found)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Give the list of statements sent to the database meanwhile, by any connection."""
    sent: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    for engine in store.engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in store.engines:
            sa.event.remove(engine, "before_cursor_execute", note)


def names(inputs: list[Input]) -> list[str]:
    """Return events by id and timers by key, in order."""
    return [one.timer.key if one.timer else (one.event or {})["id"] for one in inputs]
