"""The hot transaction: lock slices, read a batch with its actors' state, write what was decided.

A drain is `begin_try` in a transaction of its own, then `lock_slices`, `read_batch` and
`write_batch` in one: a fixed number of statements, however many inputs there are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from events.errors import VouchError
from store.bulk import bulk_of
from store.db import Store
from store.rows import (
    OWNED,
    Loaded,
    Row,
    Writes,
    doc_text,
    message_row,
    newest,
    row_maker,
    value_maker,
)
from workflows.state import SLICES, Changes, Doc, Input, State, iso, slice_of

BATCH_MAX = 500
SLICES_MAX = 16
PENDING_MAX = 10_000

_EVERY_SLICE = tuple(range(SLICES))


class StraySliceError(VouchError):
    """A batch decided something about an actor whose slice it does not hold."""

    code = "stray-slice"


@dataclass(slots=True)
class Batch:
    """The next inputs of some slices, and everything about their actors.

    Attributes:
        inputs: By actor, each in the order they are to be handled.
        states: The actors of `inputs`, with an empty document where there was none.
        tries: By slice, how many drains of it began since the last that committed, this
            one counted.
        full: There may be more: as many were taken as were asked for.
    """

    slices: list[int]
    inputs: dict[str, list[Input]]
    states: dict[str, State]
    tries: dict[int, int]
    full: bool


@dataclass(slots=True)
class DeadInput:
    """An input to set aside with its error, whose text names nobody."""

    input: Input
    error: str


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


def begin_try(
    store: Store, *, now: datetime, want: Collection[int] | None = None, limit: int = SLICES_MAX
) -> list[int]:
    """Pick free slices that have input, and count the try before it can go wrong.

    Committed at once, so that an input that takes the process down leaves its trace:
    `write_batch` sets the count back to zero. Returns the slices to hand to `lock_slices`
    as `want`, in no order.
    """
    with store.at_once() as conn:
        return bulk_of(conn).begin_try(conn, _wanted(want), now, limit)


def lock_slices(
    conn: sa.Connection,
    *,
    now: datetime,
    want: Collection[int] | None = None,
    limit: int = SLICES_MAX,
) -> list[int]:
    """Lock slices that have input and that no other drain holds, those waiting longest first.

    Input is an inbox row or a timer due at `now`. The lock lasts until the transaction
    ends; nobody waits for it. It is a statement of its own because what is read under the
    lock must be read after it was had.
    """
    return bulk_of(conn).lock_slices(conn, _wanted(want), now, limit)


def read_batch(
    conn: sa.Connection, slices: Sequence[int], *, now: datetime, limit: int = BATCH_MAX
) -> Batch:
    """Read up to `limit` inputs of locked slices, oldest first, and their actors' state.

    A timer is left for later while its actor has an event in the inbox that was accepted
    at or before the time it was due and that is not in the batch.
    """
    loaded = bulk_of(conn).read(conn, slices, now, limit)
    states = _states(loaded)
    inputs: dict[str, list[Input]] = {}
    for slice_, actor, at, seq, key, doc in loaded.inputs:
        one = Input(
            actor=actor,
            at=datetime.fromisoformat(at),
            seq=seq,
            tries=loaded.tries[slice_],
            event=doc,
            timer=states[actor].timers[key] if key else None,
        )
        inputs.setdefault(actor, []).append(one)
    return Batch(
        slices=list(slices),
        inputs=inputs,
        states=states,
        tries=loaded.tries,
        full=len(loaded.inputs) >= limit,
    )


def write_batch(
    conn: sa.Connection,
    batch: Batch,
    changes: Changes,
    *,
    handled: Sequence[Input],
    dead: Sequence[DeadInput] = (),
    now: datetime,
) -> Nudges:
    """Write what a batch decided, and take its inputs away.

    `handled` and the inputs of `dead` leave the inbox; what is in neither stays for the
    next drain. A timer that fired is gone unless `changes` sets it again.

    Raises:
        StraySliceError: `changes` has state of an actor outside the batch's slices, which
            another drain may hold.
    """
    rows = _state_rows(changes, held=frozenset(batch.slices))
    rows["outbox"] = [message_row(each) for each in changes.messages.values()]
    rows["ledger"] = [_entry_row(each) for each in changes.entries]
    rows["consent"] = [_consent_row(each) for each in newest(changes.consents)]
    rows["inbox"] = [(slice_of(f.actor), f.actor, now, f.event) for f in changes.forwards]
    rows["decision"] = [(slice_of(r.actor), r.actor, r.at, r.cause, r.doc) for r in changes.records]
    rows["dead"] = [_dead_row(each, now) for each in dead]
    taken = [*handled, *(each.input for each in dead)]
    writes = Writes(batch.slices, rows)
    writes.handled = [(slice_of(i.actor), i.seq) for i in taken if i.timer is None]
    gone = {i.timer.key: i.timer for i in taken if i.timer is not None} | changes.timers_cut
    writes.timers_gone = [
        (slice_of(t.actor), key) for key, t in gone.items() if key not in changes.timers_set
    ]
    bulk_of(conn).write(conn, writes)
    return _nudges(changes, now)


def set_aside(
    conn: sa.Connection, batch: Batch, dead: Sequence[DeadInput], *, now: datetime
) -> None:
    """Make dead letters of inputs that cannot be handled, and change nothing else."""
    write_batch(conn, batch, Changes(), handled=(), dead=dead, now=now)


def _wanted(want: Collection[int] | None) -> Collection[int]:
    return _EVERY_SLICE if want is None else want


def _states(loaded: Loaded) -> dict[str, State]:
    states: dict[str, State] = {}
    for row in loaded.inputs:
        if row[1] not in states:
            states[row[1]] = State(row[1])
    for key, doc in loaded.actors:
        states[key].doc = doc
    runs = sorted(map(_run, loaded.values["run"]), key=lambda run: (run.started_at, run.id))
    for run in runs:
        states[run.actor].runs[run.id] = run
    for ask in map(_ask, loaded.values["ask"]):
        states[ask.actor].asks[ask.key] = ask
    for task in map(_task, loaded.values["task"]):
        states[task.actor].tasks[task.key] = task
    for timer in map(_timer, loaded.values["timer"]):
        states[timer.actor].timers[timer.key] = timer
    for consent in map(_consent, loaded.values["consent"]):
        consent.granted = bool(consent.granted)
        states[consent.actor].consents[consent.channel, consent.topic] = consent
    return states


def _state_rows(changes: Changes, *, held: frozenset[int]) -> dict[str, list[Row]]:
    rows = {
        "actor": [_actor_row(key, doc) for key, doc in changes.actors.items()],
        "run": [_run_row(each) for each in changes.runs.values()],
        "ask": [_ask_row(each) for each in changes.asks.values()],
        "task": [_task_row(each) for each in changes.tasks.values()],
        "timer": [_timer_row(each) for each in changes.timers_set.values()],
    }
    for table in OWNED:
        stray = {row[0] for row in rows[table]} - held
        if stray:
            raise StraySliceError(
                f"a batch of slices {sorted(held)} decided about {table}s of {sorted(stray)}",
                hint="what concerns another actor is an event put into its inbox",
            )
    return rows


def _actor_row(key: str, doc: Doc) -> Row:
    columns = (doc_text(doc, "email"), doc_text(doc, "phone"), doc_text(doc, "account"))
    return (slice_of(key), key, *columns, doc)


def _dead_row(dead: DeadInput, now: datetime) -> Row:
    one = dead.input
    if one.timer is None:
        doc = one.event or {}
        what = ("event", str(doc.get("type", "")))
    else:
        timer = one.timer
        doc = {"key": timer.key, "due_at": iso(timer.due_at), "name": timer.name}
        doc |= {"kind": timer.kind, "run": timer.run, "subject": timer.subject}
        what = ("timer", timer.kind)
    return (slice_of(one.actor), one.actor, now, *what, dead.error, one.tries, "dead", doc)


def _nudges(changes: Changes, now: datetime) -> Nudges:
    pending = [m for m in changes.messages.values() if m.status == "pending"]
    later = [m.planned_at for m in pending if m.planned_at > now]
    return Nudges(
        inbox=frozenset(slice_of(each.actor) for each in changes.forwards),
        outbox=frozenset(slice_of(m.to) for m in pending if m.planned_at <= now),
        next_at=min(later, default=None),
    )


_run, _ask, _task = value_maker("run"), value_maker("ask"), value_maker("task")
_timer, _consent = value_maker("timer"), value_maker("consent")
_run_row, _ask_row, _task_row = row_maker("run"), row_maker("ask"), row_maker("task")
_timer_row, _consent_row = row_maker("timer"), row_maker("consent")
_entry_row = row_maker("ledger", owner="account")
