"""A cheap look: is there anything to handle, to send, to settle or to forget?"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES
from store.statement import Statement, instant


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether there are events, timers due, messages due, some in doubt, people to forget.

    Attributes:
        next_at: When there is next something to do, now included, beside events; None when
            nothing is planned at all.
    """

    events: bool
    timers: bool
    due: bool
    unsettled: bool
    erasing: bool
    next_at: datetime | None


_SLICES = f"slice IN ({', '.join(map(str, ALL_SLICES))})"
_FIRST = "SELECT min(x.due_at) FROM {} x WHERE x.slice = s.slice"
_WORDS = f"""
SELECT EXISTS (SELECT 1 FROM inbox WHERE seq >= 0),
  (SELECT min(({_FIRST.format("timer")})) FROM slice s),
  (SELECT min(({_FIRST.format("outbox")} AND x.status = 'pending')) FROM slice s),
  EXISTS (SELECT 1 FROM outbox WHERE status = 'sending')
    OR EXISTS (SELECT 1 FROM outbox WHERE status = 'in_doubt'),
  EXISTS (SELECT 1 FROM erasure WHERE {_SLICES} AND done_at IS NULL)
"""  # noqa: S608 - our own numbers and names
_GLANCE = Statement(_WORDS, _WORDS, ((1, instant), (2, instant)))


def glance(conn: Connection, *, now: datetime) -> Glance:
    """Return what there is to do, in one statement: for whoever asks at every moment."""
    ((events, timer, message, unsettled, erasing),) = _GLANCE.rows(conn)
    return Glance(
        events=bool(events),
        timers=timer is not None and timer <= now,
        due=message is not None and message <= now,
        unsettled=bool(unsettled),
        erasing=bool(erasing),
        next_at=min(filter(None, (timer, message)), default=None),
    )
