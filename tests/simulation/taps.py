"""Taps: what the workers decided, written into the log of commits as they decide it.

The oracle takes from the log only what nothing but the run itself can say: in which order and
when things were handled. What must come of it, the oracle works out by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest
import structlog

import workers.intake
from store import definitions, erasure, outbox_leave, outbox_record, sweeping
from store.decided import Decided
from store.statement import Statement
from tests.simulation.baton import KilledError
from tests.simulation.faults import data_error
from workers import app, bulk, calling, draining, judging, programmes, sending
from workflows.state import Input, iso

if TYPE_CHECKING:
    from tests.simulation.world import World

Name = tuple[str, str]
"""An input: `event` and its id with its source, or `timer` and its key."""


class PoisonError(Exception):
    """What an event of the worst kind makes the engine raise."""


def name_of(item: Input) -> Name:
    """Return what tells an input of an actor from its others."""
    if item.timer is not None:
        return ("timer", f"{item.timer.key}@{iso(item.timer.due_at)}")
    event = item.event or {}
    return ("event", f"{event['source']}#{event['id']}")


@contextmanager
def tapped(world: "World") -> Iterator[None]:
    """Watch intake, drain and deliver of this world; poison has its effect while it lasts."""
    taps = _Taps(world)
    quiet = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with pytest.MonkeyPatch.context() as patch:
        for where, name, tap in (
            (workers.intake, "accept", "accept"),
            (bulk, "accept_events", "accept"),
            (draining, "read_batch", "read"),
            (draining, "decide", "decide"),
            (Decided, "add", "add"),
            (draining, "write_batch", "write"),
            (draining, "set_aside", "aside"),
            (judging, "guard", "guard"),
            (judging, "told", "told"),
            (sending, "told", "told"),
            (app, "told", "told"),
            (outbox_leave, "mark_sending", "leave"),
            (outbox_leave, "defer", "defer"),
            (outbox_leave, "skip", "skip"),
            (calling, "told_call", "told_call"),
            (app, "told_call", "told_call"),
            (erasure, "_suppress", "suppress"),
            (outbox_record, "record", "record"),
            (outbox_record, "expire_leases", "expire"),
            (outbox_record, "resolve", "resolve"),
        ):
            patch.setattr(where, name, taps.around(tap, getattr(where, name)))
        patch.setattr(programmes, "Applied", world.applied)
        patch.setattr(definitions, "head", taps.head)
        if world.skews:  # Postgres has a clock: it shows the world's time
            for where, names in (
                (outbox_leave, ("MARK_SENDING", "STILL_MINE")),
                (outbox_record, ("HELD", "LATE")),
                (sweeping, ("LOOK",)),
            ):
                patch.setattr(where, "moment", taps.moment)
                for name in names:
                    patch.setattr(where, name, _told_the_time(getattr(where, name)))
        try:
            yield
        finally:
            structlog.configure(**quiet)


def _told_the_time(statement: Statement) -> Statement:
    """Return a statement that is given the time instead of asking Postgres's clock."""
    told = statement.postgres.replace("clock_timestamp() + %s", "CAST(%s AS timestamptz)")
    assert told != statement.postgres
    return replace(statement, postgres=told)


