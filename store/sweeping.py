"""What the clock asks every second, in one statement: an idle stack leaves its database alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES
from store.statement import Statement, instant, moment

_ALL = ", ".join(map(str, sorted(ALL_SLICES)))
_LOOK = f"""
SELECT
  EXISTS (SELECT 1 FROM slice s WHERE
    (SELECT i.accepted_at FROM inbox i WHERE i.slice = s.slice ORDER BY i.seq LIMIT 1) <= ?),
  EXISTS (SELECT 1 FROM slice s WHERE EXISTS
    (SELECT 1 FROM outbox o WHERE o.slice = s.slice AND o.status = 'pending' AND o.due_at <= ?)),
  EXISTS (SELECT 1 FROM erasure e WHERE e.slice IN ({_ALL}) AND e.done_at IS NULL),
  EXISTS (SELECT 1 FROM outbox o WHERE {{of_slices}}o.status = 'sending'
    AND o.leased_until <= {{database_time}}),
  EXISTS (SELECT 1 FROM outbox o WHERE o.slice IN ({_ALL}) AND o.status = 'in_doubt'),
  (SELECT min((SELECT min(t.due_at) FROM timer t WHERE t.slice = s.slice)) FROM slice s)
"""  # noqa: S608 - numbers of our own
_OF_SLICES = f"o.slice IN ({_ALL}) AND "
LOOK = Statement(
    # SQLite, given slices, would look at every message there is for those that are leaving.
    _LOOK.format(database_time="?", of_slices=""),
    _LOOK.format(database_time="clock_timestamp() + ?", of_slices=_OF_SLICES).replace("?", "%s"),
    ((5, instant),),
)
"""Its values: what is late, now, and now in database time. Text, since it is asked for ever."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is for a sweep to look at more closely.

    Attributes:
        stale: An event has been waiting in some slice, or a timer is due.
        due: A message is to be sent.
        forgetting: Somebody is being erased.
        unsettled: The outcome of a message is in doubt, or a lease ran out.
        next_timer: When the first of all timers is due, or was.
    """

    stale: bool
    due: bool
    forgetting: bool
    unsettled: bool
    next_timer: datetime | None = None


def look(conn: Connection, *, now: datetime, older_than: timedelta) -> Found:
    """Return whether there is anything to do: every part is the head of an index.

    What it says is only where to look. Whoever acts asks again for what it acts on.
    """
    ((stale, due, forgetting, late, doubt, next_timer),) = LOOK.rows(
        conn, now - older_than, now, moment(conn, now)
    )
    is_due = next_timer is not None and next_timer <= now
    return Found(
        stale=bool(stale) or is_due,
        due=bool(due),
        forgetting=bool(forgetting),
        unsettled=bool(late) or bool(doubt),
        next_timer=next_timer,
    )
