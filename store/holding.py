"""The hold: whether messages may leave this database, or wait for an operator's word.

A database that was restored does not know what left after its backup, and its tables are as they
were. Two things tell all the same. Postgres says where it is, in cluster, timeline and database:
another place than the one where messages last left is a recovery to a point in time, a dump read
elsewhere, or a standby that was promoted and may lack the last commits. And the row that has the
place knows in which transaction it was written, as Postgres does: after a dump was read, into
the same database even, the two differ.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, insert, is_postgres, table_of
from store.driver import fetch
from store.outbox import Status
from store.statement import instant
from store.tables import OutboxRow
from store.tables_beside import HoldRow
from workflows.steps.calling import TO

_hold, _outbox = table_of(HoldRow), table_of(OutboxRow)

ONLY = 1
"""The key of the only row."""

MOVED = "the database is not where messages last left it: was it restored?"

_CLUSTER = "SELECT CAST(system_identifier AS text) FROM pg_control_system()"
_MAY_ASK = sa.text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
_REST = """
  '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
  || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_WRITTEN_IN: sa.ColumnElement[str] = sa.literal_column("CAST(hold.xmin AS text)")
_THIS_ONE: sa.ColumnElement[str] = sa.literal_column(
    "CAST(CAST(pg_current_xact_id() AS xid) AS text)"
)

_ON_SQLITE = "SELECT place, mark, held_at, reason FROM hold WHERE id = ?"

_may_ask: WeakKeyDictionary[sa.Engine, bool] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Hold:
    """Where messages last left, where the database is now, and since when they wait, and why.

    Attributes:
        place: Cluster, timeline and database when messages last left; empty at first.
        here: The same now; empty where the database cannot say.
        mark: The transaction that wrote the row, as the row says; empty if it does not.
        written: The same, as the database says.
        held_at: Since when nothing leaves by somebody's word, or by ours.
        reason: Whose.
    """

    place: str = ""
    here: str = ""
    mark: str = ""
    written: str = ""
    held_at: datetime | None = None
    reason: str = ""

    @property
    def is_held(self) -> bool:
        """Whether nothing may leave."""
        return self.held_at is not None or self.has_moved

    @property
    def has_moved(self) -> bool:
        """Whether the database is elsewhere; one that cannot say where it is has not moved.

        A role that may not ask for the cluster leaves that part out.
        """
        parts = zip(self.place.split("/"), self.here.split("/"), strict=False)
        return any(starmap(_differ, (*parts, (self.mark, self.written))))

    @property
    def is_unmarked(self) -> bool:
        """Whether the database could say where it is, and nobody has written that down."""
        return bool(self.here) and not (self.place and self.mark)


def _differ(before: str, now: str) -> bool:
    return bool(before and now and before != now)


def look(conn: Connection) -> Hold:
    """Return whether messages may leave; one statement."""
    if not is_postgres(conn):
        rows = fetch(conn, _ON_SQLITE, (ONLY,))
        place, mark, held_at, reason = rows[0] if rows else ("", "", None, "")
        return Hold(place=place, mark=mark, held_at=instant(held_at), reason=reason)
    cluster = f"({_CLUSTER})" if _may_ask_for_cluster(conn) else "''"
    here: sa.ColumnElement[str] = sa.literal_column(f"({cluster} || {_REST})")
    written = _WRITTEN_IN
    one = sa.select(sa.literal(ONLY).label("id"), here.label("here")).subquery()
    columns = (_hold.c.place, _hold.c.mark, _hold.c.held_at, _hold.c.reason)
    found = sa.select(*columns, one.c.here, written.label("written")).select_from(
        one.outerjoin(_hold, _hold.c.id == one.c.id)
    )
    row = conn.execute(found).one()
    return Hold(
        place=row.place or "", here=row.here, mark=row.mark or "", written=row.written or "",
        held_at=row.held_at, reason=row.reason or "",
    )  # fmt: skip


def _may_ask_for_cluster(conn: Connection) -> bool:
    """Tell whether this role may; asked once, since a statement that may not fails whole."""
    if conn.engine not in _may_ask:
        _may_ask[conn.engine] = bool(conn.scalar(_MAY_ASK))
    return _may_ask[conn.engine]


def settle(conn: Connection, seen: Hold, *, now: datetime) -> None:
    """Remember the place of a database that messages leave for the first time, or hold one."""
    if seen.has_moved:
        if seen.held_at is None:
            hold(conn, now=now, reason=MOVED)
    elif seen.is_unmarked:
        _write(conn, _place(conn, seen))


def hold(conn: Connection, *, now: datetime, reason: str) -> None:
    """Let nothing leave until it is released."""
    seen = look(conn)
    values: dict[str, Any] = {"held_at": now, "reason": reason}
    if seen.mark and not seen.has_moved:
        values |= _place(conn, seen)
    _write(conn, values)


def release(conn: Connection, *, doubtful_before: datetime | None, now: datetime) -> int:
    """Let messages leave again, from where the database is now.

    What was planned before `doubtful_before` may have left already: it is put in doubt, so
    that each one takes a word of its own. Calls are not: their key makes two of them one.
    Returns how many are in doubt for it.
    """
    seen = look(conn)
    _write(conn, {**_place(conn, seen), "held_at": None, "reason": ""})
    if doubtful_before is None:
        return 0
    doubted = (
        _outbox.update()
        .where(*_planned(doubtful_before))
        .values(status=Status.IN_DOUBT, reason="restored", recorded_at=now)
    )
    return int(conn.execute(doubted).rowcount)


def doubtful(conn: Connection, before: datetime) -> int:
    """Return how many messages a release with this instant would put in doubt."""
    found = sa.select(sa.func.count()).select_from(_outbox).where(*_planned(before))
    return int(conn.scalar(found) or 0)


def _planned(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return what is true of messages that were to leave before an instant."""
    return (
        _outbox.c.slice.in_(ANY_SLICE),
        _outbox.c.status == Status.PENDING,
        _outbox.c.planned_at < before,
        ~_outbox.c.to.startswith(TO, autoescape=True),
    )


def _place(conn: Connection, seen: Hold) -> dict[str, Any]:
    """Return what is written down of where the database is, by this transaction."""
    return {"place": seen.here, "mark": _THIS_ONE if is_postgres(conn) else ""}


def _write(conn: Connection, values: dict[str, Any]) -> None:
    row = {"id": ONLY, "place": "", "mark": "", "held_at": None, "reason": "", **values}
    new = insert(conn, _hold).values(row)
    conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))
