"""Rules inside, switched off: truth, batches, actors, keys, timers, versions, poison, records."""

# ruff: noqa: SLF001 - a rule is patched where it stands

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from store import bulk_sqlite, drain, intake, outbox_leave, sql_sqlite, tries
from store.db import Store
from store.decided import Decided
from workers import draining
from workers.intake import Intake
from workers.poison import PoisonError
from workers.verdicts import Verdict
from workflows import engine, holding, lifecycle

Patch = pytest.MonkeyPatch


# -- 1: the database is the truth ------------------------------------------------------------------


def answer_before_the_commit(patch: Patch) -> None:
    """A publisher hears `accepted` though nothing could be committed."""
    commit = Intake._commit

    def hasty(self: Any, offered: Any, notes: Any, *, limited: bool) -> Any:
        try:
            return commit(self, offered, notes, limited=limited)
        except Exception:  # noqa: BLE001 - that is the mutation
            return [Verdict("accepted", slot.event.id, slot.event.type) for slot in offered]

    patch.setattr(Intake, "_commit", hasty)


def trust_the_bells(patch: Patch) -> None:
    """Nobody looks for what a lost bell left."""
    patch.setattr(drain, "stale_slices", lambda *_, **__: [])


# -- 2: group commit: a batch is one transaction ---------------------------------------------------


def delete_inputs_first(patch: Patch) -> None:
    """A drain takes its inputs away in a transaction of its own, then writes what they led to."""
    write = bulk_sqlite.write

    def in_two(conn: Any, writes: Any) -> Any:
        if writes.handled:
            write(conn, replace(writes, rows={}))
            conn.commit()
            conn.begin()
        return write(conn, writes)

    patch.setattr(bulk_sqlite, "write", in_two)


# -- 3: actors and slices --------------------------------------------------------------------------


def read_before_the_lock(patch: Patch) -> None:
    """A drain decides on what it read before it had its slices."""

    def early(
        self: Any, slices: Any, limit: Any, total: Any, now: Any, *, alone: bool
    ) -> tuple[bool, list[int]]:
        del alone
        with self._store.transaction() as conn:
            batch = drain.read_batch(conn, slices, now=now, limit=limit)
        if not batch.inputs:
            return False, []
        with self._store.transaction() as conn:
            self._decide(conn, batch, now, total)
        return batch.full, []

    patch.setattr(draining.Drainer, "_tried", early)


def newest_first(patch: Patch) -> None:
    """An actor's events are handled in another order than they came in."""
    read = drain.read_batch

    def backwards(*args: Any, **rest: Any) -> Any:
        batch = read(*args, **rest)
        batch.inputs = {actor: items[::-1] for actor, items in batch.inputs.items()}
        return batch

    patch.setattr(draining, "read_batch", backwards)


def clocks_decide(patch: Patch) -> None:
    """Within a batch an actor's events come by the clocks of those who accepted them."""
    patch.setattr(bulk_sqlite, "_since", lambda events: [(row, row[3]) for row in events])


# -- 4: the engine is pure -------------------------------------------------------------------------


