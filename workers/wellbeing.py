"""Is it well: what waits too long, and what waits for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from store.stats import Health

LATE = timedelta(minutes=1)
"""How long an input may wait before we say that no worker handles it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One thing looked at, what was found, and the remedy."""

    about: str
    state: Literal["ok", "warning", "error"]
    said: str
    remedy: str = ""


# -- what waits ------------------------------------------------------------------------------------


def handled(found: Health, now: datetime, *, embedded: bool) -> Look:
    """Say whether a worker takes what waits."""
    remedy = "is vouch dev running?" if embedded else "are vouch worker and vouch clock running?"
    since = [at for at in (found.inbox_oldest_at, found.timers_oldest_at) if at is not None]
    age = now - min(since) if since else timedelta(0)
    if age > LATE:
        waiting = f"{_number(found.inbox, 'event')} and {_number(found.timers_due, 'timer')}"
        said = f"{waiting} wait, the oldest since {_span(age)}"
        return Look("workers", "error", said, remedy)
    unsent = now - found.outbox_oldest_at if found.outbox_oldest_at else timedelta(0)
    if unsent > LATE:
        said = (
            f"{_number(found.outbox_due, 'message')} could leave, the oldest since {_span(unsent)}"
        )
        return Look("workers", "error", said, remedy)
    wait = "waits" if found.inbox == 1 else "wait"
    waiting = f"{_number(found.inbox, 'event')} {wait}" if found.inbox else "nothing waits"
    return Look("workers", "ok", waiting)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _span(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    hours, days = minutes // 60, minutes // (24 * 60)
    return f"{days} days" if days > 1 else f"{hours} hours" if hours > 1 else f"{minutes} min"


def waiting(found: Health) -> Iterator[Look]:
    """Say what waits for somebody: letters, doubts, tasks without anybody."""
    for about, number, remedy in (
        ("dead letters", found.dead, "vouch dead list"),
        ("in doubt", found.outbox_in_doubt, "vouch outbox list --status in_doubt"),
        ("channels", found.outbox_away, "is it there? workers log channel.away with its name"),
        (
            "suspicion",
            found.slices_tried,
            "usual while workers are busy; if it stays, read their logs",
        ),
        ("unassigned", found.tasks_unassigned, "vouch tasks list, then vouch tasks reassign"),
    ):
        if number:
            noun, said = _WAITING[about]
            yield Look(about, "warning", f"{_number(number, noun)} {said}", remedy)


_WAITING = {
    "dead letters": ("input", "set aside"),
    "in doubt": ("message", "that may have left, or not"),
    "channels": ("message", "waiting for a channel that does not answer"),
    "suspicion": ("slice", "of contacts with a batch that began and did not end"),
    "unassigned": ("task", "that nobody has"),
}
