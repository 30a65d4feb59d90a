"""Each rule of DESIGN section 2, switched off: what the simulation must notice.

A mutation patches the product, beneath the taps, so that one rule does not hold. It is caught
when some seed of a few comes out wrong; `notices` says which finding must be among them, so
that it is caught for its own reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

import workers.intake
from store import bulk_sqlite, outbox_context, outbox_leave, outbox_record, sql_sqlite
from store.db import Store
from tests.simulation.company import Company
from tests.simulation.world import World
from workers import app, delivering, draining
from workers.verdicts import Verdict
from workflows import guard, lifecycle
from workflows.state import Changes

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule without which things go wrong.

    Attributes:
        rule: Its number in DESIGN section 2.
        name: What is switched off.
        off: Does so.
        notices: Part of a finding that must be there.
        seeds: Where to look; the first that notices is enough.
        change: Makes the worlds likelier to need the rule.
    """

    rule: int
    name: str
    off: Callable[[Patch], None]
    notices: str
    seeds: Sequence[int] = range(1, 40)
    change: Callable[[World], None] | None = None


def _poisoned(how: str) -> list[int]:
    """Return a few seeds with an event that is poison in this way."""
    return [seed for seed in range(1, 200) if how in Company(seed).poison.values()][:4]


# -- 1: the database is the truth ------------------------------------------------------------------


def _answer_before_the_commit(patch: Patch) -> None:
    """A publisher hears `accepted` though nothing could be committed."""
    commit = workers.intake.Intake._commit  # noqa: SLF001 - the rule itself

    def hasty(self: Any, offered: Any, notes: Any, *, limited: bool) -> Any:
        try:
            return commit(self, offered, notes, limited=limited)
        except Exception:  # noqa: BLE001 - that is the mutation
            return [Verdict("accepted", slot.event.id, slot.event.type) for slot in offered]

    patch.setattr(workers.intake.Intake, "_commit", hasty)


def _trust_the_bells(patch: Patch) -> None:
    """Nobody looks for what a lost bell left."""
    patch.setattr(app.drains, "stale_slices", lambda *_, **__: [])


# -- 2: group commit: a batch is one transaction ---------------------------------------------------


def _delete_inputs_first(patch: Patch) -> None:
    """A drain takes its inputs away in a transaction of its own, then writes what they led to."""
    write = draining.write_batch

    def in_two(conn: Any, batch: Any, changes: Any, *, handled: Any, **rest: Any) -> Any:
        write(conn, batch, Changes(), handled=handled, **rest)
        conn.commit()
        conn.begin()
        return write(conn, batch, changes, handled=handled, **rest)

    patch.setattr(draining, "write_batch", in_two)


# -- 3: actors and slices --------------------------------------------------------------------------


def _read_before_the_lock(patch: Patch) -> None:
    """A drain decides on what it read before it had its slices."""

    def early(self: Any, slices: Any, limit: Any, total: Any, now: Any) -> bool:
        with self._store.transaction() as conn:
            batch = draining.read_batch(conn, slices, now=now, limit=limit)
        if not batch.inputs:
            return False
        with self._store.transaction() as conn:
            self._decide(conn, batch, now, total)
        return batch.full

    patch.setattr(draining.Drainer, "_tried", early)


def _newest_first(patch: Patch) -> None:
    """An actor's events are handled in another order than they came in."""
    read = draining.read_batch

    def backwards(*args: Any, **rest: Any) -> Any:
        batch = read(*args, **rest)
        batch.inputs = {actor: items[::-1] for actor, items in batch.inputs.items()}
        return batch

    patch.setattr(draining, "read_batch", backwards)


# -- 4: the engine is pure -------------------------------------------------------------------------


