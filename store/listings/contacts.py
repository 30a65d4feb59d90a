"""Who Vouch knows."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, listed, read
from store.tables import ActorRow

_actor = table_of(ActorRow)


def contacts(conn: Connection, *, search: str = "", account: str = "", page: Page = FIRST) -> Dicts:
    """Return contacts with their documents, by id; `search` is how id or address begin."""
    found = listed(_actor, *_actor.c.keys()).where(_starts(_actor.c.key, "contact/"))
    if search:
        found = found.where(
            sa.or_(
                _starts(_actor.c.key, f"contact/{search}"),
                sa.func.lower(_actor.c.email).startswith(search.lower(), autoescape=True),
            )
        )
    if account:
        found = found.where(_actor.c.account == account, _actor.c.account != "")
    return [
        {"id": row["key"].removeprefix("contact/"), **row}
        for row in read(conn, found.order_by(_actor.c.key), page)
    ]


def _starts(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    return column.startswith(prefix, autoescape=True)
