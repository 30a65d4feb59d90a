"""Webhooks that no entry of their source takes: kept within bounds, to be mapped later.

What a vendor says about people is in them, under names that nobody told us. So they are few, the
newest of each source; one that was mapped since is dropped, and whoever is erased takes along
every one that holds an address or number of theirs.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, equal, read
from store.tables_beside import UnmappedRow
from store.types import as_json

KEPT_MAX = 1_000
"""Webhooks of one source; the oldest goes first."""
BODY_BYTES_MAX = 64 * 1024
"""Of a body that is kept: as much as an event may have. Of a larger one only that it came."""
DIGITS_MIN = 7
"""Digits by which a telephone number is told from any other number."""

_unmapped = table_of(UnmappedRow)
_NO_DIGIT = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A vendor's request: who, which delivery, and what it said, as text."""

    at: datetime
    source: str
    delivery: str
    body: str
    headers: str


def keep(conn: Connection, webhook: Webhook) -> None:
    """Keep a webhook, and let the oldest of its source go where there are too many."""
    row = {name: getattr(webhook, name) for name in Webhook.__dataclass_fields__}
    if len(webhook.body.encode()) + len(webhook.headers.encode()) > BODY_BYTES_MAX:
        row |= {"body": "", "headers": ""}
    conn.execute(sa.insert(_unmapped).values(row))
    mine = _unmapped.c.source == webhook.source
    newest = sa.select(_unmapped.c.seq).where(mine).order_by(_unmapped.c.seq.desc())
    last = newest.offset(KEPT_MAX).limit(1).scalar_subquery()
    conn.execute(_unmapped.delete().where(mine, _unmapped.c.seq <= last))


def listed(
    conn: Connection,
    *,
    source: str = "",
    seqs: Collection[int] = (),
    after: int = 0,
    page: Page = FIRST,
) -> Dicts:
    """Return webhooks, oldest first, without what they say: `seq at source delivery bytes`."""
    c = _unmapped.c
    size = sa.func.length(c.body).label("bytes")
    wanted: sa.Select[Any] = sa.select(c.seq, c.at, c.source, c.delivery, size)
    found = equal(wanted.where(c.seq > after), _unmapped, source=source)
    if seqs:
        found = found.where(c.seq.in_(sorted(seqs)))
    return read(conn, found.order_by(c.seq), page)


def show(conn: Connection, seq: int) -> dict[str, Any] | None:
    """Return one webhook whole; None if there is none of this number."""
    row = conn.execute(sa.select(_unmapped).where(_unmapped.c.seq == seq)).one_or_none()
    return None if row is None else row._asdict()


def drop(conn: Connection, seq: int) -> None:
    """Forget a webhook: it was mapped, and is an event now."""
    conn.execute(_unmapped.delete().where(_unmapped.c.seq == seq))


def forget(conn: Connection, addresses: Collection[str]) -> int:
    """Drop every webhook that holds one of these addresses or numbers; return how many."""
    marks = [each.strip().casefold() for each in addresses if each.strip()]
    if not marks:
        return 0
    gone = [seq for seq, text in _texts(conn) if _holds(text, marks)]
    for seq in gone:
        drop(conn, seq)
    return len(gone)


def _texts(conn: Connection) -> Iterator[tuple[int, str]]:
    """Give what each webhook says; they are few."""
    seqs = conn.execute(sa.select(_unmapped.c.seq)).scalars().all()
    for seq in seqs:
        row: Mapping[str, Any] | None = show(conn, seq)
        if row is not None:
            yield seq, f"{_said(row['body'])}\n{row['headers']}".casefold()


def _said(body: str) -> str:
    """Return a body, and once more without JSON's escapes: they hide a letter, or an `@`."""
    try:
        return f"{body}\n{as_json(orjson.loads(body))}"
    except orjson.JSONDecodeError:
        return body


def _holds(text: str, marks: Collection[str]) -> bool:
    digits = _NO_DIGIT.sub("", text)
    for mark in marks:
        number = _NO_DIGIT.sub("", mark)
        is_number = len(number) >= DIGITS_MIN and "@" not in mark
        if mark in text or (is_number and number[-9:] in digits):
            return True
    return False