class _Taps:
    """One function per place that is watched; each calls the real one and notes what it did."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._handled: WeakKeyDictionary[Decided, list[Input]] = WeakKeyDictionary()

    def around(self, name: str, real: Any) -> Any:
        tap = getattr(self, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            return tap(real, *args, **kwargs)

        return watched

    def _note(self, kind: str, **doc: Any) -> None:
        self._world.note(kind, doc)

    def accept(self, real: Any, conn: Any, arrivals: Any) -> Any:
        fresh = real(conn, arrivals)
        self._note("intake", now=self._world.now(), offered=[
            (each, bool(new)) for each, new in zip(arrivals, fresh, strict=True)
        ])  # fmt: skip
        return fresh

    def read(self, real: Any, conn: Any, slices: Any, **rest: Any) -> Any:
        self._world.between_locks()
        return real(conn, slices, **rest)

    def head(self, conn: Any) -> Any:
        hash_ = definitions.head_hash(conn)
        return hash_ and (hash_, {})  # compiled already: its text need not be read

    def moment(self, _conn: Any, _now: Any, plus: timedelta = timedelta()) -> Any:
        return self._world.clock.now() + plus

    def decide(self, real: Any, programme: Any, state: Any, item: Input, **rest: Any) -> Any:
        poison = self._world.poison.get((item.event or {}).get("id", ""))
        if poison == "raises":
            raise PoisonError
        if poison == "kills" and self._world.is_poison_on:
            raise KilledError
        self._world.used["drain"] = programme.hash
        return real(programme, state, item, **rest)

    def add(self, real: Any, decided: Any, changes: Any, handled: Any) -> Any:
        self._handled.setdefault(decided, []).extend(handled)
        return real(decided, changes, handled)

    def write(self, real: Any, conn: Any, decided: Any) -> Any:
        handled = self._handled.pop(decided, [])
        if any(self._world.poison.get((i.event or {}).get("id", "")) == "data" for i in handled):
            raise data_error(conn.dialect.name)
        result = real(conn, decided)
        if handled:
            self._note(
                "drain",
                now=decided.now,
                programme=self._world.used["drain"],
                handled=[(item.actor, name_of(item)) for item in handled],
            )
        return result

    def aside(self, real: Any, conn: Any, batch: Any, dead: Any, *, now: Any) -> Any:
        count = real(conn, batch, dead, now=now)
        if count:
            self._note("dead", dead=[(d.input.actor, name_of(d.input)) for d in dead])
        return count

    def guard(self, real: Any, programme: Any, message: Any, view: Any, *, now: Any) -> Any:
        verdict = real(programme, message, view, now=now)
        self._note("guard", key=message.key, programme=programme.hash, now=now, verdict=verdict)
        return verdict

    def told(self, real: Any, programme: Any, message: Any, kind: str, *a: Any, **rest: Any) -> Any:
        self._world.used[message.key, kind] = programme.hash
        said = real(programme, message, kind, *a, **rest)
        self._note("told", key=message.key, what=kind, programme=programme.hash,
                   planned=rest["planned"])  # fmt: skip
        return said

    def leave(self, real: Any, conn: Any, leaving: Any, **rest: Any) -> Any:
        done = real(conn, leaving, **rest)
        self._note("leave", token=rest["token"], keys=[each.ref[1] for each in leaving],
                   now=rest["now"],
                   until=self._world.database_now(rest["now"]) + rest["lease"])  # fmt: skip
        return done

    def defer(self, real: Any, conn: Any, rows: Any, *, now: Any) -> Any:
        done = real(conn, rows, now=now)
        if rows:
            self._note("put_off", now=now, rows=[
                (each.ref[1], each.due_at, each.reason) for each in rows
            ])  # fmt: skip
        return done

    def skip(self, real: Any, conn: Any, rows: Any, *, now: Any) -> Any:
        done = real(conn, rows, now=now)
        if rows:
            self._note("drop", now=now, rows=[(each.ref[1], each.reason) for each in rows])
        return done

    def told_call(
        self, real: Any, programme: Any, message: Any, now: Any, *, status: int,
        ended: str = "", reason: str = "",
    ) -> Any:  # fmt: skip
        self._world.used[message.key, "call"] = {
            "programme": programme.hash, "now": now, "status": status, "ended": ended,
            "reason": reason,
        }  # fmt: skip
        return real(programme, message, now, status=status, ended=ended, reason=reason)

    def suppress(self, real: Any, conn: Any, fingerprint: Any, order: Any) -> None:
        real(conn, fingerprint, order)
        ways = (("email", order.email), ("sms", order.phone))
        self._note("suppress", at=order.at, addresses=[way for way in ways if way[1]])

    def record(self, real: Any, conn: Any, outcomes: Any, *, token: str, now: Any) -> Any:
        accepted = real(conn, outcomes, token=token, now=now)
        self._note("record", token=token, now=now, at=self._world.database_now(now), outcomes=[
            (each, each.ref in accepted, self._world.used.get((each.ref[1], _word(each)))
             or self._world.used.get((each.ref[1], "call")))
            for each in outcomes
        ])  # fmt: skip
        return accepted

    def expire(self, real: Any, conn: Any, now: Any, **rest: Any) -> Any:
        late = real(conn, now, **rest)
        if late:
            at = self._world.database_now(now)
            self._note("expire", at=at, keys=[message.key for message in late])
        return late

    def resolve(self, real: Any, conn: Any, key: str, **rest: Any) -> Any:
        settled = real(conn, key, **rest)
        if settled is not None:
            self._note("resolve", key=key, sent=rest["sent"], by=rest["by"], now=rest["now"],
                       programme=self._world.used.get((key, "message.sent")))  # fmt: skip
        return settled


def _word(outcome: Any) -> str:
    words = {"refused": "message.deferred", "retry": "", "in_doubt": ""}
    return words.get(str(outcome.status), f"message.{outcome.status}")
