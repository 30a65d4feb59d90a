"""Contacts and accounts as actors: seeding them, finding them, and whose a task or ask is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, insert, table_of
from store.rows import doc_text, newest
from store.tables import ActorRow, AskRow, ConsentRow, TaskRow
from workflows.state import MOVED, Consent, Doc, slice_of

SEED_ROWS_MAX = 500
"""Most rows one insert carries: SQLite allows 32,766 parameters a statement."""

ALIASES_MAX = 50
"""How long a chain of merges is followed at once; circles are refused."""
MEMBERS_MAX = 1_000
"""Most contacts of an account that are told what it hears."""

_actor = table_of(ActorRow)
_consent = table_of(ConsentRow)
_task = table_of(TaskRow)
_ask = table_of(AskRow)


def seed(conn: Connection, actors: Mapping[str, Doc], consents: Sequence[Consent] = ()) -> None:
    """Store actors as they are, replacing what was known, and what they consented to.

    For scenarios and imports, before events say anything else. Of consent the most recent
    word wins, and a no on a tie, whatever was there before.
    """
    for chunk in _chunks([_actor_row(key, actors[key]) for key in sorted(actors)]):
        given = insert(conn, _actor).values(chunk)
        changed = {name: given.excluded[name] for name in ("email", "phone", "account", "doc")}
        conn.execute(given.on_conflict_do_update(index_elements=["slice", "key"], set_=changed))
    for chunk in _chunks([_consent_row(each) for each in newest(consents)]):
        word = insert(conn, _consent).values(chunk)
        said = word.excluded
        conn.execute(
            word.on_conflict_do_update(
                index_elements=["slice", "actor", "channel", "topic"],
                set_={name: said[name] for name in ("granted", "at", "source")},
                where=sa.or_(
                    said.at > _consent.c.at,
                    sa.and_(said.at == _consent.c.at, sa.not_(said.granted)),
                ),
            )
        )


def find_contact(conn: Connection, *, email: str = "", phone: str = "") -> str:
    """Return the id of the contact with this address or number, '' if nobody has it.

    Addresses are compared without case. Of several the one whose key comes first.
    """
    same = []
    if email:
        same.append((_actor.c.email != "", sa.func.lower(_actor.c.email) == email.lower()))
    if phone:
        same.append((_actor.c.phone != "", _actor.c.phone == phone))
    if not same:
        return ""
    # One select an index: of both in one condition Postgres would read every actor.
    found = sa.union_all(
        *(
            sa.select(_actor.c.key).where(*each, _actor.c.key.startswith("contact/"))
            for each in same
        )
    ).subquery()
    return (conn.scalar(sa.select(sa.func.min(found.c.key))) or "").removeprefix("contact/")


def get(conn: Connection, keys: Collection[str]) -> dict[str, Doc]:
    """Return the state of actors by key, without those nothing is known of."""
    if not keys:
        return {}
    found = sa.select(_actor.c.key, _actor.c.doc).where(
        _actor.c.slice.in_(sorted({slice_of(key) for key in keys})),
        _actor.c.key.in_(sorted(keys)),
    )
    return {row.key: row.doc for row in conn.execute(found)}


def resolve(conn: Connection, actor: str) -> str:
    """Return with whom a contact's record lives now, whatever it was merged into meanwhile."""
    for _ in range(ALIASES_MAX):
        into = get(conn, [actor]).get(actor, {}).get("merged_into")
        if not into:
            break
        actor = f"contact/{into}"
    return actor


def consents_of(conn: Connection, actor: str) -> list[Consent]:
    """Return a contact's latest word on every topic by every channel."""
    columns = [_consent.c[name] for name in Consent.__slots__]
    said = sa.select(*columns).where(_consent.c.slice == slice_of(actor), _consent.c.actor == actor)
    rows = conn.execute(said.order_by(_consent.c.channel, _consent.c.topic))
    return [Consent(**row._asdict()) for row in rows]


def task_actor(conn: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return whose tasks these are, by key, without those that do not exist."""
    return _owners(conn, _task, keys)


def ask_actor(conn: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return whom these asks were put to, by key, without those that do not exist."""
    return _owners(conn, _ask, keys)


def _owners(conn: Connection, table: sa.Table, keys: Collection[str]) -> dict[str, str]:
    if not keys:
        return {}
    found = sa.select(table.c.key, table.c.actor, table.c.status).where(
        table.c.slice.in_(ANY_SLICE), table.c.key.in_(sorted(keys))
    )
    rows = sorted(conn.execute(found), key=lambda row: row.status != MOVED)
    return {row.key: row.actor for row in rows}  # where it went, once it is there


def _actor_row(key: str, doc: Doc) -> dict[str, Any]:
    columns = {name: doc_text(doc, name) for name in ("email", "phone", "account")}
    return {"slice": slice_of(key), "key": key, **columns, "doc": doc}


def _consent_row(word: Consent) -> dict[str, Any]:
    row: dict[str, datetime | str | bool] = {name: getattr(word, name) for name in word.__slots__}
    return {"slice": slice_of(word.actor), **row}


def _chunks(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [rows[at : at + SEED_ROWS_MAX] for at in range(0, len(rows), SEED_ROWS_MAX)]
