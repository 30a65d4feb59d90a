"""What the tests of the outbox have in common: leases, messages that leave, what became of them."""

from datetime import timedelta

import sqlalchemy as sa

from store import outbox_leave
from store.outbox import Claim, Leaving, Ref
from store.tables import OutboxRow
from tests.conformance.rows import ANNA, LEASE, NOW, column
from workflows.state import slice_of

SPENT = timedelta(seconds=-1)  # a lease that has run out already
MINUTE = timedelta(minutes=1)
MINE, OTHERS = "t1", "t2"


def send(conn: sa.Connection, *keys: str, token: str = MINE, lease: timedelta = LEASE) -> list[Ref]:
    """Let pending messages to Anna leave by mail."""
    refs = [(slice_of(ANNA), key) for key in keys]
    leaving = [Leaving(ref, "email", "nl", NOW) for ref in refs]
    outbox_leave.mark_sending(conn, leaving, token=token, now=NOW, lease=lease)
    return refs


def status(conn: sa.Connection, key: str) -> str:
    return str(column(conn, OutboxRow, "status", key=key)[0])


def keys_of(claim: Claim) -> list[str]:
    return [each.key for each in claim.messages]
