"""Rules towards people, switched off: the guard, outcomes, at most once."""

# ruff: noqa: SLF001 - a rule is patched where it stands

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from store import intake, outbox_context, outbox_leave, outbox_record
from workers import burst, delivering, judging, outcomes, sending
from workflows import guard, reaching

Patch = pytest.MonkeyPatch


# -- 8: the guard stands at the send ---------------------------------------------------------------


def no_guard(patch: Patch) -> None:
    """Whatever is due leaves."""

    def leave(programme: Any, message: Any, view: Any, **_: Any) -> guard.Verdict:
        address = reaching.address_of(view.doc, "email") or "nobody@acme.example"
        locale = reaching.locale_of(programme, view.doc)
        return guard.Leave("email", address, locale, "", message.planned_at)

    patch.setattr(judging, "guard", leave)


def no_caps(patch: Patch) -> None:
    """Caps have always room, for the oracle's guard too."""
    patch.setattr(guard._Question, "room", lambda *_: None)


def doubt_is_free(patch: Patch) -> None:
    """What is leaving or in doubt takes no place in caps."""
    patch.setattr(outbox_context, "COUNTED", ("sent", "reported"))


def sure_of_nothing(patch: Patch) -> None:
    """Where a key makes two sends one, what may have left counts as if it had not."""
    failed, resolve = sending.Sender._failed, outbox_record.resolve

    def forgets(self: Any, *each: Any, **rest: Any) -> Any:
        return replace(failed(self, *each, **rest), unsure=False)

    def settles(*each: Any, **rest: Any) -> Any:
        return resolve(*each, **{**rest, "unsure": False})

    patch.setattr(sending.Sender, "_failed", forgets)
    patch.setattr(outbox_record, "resolve", settles)


def consent_behind_the_queue(patch: Patch) -> None:
    """A withdrawal counts when the drain gets to it."""
    accept = intake.accept

    def later(conn: Any, arrivals: Any) -> list[bool]:
        return accept(conn, [replace(each, consents=()) for each in arrivals])

    patch.setattr("workers.intake.accept", later)


# -- 9: a send has an outcome ----------------------------------------------------------------------


def tell_nobody(patch: Patch) -> None:
    """The run that waits for its message never hears of it."""
    told = outcomes.told

    def silent(*args: Any, **rest: Any) -> Any:
        return replace(told(*args, **rest), forwards=())

    for where in (judging, sending):
        patch.setattr(where, "told", silent)


# -- 10: at most once to people --------------------------------------------------------------------


def send_again(patch: Patch) -> None:
    """A lease that ran out frees the message to leave again."""
    expire = outbox_record.expire_leases

    def again(conn: Any, now: Any, **rest: Any) -> Any:
        for message in expire(conn, now, **rest):
            outbox_record.resolve(conn, message.key, sent=False, by="nobody", now=now)
        return []

    patch.setattr(outbox_record, "expire_leases", again)


def no_fence(patch: Patch) -> None:
    """Whoever slept past the lease sends all the same."""
    endless = datetime.max.replace(tzinfo=UTC)
    made = burst.Burst
    patch.setattr(outbox_leave, "still_mine", lambda _conn, refs, **_: set(refs))
    patch.setattr(delivering, "Burst", lambda token, _until: made(token, endless))


def call_before_the_commit(patch: Patch) -> None:
    """The call is made before `sending` is committed."""
    begin, judge, one = sending.Sender.__init__, judging.Judge.judge, sending.Sender._one
    known: dict[str, Any] = {}

    def made(
        self: Any, store: Any, clock: Any, programmes: Any, channels: Any, **rest: Any
    ) -> None:
        known.update(channels)
        begin(self, store, clock, programmes, channels, **rest)

    def judged(self: Any, programme: Any, claim: Any, burst: Any, now: Any) -> None:
        judge(self, programme, claim, burst, now)
        for _, leave, ready in burst.leaving:
            with known[leave.channel].burst() as call:
                call(ready)

    def called(self: Any, _send: Any, *each: Any, **rest: Any) -> Any:
        return one(self, lambda ready: ready.key, *each, **rest)

    patch.setattr(sending.Sender, "__init__", made)
    patch.setattr(judging.Judge, "judge", judged)
    patch.setattr(sending.Sender, "_one", called)