def memory(patch: Patch) -> None:
    """The engine counts what it decided in this process."""
    decide, numbers = engine.decide, count()

    def remembering(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        number = next(numbers)
        decide(programme, state, item, **rest)
        if number % 3 == 0:
            state.doc["number"] = number
            rest["changes"].actors[state.actor] = state.doc

    patch.setattr(draining, "decide", remembering)


# -- 5: keys are derived ---------------------------------------------------------------------------


def fresh_keys(patch: Patch) -> None:
    """A run gets a new id at every try."""
    numbers, derived = count(), lifecycle.run_id
    patch.setattr(lifecycle, "run_id", lambda *each: f"{derived(*each)[:16]}{next(numbers):08}")


def no_dedupe(patch: Patch) -> None:
    """Every event is new."""
    accept, numbers = intake.accept, count()

    def anew(conn: Any, arrivals: Any) -> list[bool]:
        fresh = []
        for each in arrivals:
            own = f"{each.id}/{next(numbers)}"
            fresh.append(replace(each, id=own, natural_key="", doc={**each.doc, "id": own}))
        return accept(conn, fresh)

    patch.setattr("workers.intake.accept", anew)


# -- 6: timers are rows ----------------------------------------------------------------------------


def timers_first(patch: Patch) -> None:
    """A timer fires though an event that was accepted before it was due still waits."""
    due = sql_sqlite.due.__wrapped__

    def eager(slices: int, *, others: bool) -> str:
        return str(due(slices, others=others)).replace(
            "i.accepted_at <= t.due_at", "i.accepted_at < ''"
        )

    patch.setattr(sql_sqlite, "due", eager)
    read = bulk_sqlite._inputs

    def timers_only(conn: Any, slices: Any, now: Any, limit: int, without: Any) -> Any:
        found = read(conn, slices, now, limit, without)
        return [row for row in found if row[4]] or found

    patch.setattr(bulk_sqlite, "_inputs", timers_only)


def timers_in_memory(patch: Patch) -> None:
    """A timer that is set is not written."""
    write = bulk_sqlite.write

    def forgetting(conn: Any, writes: Any) -> Any:
        writes.rows.pop("timer", None)
        return write(conn, writes)

    patch.setattr(bulk_sqlite, "write", forgetting)


# -- 7: definitions are immutable ------------------------------------------------------------------


def newest_text(patch: Patch) -> None:
    """A run goes on with the newest text of its workflow."""
    of = engine.decide

    def newest(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        mine = replace(programme, versions={
            version: programme.workflows.get(workflow.name, workflow)
            for version, workflow in programme.versions.items()
        })  # fmt: skip
        of(mine, state, item, **rest)

    patch.setattr(draining, "decide", newest)


# -- 8: the guard stands at the send ---------------------------------------------------------------


def no_pause(patch: Patch) -> None:
    """Whoever is told to pause says yes and goes on."""
    patch.setattr(holding, "pause", lambda *_: True)


# -- 11: one bad input harms nobody else -----------------------------------------------------------


def blame_whoever_is_there(patch: Patch) -> None:
    """An error that passes makes a dead letter too."""
    batch = draining.Drainer._batch

    def blaming(self: Any, want: Any, limit: int, total: Any) -> bool:
        try:
            return bool(batch(self, want, limit, total))
        except PoisonError:
            raise
        except Exception as error:  # the rule is off: whatever it is, everybody is blamed
            with self._store.transaction() as conn:
                slices = list(range(64))
                seen = drain.read_batch(conn, slices, now=self._clock.now(), limit=1)
            for items in seen.inputs.values():
                raise PoisonError(items[0], error) from error
            raise

    patch.setattr(draining.Drainer, "_batch", blaming)


def no_isolation(patch: Patch) -> None:
    """An exception in the engine is nobody's in particular."""

    def never(self: Any, item: Any, error: Exception) -> int:
        raise error

    patch.setattr(draining.Drainer, "_set_aside", never)


def no_tries(patch: Patch) -> None:
    """Nobody remembers that a process died."""
    begin = drain.begin_try

    def forgetting(store: Store, **rest: Any) -> list[int]:
        slices = begin(store, **rest)
        with store.transaction() as conn:
            tries.set_tries(conn, slices, 0)
        return slices

    patch.setattr(draining, "begin_try", forgetting)


def blame_the_neighbours(patch: Patch) -> None:
    """Whoever is drained beside an input that kills is blamed with it."""
    begin = drain.begin_try

    def in_company(store: Store, **rest: Any) -> list[int]:
        return begin(store, **{**rest, "tries_max": None})

    def worst(_conn: Any, batch: Any, suspects: set[int]) -> list[int]:
        return [max(suspects, key=lambda slice_: (batch.tries[slice_], -slice_))]

    patch.setattr(draining, "begin_try", in_company)
    patch.setattr(draining, "_single_out", worst)


def errors_are_deaths(patch: Patch) -> None:
    """A try that ended in an error that passes counts like one that nobody survived."""
    patch.setattr(draining.Drainer, "_take_back", lambda _: None)


# -- 12: everything is explained -------------------------------------------------------------------


def no_records(patch: Patch) -> None:
    """Inputs that led to nothing leave no trace."""
    add = Decided.add

    def terse(decided: Any, changes: Any, handled: Any) -> Any:
        changes.records = [record for record in changes.records if record.doc["facts"]]
        return add(decided, changes, handled)

    patch.setattr(Decided, "add", terse)


def no_reasons(patch: Patch) -> None:
    """A message that is skipped does not say why."""
    skip = outbox_leave.skip

    def silent(conn: Any, rows: Any, **rest: Any) -> Any:
        return skip(conn, [replace(row, reason="", records=()) for row in rows], **rest)

    patch.setattr(outbox_leave, "skip", silent)