def _memory(patch: Patch) -> None:
    """The engine counts what it decided in this process."""
    decide, numbers = draining.decide, count()

    def remembering(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        number = next(numbers)
        decide(programme, state, item, **rest)
        if number % 3 == 0:
            state.doc["number"] = number
            rest["changes"].actors[state.actor] = state.doc

    patch.setattr(draining, "decide", remembering)


# -- 5: keys are derived ---------------------------------------------------------------------------


def _fresh_keys(patch: Patch) -> None:
    """A run gets a new id at every try."""
    numbers, derived = count(), lifecycle.run_id
    patch.setattr(lifecycle, "run_id", lambda *each: f"{derived(*each)[:16]}{next(numbers):08}")


def _no_dedupe(patch: Patch) -> None:
    """Every event is new."""
    accept, numbers = workers.intake.accept, count()

    def anew(conn: Any, arrivals: Any) -> list[bool]:
        fresh = []
        for each in arrivals:
            own = f"{each.id}/{next(numbers)}"
            fresh.append(replace(each, id=own, natural_key="", doc={**each.doc, "id": own}))
        return accept(conn, fresh)

    patch.setattr(workers.intake, "accept", anew)


# -- 6: timers are rows ----------------------------------------------------------------------------


def _timers_first(patch: Patch) -> None:
    """A timer fires though an event that was accepted before it was due still waits."""
    due = sql_sqlite.due.__wrapped__

    def eager(slices: int) -> str:
        return str(due(slices)).replace("i.accepted_at <= t.due_at", "i.accepted_at < ''")

    patch.setattr(sql_sqlite, "due", eager)
    read = bulk_sqlite._inputs  # noqa: SLF001 - the rule itself

    def timers_only(conn: Any, slices: Any, now: Any, limit: int) -> Any:
        found = read(conn, slices, now, limit)
        return [row for row in found if row[4]] or found

    patch.setattr(bulk_sqlite, "_inputs", timers_only)


def _timers_in_memory(patch: Patch) -> None:
    """A timer that is set is not written."""
    write = draining.write_batch

    def forgetting(conn: Any, batch: Any, changes: Any, **rest: Any) -> Any:
        changes.timers_set.clear()
        return write(conn, batch, changes, **rest)

    patch.setattr(draining, "write_batch", forgetting)


# -- 7: definitions are immutable ------------------------------------------------------------------


def _newest_text(patch: Patch) -> None:
    """A run goes on with the newest text of its workflow."""
    of = draining.decide

    def newest(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        mine = replace(programme, versions={
            version: programme.workflows.get(workflow.name, workflow)
            for version, workflow in programme.versions.items()
        })  # fmt: skip
        of(mine, state, item, **rest)

    patch.setattr(draining, "decide", newest)


# -- 8: the guard stands at the send ---------------------------------------------------------------


def _no_guard(patch: Patch) -> None:
    """Whatever is due leaves."""

    def leave(programme: Any, message: Any, view: Any, **_: Any) -> guard.Verdict:
        address = guard.address_of(view.doc, "email") or "nobody@acme.example"
        locale = guard.locale_of(programme, view.doc)
        return guard.Leave("email", address, locale, "", message.planned_at)

    patch.setattr(delivering, "guard", leave)


def _no_caps(patch: Patch) -> None:
    """Caps have always room, for the oracle's guard too."""
    patch.setattr(guard._Question, "room", lambda *_: None)  # noqa: SLF001


def _doubt_is_free(patch: Patch) -> None:
    """What is leaving or in doubt takes no place in caps."""
    patch.setattr(outbox_context, "COUNTED", ("sent", "reported"))


def _consent_behind_the_queue(patch: Patch) -> None:
    """A withdrawal counts when the drain gets to it."""
    accept = workers.intake.accept

    def later(conn: Any, arrivals: Any) -> list[bool]:
        return accept(conn, [replace(each, consents=()) for each in arrivals])

    patch.setattr(workers.intake, "accept", later)


# -- 9: a send has an outcome ----------------------------------------------------------------------


def _tell_nobody(patch: Patch) -> None:
    """The run that waits for its message never hears of it."""
    told = delivering.told

    def silent(*args: Any, **rest: Any) -> Any:
        return replace(told(*args, **rest), forwards=())

    patch.setattr(delivering, "told", silent)


# -- 10: at most once to people --------------------------------------------------------------------


def _send_again(patch: Patch) -> None:
    """A lease that ran out frees the message to leave again."""
    expire = outbox_record.expire_leases

    def again(conn: Any, now: Any, **rest: Any) -> Any:
        for message in expire(conn, now, **rest):
            outbox_record.resolve(conn, message.key, sent=False, by="nobody", now=now)
        return []

    patch.setattr(outbox_record, "expire_leases", again)


def _no_fence(patch: Patch) -> None:
    """Whoever slept past the lease sends all the same."""
    patch.setattr(outbox_leave, "still_mine", lambda _conn, refs, **_: set(refs))


def _call_before_the_commit(patch: Patch) -> None:
    """The call is made before `sending` is committed."""
    judge, one = delivering.Deliverer._judge, delivering.Deliverer._one  # noqa: SLF001

    def judged(self: Any, programme: Any, claim: Any, message: Any, burst: Any, *rest: Any) -> None:
        before = len(burst.leaving)
        judge(self, programme, claim, message, burst, *rest)
        for _, leave, ready in burst.leaving[before:]:
            with self._channels[leave.channel].burst() as call:
                call(ready)

    def called(self: Any, _send: Any, *each: Any, **rest: Any) -> Any:
        return one(self, lambda ready: ready.key, *each, **rest)

    patch.setattr(delivering.Deliverer, "_judge", judged)
    patch.setattr(delivering.Deliverer, "_one", called)


# -- 11: one bad input harms nobody else -----------------------------------------------------------


def _blame_whoever_is_there(patch: Patch) -> None:
    """An error that passes makes a dead letter too."""
    batch = draining.Drainer._batch  # noqa: SLF001

    def blaming(self: Any, want: Any, limit: int, total: Any) -> bool:
        try:
            return bool(batch(self, want, limit, total))
        except draining.PoisonError:
            raise
        except Exception as error:
            with self._store.transaction() as conn:
                slices = list(range(64))
                seen = draining.read_batch(conn, slices, now=self._clock.now(), limit=1)
            for items in seen.inputs.values():
                raise draining.PoisonError(items[0], error) from error
            raise

    patch.setattr(draining.Drainer, "_batch", blaming)


def _no_isolation(patch: Patch) -> None:
    """An exception in the engine is nobody's in particular."""

    def never(self: Any, item: Any, error: Exception) -> int:
        raise error

    patch.setattr(draining.Drainer, "_set_aside", never)


def _no_tries(patch: Patch) -> None:
    """Nobody remembers that a process died."""
    begin = draining.begin_try

    def forgetting(store: Store, **rest: Any) -> list[int]:
        slices = begin(store, **rest)
        with store.transaction() as conn:
            draining.set_tries(conn, slices, 0)
        return slices

    patch.setattr(draining, "begin_try", forgetting)


def _blame_the_neighbours(patch: Patch) -> None:
    """Whoever is drained beside an input that kills is blamed with it."""

    def worst(_conn: Any, batch: Any, suspects: set[int]) -> list[int]:
        return [max(suspects, key=lambda slice_: (batch.tries[slice_], -slice_))]

    patch.setattr(draining, "_single_out", worst)


# -- 12: everything is explained -------------------------------------------------------------------


def _no_records(patch: Patch) -> None:
    """Inputs that led to nothing leave no trace."""
    write = draining.write_batch

    def terse(conn: Any, batch: Any, changes: Any, **rest: Any) -> Any:
        changes.records = [record for record in changes.records if record.doc["facts"]]
        return write(conn, batch, changes, **rest)

    patch.setattr(draining, "write_batch", terse)


def _no_reasons(patch: Patch) -> None:
    """A message that is skipped does not say why."""
    skip = outbox_leave.skip

    def silent(conn: Any, rows: Any, **rest: Any) -> Any:
        return skip(conn, [replace(row, reason="", records=()) for row in rows], **rest)

    patch.setattr(outbox_leave, "skip", silent)


MUTATIONS = (
    Mutation(1, "the answer comes before the commit", _answer_before_the_commit, "nothing_is_lost"),
    Mutation(1, "the bells are the truth", _trust_the_bells, "nothing_is_left"),
    Mutation(2, "a batch is two transactions", _delete_inputs_first, ""),
    Mutation(3, "drains read before they lock", _read_before_the_lock, "not in its inbox"),
    Mutation(3, "the newest input comes first", _newest_first, "which came first"),
    Mutation(4, "the engine remembers", _memory, "actor contact/"),
    Mutation(5, "keys are fresh at every try", _fresh_keys, ""),
    Mutation(5, "no event was seen before", _no_dedupe, ""),
    Mutation(6, "timers wait for nobody", _timers_first, "accepted before it was due"),
    Mutation(6, "timers are kept in memory", _timers_in_memory, "timers:"),
    Mutation(7, "runs take the newest text", _newest_text, ""),
    Mutation(8, "no guard", _no_guard, "the guard said"),
    Mutation(8, "no caps, whatever the oracle thinks", _no_caps, "caps_hold"),
    Mutation(8, "doubt takes no place in caps", _doubt_is_free, "the guard said"),
    Mutation(
        8,
        "consent waits in the queue",
        _consent_behind_the_queue,
        "consent_holds",
        change=lambda world: world.company.waver(),
    ),  # fmt: skip
    Mutation(9, "nobody hears of the outcome", _tell_nobody, "/message."),
    Mutation(10, "what is in doubt is sent again", _send_again, "once_to_people"),
    Mutation(10, "no fence before the call", _no_fence, "without a lease"),
    Mutation(10, "the call comes before the commit", _call_before_the_commit, "once_to_people"),
    Mutation(11, "what passes is blamed on an input", _blame_whoever_is_there, "dead letter"),
    Mutation(11, "poison is not isolated", _no_isolation, "no dead letter", _poisoned("raises")),
    Mutation(11, "deaths are forgotten", _no_tries, "stuck", _poisoned("kills")),
    Mutation(
        11,
        "neighbours of poison are blamed",
        _blame_the_neighbours,
        "took the process down",
        range(40, 100),
    ),  # fmt: skip
    Mutation(12, "nothing is said of what led to nothing", _no_records, "decision"),
    Mutation(12, "a skip has no reason", _no_reasons, "reason"),
)
