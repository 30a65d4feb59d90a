"""The hot transaction: lock slices, read a batch with its actors' state, write what was decided.

A drain is `begin_try` in a transaction of its own, then `lock_slices`, `read_batch` and
`write_batch` in one: a fixed number of statements, however many inputs there are.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from store.batch import states_of
from store.bulk import bulk_of
from store.db import Store
from store.decided import DeadInput, Decided, Nudges
from store.dialect import table_of
from store.erasure import empty_events, erased
from store.rows import share_of
from store.statement import Statement, instant
from store.tables import InboxRow, TimerRow
from workflows.state import SLICES, Input, State, slice_of
from workflows.state import instant as moment_of

BATCH_MAX = 500
SLICES_MAX = 32
PENDING_MAX = 10_000

_ENDLESS = 1_000_000_000
_EVERY_SLICE = tuple(range(SLICES))
_inbox, _timer = table_of(InboxRow), table_of(TimerRow)


@dataclass(slots=True)
class Batch:
    """The next inputs of some slices, and everything about their actors.

    Attributes:
        inputs: By actor, each in the order they are to be handled.
        states: The actors of `inputs`, with an empty document where there was none.
        tries: By slice, how many drains of it began since the last that committed, this
            one counted.
        full: There may be more: as many were taken as were asked for, of a slice or of all.
        busy: Actors whose events were more than half of all that was taken of their slice,
            while there may be more: the next batch is for the others there.
    """

    slices: list[int]
    inputs: dict[str, list[Input]]
    states: dict[str, State]
    tries: dict[int, int]
    full: bool
    busy: frozenset[str] = frozenset()


def begin_try(
    store: Store,
    *,
    now: datetime,
    want: Collection[int] | None = None,
    limit: int = SLICES_MAX,
    tries_max: int | None = None,
) -> list[int]:
    """Pick free slices that have input, and count the try before it can go wrong.

    Counts up to `tries_max`, and leaves alone what is past it. Committed at once, so that an
    input that takes the process down leaves its trace: `write_batch` sets the count back to
    zero. Returns the slices to hand to `lock_slices` as `want`, in no order.
    """
    with store.at_once() as conn:
        return bulk_of(conn).begin_try(conn, _wanted(want), now, limit, tries_max or _ENDLESS)


def left_over(store: Store, slices: Collection[int], *, now: datetime) -> list[int]:
    """Return which of the slices that a drain just let go have input again.

    Whoever was rung for it while the drain held the slice found it locked and went away, so
    the one who lets go must look once more: after the commit, since only then is everything
    seen for which somebody was turned away.
    """
    if store.dialect == "sqlite":
        return []  # who wants a slice waits for the write lock, and nobody is turned away
    with store.at_once() as conn:
        return bulk_of(conn).left_over(conn, slices, now)


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
    conn: sa.Connection,
    slices: Sequence[int],
    *,
    now: datetime,
    limit: int = BATCH_MAX,
    without: Collection[str] = (),
) -> Batch:
    """Read up to `limit` inputs of locked slices, oldest first, and their actors' state.

    Of one slice among several at most its share is taken (`rows.share_of`). Inputs of the
    actors in `without` are left where they are.

    A timer is left for later while its actor has an event in the inbox that was accepted
    at or before the time it was due and that is not in the batch.

    An actor's events come in order of `seq`, whatever the clocks of those who accepted them
    said; a timer comes after every event accepted at or before the time it was due.
    """
    loaded = bulk_of(conn).read(conn, slices, now, limit, without)
    states = states_of(loaded)
    inputs: dict[str, list[Input]] = {}
    taken: Counter[tuple[int, bool]] = Counter()
    for slice_, actor, at, seq, key, doc in loaded.inputs:
        taken[slice_, bool(key)] += 1
        one = Input(
            actor=actor,
            at=datetime.fromisoformat(at),
            seq=seq,
            tries=loaded.tries[slice_],
            event=doc,
            timer=states[actor].timers[key] if key else None,
        )
        inputs.setdefault(actor, []).append(one)
    share = share_of(limit, len(slices))
    full = len(loaded.inputs) >= limit or max(taken.values(), default=0) >= share
    busy = _busy(inputs, taken, min(limit, share)) if full else frozenset[str]()
    return Batch(list(slices), inputs, states, loaded.tries, full, busy)


def _busy(
    inputs: Mapping[str, Sequence[Input]], taken: Mapping[tuple[int, bool], int], share: int
) -> frozenset[str]:
    """Return who fills more than half of a slice's share, so that others may wait behind it."""
    crowded = {slice_ for (slice_, timer), count in taken.items() if count >= share and not timer}
    if not crowded:
        return frozenset()
    return frozenset(
        actor
        for actor, items in inputs.items()
        if 2 * len(items) > share and slice_of(actor) in crowded
    )


