"""The book: its lines, its balances, and whether it adds up."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, actor_key, equal, listed, read
from store.tables import LedgerRow

PROGRAMME = "programme"
"""The account on the other side of every transaction."""

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


def _account(account: str) -> str:
    return account if account == PROGRAMME else actor_key(account)
