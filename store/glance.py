"""A cheap look: is there anything to handle, to send, to settle or to forget?"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES
from store.statement import Statement


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether there are events, timers due, messages due, some in doubt, people to forget."""

    events: bool
    timers: bool
    due: bool
    unsettled: bool
    erasing: bool


_SLICES = f"slice IN ({', '.join(map(str, ALL_SLICES))})"
_WORDS = f"""
SELECT EXISTS (SELECT 1 FROM inbox WHERE seq >= 0),
  EXISTS (SELECT 1 FROM timer WHERE {_SLICES} AND due_at <= ?),
  EXISTS (SELECT 1 FROM outbox WHERE {_SLICES} AND status = 'pending' AND due_at <= ?),
  EXISTS (SELECT 1 FROM outbox WHERE status = 'sending')
    OR EXISTS (SELECT 1 FROM outbox WHERE status = 'in_doubt'),
  EXISTS (SELECT 1 FROM erasure WHERE {_SLICES} AND done_at IS NULL)
"""  # noqa: S608 - our own numbers
_GLANCE = Statement(_WORDS, _WORDS.replace("?", "%s"))


def glance(conn: Connection, *, now: datetime) -> Glance:
    """Return what there is to do, in one statement: for whoever asks at every moment."""
    (found,) = _GLANCE.rows(conn, now, now)
    return Glance(*map(bool, found))
