"""The book: its lines, its balances, and whether it adds up."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store import contacts
from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, actor_key, equal, listed, read
from store.tables import LedgerRow

PROGRAMME = "programme"
"""The account on the other side of every transaction."""

CHUNK = 500
"""Contacts looked at in one statement."""

_ledger = table_of(LedgerRow)


def entries(
    conn: Connection,
    *,
    account: str = "",
    txn: str = "",
    object: str = "",  # noqa: A002 - as the column is called
    page: Page = FIRST,
) -> Dicts:
    """Return lines in the order in which they were booked; `account` may be a contact's id."""
    found = equal(listed(_ledger), _ledger, account=_account(account), txn=txn, object=object)
    return read(conn, found.order_by(_ledger.c.at, _ledger.c.txn, _ledger.c.key), page)


def balances(conn: Connection, *, account: str = "", page: Page = FIRST) -> Dicts:
    """Return what each account holds, by bucket and benefit ('' is money), zeros left out."""
    by = [_ledger.c[name] for name in ("account", "bucket", "benefit")]
    total = sa.cast(sa.func.sum(_ledger.c.delta), sa.BigInteger).label("balance")
    found = equal(sa.select(*by, total), _ledger, account=_account(account)).group_by(*by)
    held = found.having(sa.func.sum(_ledger.c.delta) != 0)
    return read(conn, held.order_by(*by), page)


def verify(conn: Connection, *, page: Page = FIRST) -> Dicts:
    """Return the transactions whose lines do not sum to zero, benefit by benefit: none, ever."""
    by = [_ledger.c[name] for name in ("txn", "benefit")]
    total = sa.cast(sa.func.sum(_ledger.c.delta), sa.BigInteger).label("sum")
    wrong = sa.select(*by, total).group_by(*by).having(sa.func.sum(_ledger.c.delta) != 0)
    return read(conn, wrong.order_by(*by), page)


def strays(conn: Connection) -> Iterator[dict[str, Any]]:
    """Give the balances that contacts are told and that are not the sum of their lines.

    Read in chunks, contact by contact: `bucket`, what the contact's document says, and what
    the lines come to. None, ever.
    """
    at = ""
    while True:
        some = sa.select(_ledger.c.account).distinct().where(_ledger.c.account > at)
        some = some.where(_ledger.c.account != PROGRAMME, _ledger.c.benefit == "")
        keys = list(conn.scalars(some.order_by(_ledger.c.account).limit(CHUNK)))
        if not keys:
            return
        sums = _sums(conn, keys)
        told = contacts.get(conn, keys)
        for key in keys:
            balance = told.get(key, {}).get("balance", {})
            for bucket in sorted({*balance, *sums[key]}):
                said, lines = balance.get(bucket, 0), sums[key].get(bucket, 0)
                if said != lines:
                    yield {"account": key, "bucket": bucket, "balance": said, "sum": lines}
        at = keys[-1]


def _sums(conn: Connection, keys: Collection[str]) -> defaultdict[str, dict[str, int]]:
    """Return what the lines of accounts come to, by account and bucket."""
    by = [_ledger.c[name] for name in ("account", "bucket")]
    total = sa.cast(sa.func.sum(_ledger.c.delta), sa.BigInteger).label("sum")
    money = sa.select(*by, total).where(_ledger.c.account.in_(keys), _ledger.c.benefit == "")
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in conn.execute(money.group_by(*by)):
        found[row.account][row.bucket] = row.sum
    return found


def _account(account: str) -> str:
    return account if account == PROGRAMME else actor_key(account)