def write_batch(conn: sa.Connection, decided: Decided) -> Nudges:
    """Write what a batch decided; an input in it leaves the inbox, others stay for the next."""
    bulk_of(conn).write(conn, decided.writes())
    if decided.refused:
        empty_events(conn, decided.refused)
    return decided.nudges()


def set_aside(
    conn: sa.Connection, batch: Batch, dead: Sequence[DeadInput], *, now: datetime
) -> int:
    """Make dead letters of inputs that cannot be handled, and change nothing else.

    An input that is gone, because another drain came first, is left alone. The slices must
    be held. Of what is said of somebody who was erased no words are kept. Returns how many
    were set aside.
    """
    still = _still_there(conn, [each.input for each in dead])
    gone = erased(conn, {who for each in dead for who in (each.input.actor, _lead(each.input))})
    found = [
        replace(each, wordless=_is_wordless(each.input, gone))
        for each in dead
        if _name(each.input) in still
    ]
    decided = Decided(batch.slices, now)
    decided.set_aside(found)
    write_batch(conn, decided)
    return len(found)


def _lead(one: Input) -> str:
    return f"contact/{(one.event or {}).get('lead', '')}"


def _is_wordless(one: Input, gone: Mapping[str, datetime]) -> bool:
    """Tell whether an event is somebody's who was erased, or named them before they asked."""
    if one.timer is not None:
        return False
    named = gone.get(_lead(one))
    before = named is not None and one.event is not None and moment_of(one.event["time"]) <= named
    return before or one.actor in gone


def _still_there(conn: sa.Connection, inputs: Sequence[Input]) -> set[tuple[object, ...]]:
    events = [_name(one) for one in inputs if one.timer is None]
    timers = [_name(one) for one in inputs if one.timer is not None]
    event, timer = (_inbox.c.slice, _inbox.c.seq), (_timer.c.slice, _timer.c.key, _timer.c.due_at)
    found = [
        *conn.execute(sa.select(*event).where(sa.tuple_(*event).in_(events))),
        *conn.execute(sa.select(*timer).where(sa.tuple_(*timer).in_(timers))),
    ]
    return {tuple(row) for row in found}


def _name(one: Input) -> tuple[object, ...]:
    """Return what tells an input from all others: a timer set anew is another one."""
    slice_ = slice_of(one.actor)
    return (slice_, one.seq) if one.timer is None else (slice_, one.timer.key, one.timer.due_at)


_FIRST = "SELECT min(x.due_at) AS at FROM {} x WHERE x.slice = s.slice"
_NEXT = f"""
SELECT min(({_FIRST.format("timer")})),
  min(({_FIRST.format("outbox")} AND x.status = 'pending')) FROM slice s
"""  # noqa: S608 - our own names
_NEXT_DUE = Statement(_NEXT, _NEXT, ((0, instant), (1, instant)))
"""Of every slice the head of an index: whoever plays a year asks it thousands of times."""


def next_due(conn: sa.Connection, *, now: datetime) -> datetime | None:
    """Return when there is next something to do: a timer due or a message to send.

    Never before `now`, which means at once; None when nothing is planned at all.
    """
    (found,) = _NEXT_DUE.rows(conn)
    return max(now, min(filter(None, found))) if any(found) else None


_WORDS = """
SELECT s.slice FROM slice s
WHERE (SELECT i.accepted_at FROM inbox i WHERE i.slice = s.slice ORDER BY i.seq LIMIT 1) <= ?
  OR (SELECT min(t.due_at) FROM timer t WHERE t.slice = s.slice) <= ?
ORDER BY s.slice
"""
_STALE = Statement(_WORDS, _WORDS.replace("?", "%s"))


def stale_slices(conn: sa.Connection, *, now: datetime, older_than: timedelta) -> list[int]:
    """Return the slices where a timer is due, or an event waits for longer than it should.

    Nobody but who asks this rings for a timer; an event's bell was rung when it was accepted,
    and was lost, or the process that heard it died.
    """
    return [slice_ for (slice_,) in _STALE.rows(conn, now - older_than, now)]


def pending_inputs(conn: sa.Connection) -> int:
    """Return how many inbox rows wait, counting no further than `PENDING_MAX`."""
    some = sa.select(_inbox.c.seq).limit(PENDING_MAX).subquery()
    return conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _wanted(want: Collection[int] | None) -> Collection[int]:
    return _EVERY_SLICE if want is None else want
