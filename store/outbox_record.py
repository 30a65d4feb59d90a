"""Write down what became of messages that were leaving, and settle those in doubt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, table_of
from store.outbox import DOUBTS_MAX, UNSURE, Claimed, Outcome, Ref, Result, Status, tell
from store.outbox_claim import COLUMNS, claimed
from store.outbox_leave import named
from store.outbox_sql import HELD, LATE, SETTLE
from store.statement import Rows, moment
from store.tables import OutboxRow
from workflows.state import Doc, Forward, Record

_outbox = table_of(OutboxRow)

_BECOMES = {
    Result.SENT: Status.SENT,
    Result.FAILED: Status.FAILED,
    Result.SKIPPED: Status.SKIPPED,
    Result.IN_DOUBT: Status.IN_DOUBT,
    Result.RETRY: Status.PENDING,
    Result.UNASKED: Status.PENDING,
    Result.REFUSED: Status.PENDING,
}


def record(conn: Connection, outcomes: Sequence[Outcome], *, token: str, now: datetime) -> set[Ref]:
    """Record outcomes of messages that this token still holds, and return those accepted.

    Whoever slept past the lease, or holds another token, changes nothing and tells nobody:
    somebody else settles that message. A retry and a refusal make the message pending again,
    so that it gives back its place in caps, unless it may have left all the same; a refusal
    strikes the channel for this message and starts its attempts anew. At most five statements.
    """
    if not outcomes:
        return set()
    refs = Rows([each.ref for each in outcomes])
    rows = HELD.rows(conn, refs, token, moment(conn, now))
    held = {row.ref: row for row in (_Held(*row) for row in rows)}
    accepted = [each for each in outcomes if each.ref in held]
    if not accepted:
        return set()
    SETTLE.rows(conn, now, Rows([_settled(each, held[each.ref]) for each in accepted]))
    tell(
        conn,
        now,
        [forward for each in accepted for forward in each.forwards],
        [record for each in accepted for record in each.records],
    )
    return {each.ref for each in accepted}


class _Held(NamedTuple):
    """A message that is leaving, as far as its outcome changes it."""

    slice: int
    key: str
    channel: str
    attempts: int
    doc: Doc
    due_at: datetime
    planned_at: datetime

    @property
    def ref(self) -> Ref:
        """Where the row is."""
        return self.slice, self.key


def _settled(outcome: Outcome, row: _Held) -> tuple[object, ...]:
    """Return what a row becomes, in the order of `SETTLE`; nobody holds it afterwards."""
    refused = outcome.status is Result.REFUSED
    doc = None  # as it was
    if refused:
        struck = sorted({*row.doc.get("refused", ()), row.channel})
        doc = orjson.dumps({**_sure(row.doc), "refused": struck}).decode()
    elif outcome.unsure and UNSURE not in row.doc:
        doc = orjson.dumps({**row.doc, UNSURE: True}).decode()
    return (
        *row.ref,
        str(_BECOMES[outcome.status]),
        outcome.reason,
        outcome.message_id,
        outcome.due_at or row.due_at,
        outcome.planned_at or row.planned_at,
        0 if refused else row.attempts + (outcome.status is not Result.UNASKED),
        doc,
    )


def _sure(doc: Doc) -> Doc:
    """Return the document of a message of which is known again that it did not leave."""
    return {name: value for name, value in doc.items() if name != UNSURE}


def expire_leases(conn: Connection, now: datetime, *, limit: int = DOUBTS_MAX) -> list[Claimed]:
    """Put messages in doubt whose lease ran out while they were leaving, and return them.

    They may have been sent, so they keep their place in caps and are never sent again
    blindly. A row that somebody is recording just now is skipped.
    """
    late = LATE.rows(conn, moment(conn, now), min(limit, DOUBTS_MAX))
    refs = [(slice_, key) for slice_, key in late]
    if not refs:
        return []
    doubted = (
        _outbox.update()
        .where(*named(refs), _outbox.c.status == Status.SENDING)
        .values(status=Status.IN_DOUBT, token="", leased_until=None, recorded_at=now)
        .returning(*COLUMNS)
    )
    return _in_order(conn, doubted)


def in_doubt(
    conn: Connection,
    *,
    key: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int = DOUBTS_MAX,
) -> list[Claimed]:
    """Return messages that may have been sent, oldest planned first: to look up or to ask about.

    With a `key`, that one alone, however many there are; `after` the planned time and key of
    the last one seen, the next ones.
    """
    which = [_outbox.c.key == key] if key else []
    if after is not None:
        at, last = after
        same = sa.and_(_outbox.c.planned_at == at, _outbox.c.key > last)
        which.append(sa.or_(_outbox.c.planned_at > at, same))
    found = (
        sa.select(*COLUMNS)
        .where(_outbox.c.slice.in_(ANY_SLICE), _outbox.c.status == sa.literal_column("'in_doubt'"))
        .where(*which)
        .order_by(_outbox.c.planned_at, _outbox.c.key)
        .limit(min(limit, DOUBTS_MAX))
    )
    return _in_order(conn, found)


def resolve(
    conn: Connection,
    key: str,
    *,
    sent: bool,
    by: str,
    now: datetime,
    message_id: str = "",
    forwards: Sequence[Forward] = (),
    records: Sequence[Record] = (),
    unsure: bool = False,
) -> Claimed | None:
    """Settle a message in doubt, and return it as it is then; None if it is not in doubt.

    `by` is the operator, or the channel that looked it up. Not sent means that it is free
    to leave: pending and due now, through the guard like any other. `unsure`: nobody knows,
    and its key makes two sends one: it leaves again, and keeps its place in caps meanwhile.
    """
    now_known = {
        "status": Status.SENT if sent else Status.PENDING,
        "reason": f"{'sent' if sent else 'not sent'}, says {by}",
        "recorded_at": now,
    }
    if sent and message_id:
        now_known["message_id"] = message_id
    if not sent:
        now_known["due_at"] = now
    return _change_one(conn, key, {Status.IN_DOUBT: unsure}, now_known, now, forwards, records)


def redeliver(
    conn: Connection,
    key: str,
    *,
    by: str,
    now: datetime,
    records: Sequence[Record] = (),
) -> Claimed | None:
    """Let a message that failed or is in doubt leave once more, with all its attempts.

    An operator's word: for one in doubt the contact may get it twice, and it keeps its place
    in caps. Returns None if the message is neither, or has no words any more.
    """
    again = {
        "status": Status.PENDING,
        "due_at": now,
        "attempts": 0,
        "reason": f"redelivered by {by}",
        "recorded_at": now,
    }
    allowed = {Status.IN_DOUBT: True, Status.FAILED: False}
    return _change_one(conn, key, allowed, again, now, (), records, needs_words=True)


def _change_one(  # noqa: PLR0917 - private, two callers
    conn: Connection,
    key: str,
    allowed: dict[Status, bool],
    values: dict[str, Any],
    now: datetime,
    forwards: Sequence[Forward],
    records: Sequence[Record],
    *,
    needs_words: bool = False,
) -> Claimed | None:
    """Change a message of one of these statuses, which says whether it may have left."""
    which = (
        _outbox.c.slice.in_(ANY_SLICE),
        _outbox.c.key == key,
        _outbox.c.status.in_(sorted(allowed)),
    )
    found = conn.execute(
        sa.select(_outbox.c.status, _outbox.c.doc).where(*which).with_for_update()
    ).one_or_none()
    if found is None or (needs_words and not found.doc):
        return None
    doc = {**_sure(found.doc), **({UNSURE: True} if allowed[found.status] else {})}
    changed = conn.execute(
        _outbox.update().where(*which).values(**values, doc=doc).returning(*COLUMNS)
    ).one()
    tell(conn, now, forwards, records)
    return claimed(changed)


def _in_order(conn: Connection, rows: sa.Executable) -> list[Claimed]:
    found = [claimed(row) for row in conn.execute(rows)]
    return sorted(found, key=lambda each: (each.planned_at, each.key))
