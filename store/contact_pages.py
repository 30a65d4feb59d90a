"""Contacts, a page at a time: what a schedule's firing reaches one after another."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.contacts import MEMBERS_MAX
from store.dialect import table_of
from store.rows import account_key
from store.tables import ActorRow, TaskRow
from workflows.schedules import PAGE
from workflows.state import Doc, Input, Page, slice_of

PAGE_MAX = 500
"""Contacts that one input reaches: a drain's transaction stays small, whatever their number."""

_actor, _task = table_of(ActorRow), table_of(TaskRow)


def give_pages(conn: Connection, inputs: Iterable[Input]) -> None:
    """Read what the inputs of a schedule's actor ask for: a page of contacts each."""
    for one in inputs:
        if one.event is not None and one.event["type"] == PAGE:
            slice_, key = one.event["data"]["after"]
            one.page = contact_page(conn, (slice_, key))


def give_members(conn: Connection, inputs: Iterable[Input], hear: Collection[str]) -> None:
    """Read the contacts of an account for the events that runs of theirs may react to."""
    for one in inputs:
        if one.event is not None and one.event["type"] in hear and not one.event.get("fact"):
            one.members = members(conn, one.actor)


def members(conn: Connection, account: str) -> tuple[str, ...]:
    """Return the actors of an account's contacts, at most `MEMBERS_MAX`.

    First those with open tasks: what an account hears may be about these.
    """
    has_task = sa.exists().where(
        _task.c.slice == _actor.c.slice,
        _task.c.actor == _actor.c.key,
        _task.c.status == sa.literal_column("'open'"),
    )
    found = (
        sa.select(_actor.c.key)
        .where(_actor.c.account.in_(sorted({account, account.removeprefix("account/")})))
        .where(_actor.c.account != "")  # as the index says it
        .where(_actor.c.key.like("contact/%"))
        .order_by(has_task.desc(), _actor.c.key)
        .limit(MEMBERS_MAX)
    )
    return tuple(conn.scalars(found))


def contact_page(conn: Connection, after: tuple[int, str], *, limit: int = PAGE_MAX) -> Page:
    """Return up to `limit` contacts behind a place, with their accounts, and the place reached.

    In order of slice and key, which never change: a contact is met once in a firing, whoever
    comes and goes meanwhile.
    """
    chosen = (
        sa.select(_actor.c.slice, _actor.c.key, _actor.c.account, _actor.c.doc)
        .where(sa.tuple_(_actor.c.slice, _actor.c.key) > sa.tuple_(*map(sa.literal, after)))
        .where(_actor.c.key.like("contact/%"))  # a range would depend on the collation
        .order_by(_actor.c.slice, _actor.c.key)
        .limit(limit)
    )
    rows = conn.execute(chosen).all()
    accounts = _accounts(conn, {account_key(row.account) for row in rows if row.account})
    contacts = [
        (row.key, row.doc, accounts.get(account_key(row.account), {}) if row.account else {})
        for row in rows
    ]
    last = (rows[-1].slice, rows[-1].key) if len(rows) == limit else None
    return Page(contacts, last)


def _accounts(conn: Connection, keys: set[str]) -> dict[str, Doc]:
    if not keys:
        return {}
    wanted = sa.select(_actor.c.key, _actor.c.doc).where(
        _actor.c.slice.in_(sorted({slice_of(key) for key in keys})), _actor.c.key.in_(sorted(keys))
    )
    return {row.key: row.doc for row in conn.execute(wanted)}
