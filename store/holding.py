"""The hold: whether messages may leave this database, or wait for an operator's word.

A database that was restored does not know what left after its backup. It cannot see that it was
restored, but Postgres says where it is: cluster, timeline and database. A place that is not the
one where messages last left means a restore, a recovery to a point in time, a dump read
elsewhere, or a standby that was promoted and may lack the last commits.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, insert, is_postgres, table_of
from store.outbox import Status
from store.tables import HoldRow, OutboxRow
from workflows.steps.calling import TO

_hold, _outbox = table_of(HoldRow), table_of(OutboxRow)

ONLY = 1
"""The key of the only row."""

MOVED = "the database is not where messages last left it: was it restored?"

_HERE = """
SELECT (SELECT system_identifier FROM pg_control_system())
  || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
  || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Where messages last left, where the database is now, and since when they wait, and why."""

    place: str = ""
    here: str = ""
    held_at: datetime | None = None
    reason: str = ""

    @property
    def is_held(self) -> bool:
        """Whether nothing may leave."""
        return self.held_at is not None or self.has_moved

    @property
    def has_moved(self) -> bool:
        """Whether the database is elsewhere; one that cannot say where it is has not moved."""
        return bool(self.place and self.here and self.place != self.here)


def look(conn: Connection) -> Hold:
    """Return whether messages may leave; one statement."""
    here = sa.literal_column(f"({_HERE})") if is_postgres(conn) else sa.literal("")
    one = sa.select(sa.literal(ONLY).label("id"), here.label("here")).subquery()
    found = sa.select(_hold.c.place, one.c.here, _hold.c.held_at, _hold.c.reason).select_from(
        one.outerjoin(_hold, _hold.c.id == one.c.id)
    )
    row = conn.execute(found).one()
    return Hold(row.place or "", row.here, row.held_at, row.reason or "")


def settle(conn: Connection, seen: Hold, *, now: datetime) -> None:
    """Remember the place of a database that messages leave for the first time, or hold one."""
    if seen.has_moved and seen.held_at is None:
        hold(conn, now=now, reason=MOVED)
    elif not seen.place and seen.here:
        _write(conn, {"place": seen.here})


def hold(conn: Connection, *, now: datetime, reason: str) -> None:
    """Let nothing leave until it is released."""
    _write(conn, {"held_at": now, "reason": reason})


def release(conn: Connection, *, doubtful_before: datetime | None, now: datetime) -> int:
    """Let messages leave again, from where the database is now.

    What was planned before `doubtful_before` may have left already: it is put in doubt, so
    that each one takes a word of its own. Calls are not: their key makes two of them one.
    Returns how many are in doubt for it.
    """
    seen = look(conn)
    _write(conn, {"place": seen.here, "held_at": None, "reason": ""})
    if doubtful_before is None:
        return 0
    doubted = (
        _outbox.update()
        .where(
            _outbox.c.slice.in_(ALL_SLICES),
            _outbox.c.status == Status.PENDING,
            _outbox.c.planned_at < doubtful_before,
            ~_outbox.c.to.startswith(TO, autoescape=True),
        )
        .values(status=Status.IN_DOUBT, reason="restored", recorded_at=now)
    )
    return int(conn.execute(doubted).rowcount)


def _write(conn: Connection, values: dict[str, object]) -> None:
    row = {"id": ONLY, "place": "", "held_at": None, "reason": "", **values}
    new = insert(conn, _hold).values(row)
    conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))
