"""The drain: one transaction a batch; claims inputs, lets the engine decide, writes all at once."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from store.contact_pages import give_members, give_pages
from store.db import LARGE, Connection, Store
from store.decided import DeadInput, Decided
from store.drain import (
    BATCH_MAX,
    Batch,
    begin_try,
    left_over,
    lock_slices,
    read_batch,
    set_aside,
    write_batch,
)
from store.errors import is_data_error
from store.loads import keep_turns, loads_of_all
from store.tries import set_tries, take_back
from workers.clock import Clock
from workers.poison import Failures, PoisonError, heading
from workers.programmes import Programmes
from workers.shared_lock import SharedLock
from workflows.domain.moving import UnknownVersionError
from workflows.engine import decide
from workflows.schedules import is_schedule
from workflows.state import Changes, Input, slice_of

TRIES_MAX = 3
"""Drains that may die in a row with a slice among theirs before it is tried by itself."""
BUSY_MAX = 8
"""Actors that may wait at a time for a batch without them."""
SMALLER = (64, 8, 1, 1, 1)
"""The batch of a slice by itself, after each death of one: an input is alone three times."""
ROUND_MAX = timedelta(seconds=0.5)
"""How long a drain goes on at most: then it rings for what is left, behind those who rang
meanwhile. The queue takes one that goes on for a minute for hanging, and interrupts it, which
would look like a death."""

INSTANT = timedelta(microseconds=1)
"""The shortest time there is: a timer due now has not been due for so long."""
RELIEF = 2
"""What one success takes off the count of deaths: a slice is trusted again step by step."""

log = structlog.get_logger("vouch.drain")


@dataclass(slots=True)
class Drained:
    """What a drain came to; `held` are slices that it had and has not looked at since.

    `inbox` are slices to ring for, `busy` actors that wait while the next batch is for the others
    of their slices. A timer must have been due for `early` to be taken.
    """

    inputs: int = 0
    dead: int = 0
    held: set[int] = field(default_factory=set)
    inbox: set[int] = field(default_factory=set)
    outbox: bool = False
    busy: set[str] = field(default_factory=set)
    early: timedelta = timedelta()
    failures: Failures = field(default_factory=Failures)


class Drainer:
    """Handles whatever is in the inboxes of free slices, batch after batch.

    Attributes:
        lock: Shared with what else its process does, so that a slice can be tried alone.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        programmes: Programmes,
        *,
        on_commit: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._programmes = programmes
        self.lock = SharedLock()
        self._on_commit = on_commit or (lambda _what: None)
        self._survived: Counter[int] = Counter()
        self._is_busy = False

    def drain(self, want: Collection[int] | None = None, *, events_first: bool = False) -> Drained:
        """Handle the inputs of free slices until a short batch says there are no more.

        Others who wanted those slices meanwhile were turned away; what they came for is
        looked for when the slices are free again. With `events_first` timers that are due at
        this very instant are left: a clock that stands still may have events of it in several
        actors, and forwards between them.

        Raises:
            Exception: The database failed in passing; nothing is lost, the bell rings again.
        """
        total = Drained(early=INSTANT if events_first else timedelta())
        limit, until = BATCH_MAX, self._clock.now() + ROUND_MAX
        while True:
            try:
                full = self._batch(want, limit, total)
                limit = min(BATCH_MAX, limit * 2)
            except PoisonError as poison:
                total.busy.clear()
                if self._learns(poison.error) or not total.failures.is_final(poison):
                    continue
                total.dead += self._set_aside(poison.item, poison.error)
                full = True
            except Exception as error:  # only what one input is to blame for stays here
                if not is_data_error(error) or limit == 1:
                    raise
                limit, full = max(1, limit // 2), True  # until the culprit is alone
                total.busy.clear()
            if not full:
                held, total.held = total.held, set()
                want = held and left_over(self._store, held, now=self._clock.now() - total.early)
                if not want:
                    return total
            if self._clock.now() >= until:
                total.inbox.update(want or total.held)
                return total

    def _learns(self, error: Exception) -> bool:
        """Tell whether only a version was missing, of a workflow, that can be read now."""
        return isinstance(error, UnknownVersionError) and self._programmes.learn(error.version)

    def _batch(self, want: Collection[int] | None, limit: int, total: Drained) -> bool:
        """Handle one batch; return whether there may be more.

        A slice under suspicion is tried by itself while this process does nothing else, so that
        a death tells of its inputs.
        """
        with self.lock.shared():
            full, alone = self._try(want, limit, total)
        if alone:
            with self.lock.alone():
                self._try(alone, limit, total, alone=True)
        return full

    def _try(
        self, want: Collection[int] | None, limit: int, total: Drained, *, alone: bool = False
    ) -> tuple[bool, list[int]]:
        """Handle one batch; return whether there may be more, and what is to be tried alone."""
        now = self._clock.now()
        self._programmes.current()  # raises before anything is claimed
        self._take_back()
        most = None if alone else TRIES_MAX + 1  # deaths in company say no more than that
        due = now - total.early
        slices = begin_try(self._store, now=due, want=want, tries_max=most)
        if not slices:
            return False, []
        try:
            return self._tried(slices, limit, total, now, alone=alone)
        except Exception:  # whatever it is, nobody died of it
            self._survived.update(slices)
            raise

    def _tried(
        self, slices: list[int], limit: int, total: Drained, now: datetime, *, alone: bool
    ) -> tuple[bool, list[int]]:
        """Handle one batch of slices whose try is counted."""
        single: list[int] = []
        with self._store.transaction(hot=not self._is_busy, redone=True) as conn:
            due = now - total.early
            locked = lock_slices(conn, now=due, want=slices)
            if not locked:
                return False, []
            batch = read_batch(conn, locked, now=due, limit=limit, without=total.busy)
            waits = bool(total.busy)
            if not batch.inputs:
                write_batch(conn, Decided(locked, now))
                total.busy.clear()
                return waits, []
            total.held.update(locked)
            suspects = {s for s, tries in batch.tries.items() if tries > TRIES_MAX}
            full = bool(suspects) or batch.full or waits
            if suspects and not alone:
                single = _single_out(conn, batch, suspects)
            elif suspects:
                self._suspect(conn, batch, limit, now, total)
            else:
                self._decide(conn, batch, now, total)
        self._on_commit("drain")
        self._is_busy = _size(batch) >= LARGE
        _take_turns(batch, limit, total)
        return full, single

    def _take_back(self) -> None:
        """Uncount the tries that ended in an error: they are there to count deaths alone.

        Remembered until it is committed; where the database is away so are the tries' rows.
        """
        if not self._survived:
            return
        mine, self._survived = self._survived, Counter()  # of all threads: each is taken once
        try:
            with self._store.transaction() as conn:
                take_back(conn, mine)
        except BaseException:  # an interruption too: what was not committed is to be tried again
            self._survived.update(mine)
            raise

    def _decide(self, conn: Connection, batch: Batch, now: datetime, total: Drained) -> None:
        """Let the engine decide every input of a batch, and write it all."""
        # Never before what is handled: a clock that is behind would put what follows from an
        # event, in another actor's inbox, before the event itself.
        now = max([now, *(item.at for items in batch.inputs.values() for item in items)])
        programme = self._programmes.current().programme
        runs = (run for state in batch.states.values() for run in state.runs.values())
        self._programmes.know_versions(programme, runs)
        loads = loads_of_all(conn) if programme.needs_loads else {}
        before = dict(loads)
        decided = Decided(batch.slices, now)
        for actor, items in batch.inputs.items():
            state = batch.states.pop(actor)  # nobody needs it once its rows are made
            changes = Changes()
            if is_schedule(actor):
                give_pages(conn, items)
            elif actor.startswith("account/"):
                give_members(conn, items, programme.members_read)
            for item in items:
                try:
                    decide(programme, state, item, now=now, changes=changes, loads=loads)
                except Exception as error:  # whatever it is, it harms nobody else
                    raise PoisonError(item, error) from error
            with _blaming(items):
                decided.add(changes, items)
        with _blaming([item for items in batch.inputs.values() for item in items]):
            nudges = write_batch(conn, decided)
            keep_turns(conn, before, loads)
        total.inputs += _size(batch)
        total.inbox |= nudges.inbox
        total.outbox = total.outbox or bool(nudges.outbox)

    # -- what harms others -----------------------------------------------------------------------

    def _suspect(
        self, conn: Connection, batch: Batch, most: int, now: datetime, total: Drained
    ) -> None:
        """Handle a small part of a slice whose drains keep dying, at last one input alone.

        At most so many as the database's last refusal left, so that its culprit is found here too.
        An input that took the process down alone, three times in a row, while nothing else was
        done by it, did it: it is set aside. Random deaths do not come to that.
        """
        (one,) = batch.slices
        deaths = max(batch.tries[one] - TRIES_MAX - 2, 0)  # alone; the last common try and this
        guilty = deaths >= len(SMALLER)
        limit = 1 if guilty else min(most, SMALLER[deaths])
        part = read_batch(conn, [one], now=now - total.early, limit=limit)
        if guilty:
            culprits = [item for items in part.inputs.values() for item in items]
            fatal = [DeadInput(item, "took the process down") for item in culprits]
            total.dead += set_aside(conn, part, fatal, now=now)
            log.error("input.set_aside", slice=one, deaths=deaths)
        else:
            self._decide(conn, part, now, total)
            if _size(part) < _size(batch):  # there are others yet to be looked at
                set_tries(conn, [one], batch.tries[one] - 1 - RELIEF)

    def _set_aside(self, item: Input, error: Exception) -> int:
        """Make a dead letter of an input that the engine could not handle; return how many.

        None where another drain has the slice meanwhile: it comes to the same by itself.
        """
        now = self._clock.now()
        slice_ = slice_of(item.actor)
        with self._store.transaction() as conn:
            locked = lock_slices(conn, now=now, want=[slice_])
            if not locked:
                return 0
            lone = Batch(locked, {item.actor: [item]}, {}, {slice_: item.tries}, full=False)
            count = set_aside(conn, lone, [DeadInput(item, heading(error))], now=now)
        log.error("input.set_aside", slice=slice_, error=heading(error))
        return count


@contextmanager
def _blaming(items: Sequence[Input]) -> Iterator[None]:
    """Raise a value that no database takes under the name of the input, if there is but one."""
    try:
        yield
    except Exception as error:  # raised again, under the name of the culprit if alone
        if len(items) == 1 and is_data_error(error):
            raise PoisonError(items[0], error) from error
        raise


def _take_turns(batch: Batch, limit: int, total: Drained) -> None:
    """Let an actor that filled a batch wait for one that has none of its inputs.

    So the others of its slice wait for one batch of it, however much it has. Small batches
    are there to find a culprit, and have no turns.
    """
    if batch.busy and limit == BATCH_MAX and len(total.busy) < BUSY_MAX:
        total.busy |= batch.busy
    else:
        total.busy.clear()


def _size(batch: Batch) -> int:
    return sum(map(len, batch.inputs.values()))


def _single_out(conn: Connection, batch: Batch, suspects: set[int]) -> list[int]:
    """Return the slice of a batch that is to be tried alone: the one with the most deaths.

    The tries of those picked beside suspects are taken back, and committed before that one is
    run: an input that takes the process down leaves no trace on them.
    """
    for slice_ in set(batch.slices) - suspects:
        set_tries(conn, [slice_], batch.tries[slice_] - 1)
    return [max(suspects, key=lambda slice_: (batch.tries[slice_], -slice_))]
