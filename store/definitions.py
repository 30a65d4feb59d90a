"""Programmes and workflows by the hash of their content: stored once, never changed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from events.errors import VouchError
from store.dialect import insert, table_of
from store.outbox import tell
from store.tables_beside import ApplyRow, DefinitionRow
from workflows.schedules import told
from workflows.state import Doc

TEXT = "text/"
"""What the key of a file's text begins with; the hash of its definition follows."""

HISTORY_MAX = 500
"""Most applies that one call returns."""

_definition = table_of(DefinitionRow)
_apply = table_of(ApplyRow)


class ProgrammeMismatchError(VouchError):
    """A programme was applied to the database of another one."""

    code = "programme-mismatch"


class ApplyConflictError(VouchError):
    """Two programmes were applied at once, and the other one was first."""

    code = "apply-conflict"


def apply(
    conn: Connection,
    bundle: Doc,
    *,
    hash: str,  # noqa: A002 - that is its name in the tables
    workflows: Mapping[str, tuple[str, Doc]],
    now: datetime,
    by: str = "",
    commit: str = "",
    texts: Mapping[str, tuple[str, str]] | None = None,
) -> bool:
    """Make a programme the head, which workers read; False if it is the head already.

    `workflows` are its workflows by hash, each with its name: runs keep the version they
    started with. Applying an older bundle again is how one rolls back. `texts` are files as
    they were written, path and text, by the hash of the definition they hold: the first text
    of a definition is kept, so that an explanation can name its lines. The actors of
    schedules are told by the same transaction.

    Raises:
        ProgrammeMismatchError: The database belongs to a programme of another name.
        ApplyConflictError: Another apply committed since this one looked.
    """
    name = _programme_of(bundle)
    newest = conn.execute(_head(_apply.c.seq, _apply.c.hash, _definition.c.name)).one_or_none()
    if newest is not None and newest.name != name:
        raise ProgrammeMismatchError(
            f"this database belongs to the programme {newest.name!r}, not to {name!r}",
            hint="one programme a database: set VOUCH_DATABASE_URL to its own",
        )
    if newest is not None and newest.hash == hash:
        return False
    _store(conn, bundle, hash, name, workflows, texts or {}, now)
    # The number is derived from the head that was read: of two at once, one inserts nothing.
    number = 1 if newest is None else newest.seq + 1
    row = {"seq": number, "hash": hash, "at": now, "by": by, "commit": commit}
    moved = insert(conn, _apply).values(row).on_conflict_do_nothing().returning(_apply.c.seq)
    if conn.execute(moved).one_or_none() is None:
        raise ApplyConflictError(
            "somebody else applied a programme just now",
            hint="look at `vouch plan` again, then apply",
        )
    before = (newest and _doc(conn, newest.hash, "programme")) or {}
    tell(conn, now, told(before, bundle, now, f"apply/{number}"), ())
    return True


def _store(  # noqa: PLR0917 - private, one caller
    conn: Connection,
    bundle: Doc,
    hash_: str,
    name: str,
    workflows: Mapping[str, tuple[str, Doc]],
    texts: Mapping[str, tuple[str, str]],
    now: datetime,
) -> None:
    """Store what is not there yet of a programme, its workflows and their texts."""
    rows: list[dict[str, Any]] = [
        {"kind": "workflow", "hash": key, "name": workflow, "doc": doc}
        for key, (workflow, doc) in sorted(workflows.items())
    ]
    rows.append({"kind": "programme", "hash": hash_, "name": name, "doc": bundle})
    rows += [
        {"kind": "text", "hash": f"{TEXT}{key}", "name": path, "doc": {"file": path, "text": text}}
        for key, (path, text) in sorted(texts.items())
    ]
    new = insert(conn, _definition).values([{**row, "created_at": now} for row in rows])
    conn.execute(new.on_conflict_do_nothing())


def head(conn: Connection) -> tuple[str, Doc] | None:
    """Return the hash and bundle of the programme applied last; None before the first."""
    found = conn.execute(_head(_apply.c.hash, _definition.c.doc)).one_or_none()
    return None if found is None else (found.hash, found.doc)


_NEWEST = sa.select(_apply.c.hash).order_by(_apply.c.seq.desc()).limit(1)


def head_hash(conn: Connection) -> str | None:
    """Return the hash of the programme applied last; None before the first.

    One probe of an index: workers ask before every batch.
    """
    return conn.scalar(_NEWEST)


def bundle(conn: Connection, hash: str) -> Doc | None:  # noqa: A002
    """Return a programme that was applied some time, to compare with or to roll back to."""
    return _doc(conn, hash, "programme")


def workflow(conn: Connection, hash: str) -> Doc | None:  # noqa: A002
    """Return a version of a workflow; None if it was never applied."""
    return _doc(conn, hash, "workflow")


def text(conn: Connection, hash: str) -> tuple[str, str] | None:  # noqa: A002
    """Return the path and text of the file that a definition was first applied from."""
    found = _doc(conn, f"{TEXT}{hash}", "text")
    return None if found is None else (found["file"], found["text"])


def head_at(conn: Connection, at: datetime) -> str | None:
    """Return the hash of the programme that was the head at an instant; None before the first."""
    then = sa.select(_apply.c.hash).where(_apply.c.at <= at).order_by(_apply.c.seq.desc()).limit(1)
    return conn.scalar(then)


def workflows(conn: Connection, hashes: Collection[str]) -> dict[str, Doc]:
    """Return versions of workflows by hash, without those never applied."""
    if not hashes:
        return {}
    found = sa.select(_definition.c.hash, _definition.c.doc).where(
        _definition.c.hash.in_(sorted(hashes)), _definition.c.kind == "workflow"
    )
    return {row.hash: row.doc for row in conn.execute(found)}


def history(conn: Connection, *, limit: int = 50) -> list[dict[str, Any]]:
    """Return who applied what and when, newest first."""
    applied = sa.select(_apply).order_by(_apply.c.seq.desc()).limit(min(limit, HISTORY_MAX))
    return [row._asdict() for row in conn.execute(applied)]


def _doc(conn: Connection, key: str, kind: str) -> Doc | None:
    found = sa.select(_definition.c.doc).where(
        _definition.c.hash == key, _definition.c.kind == kind
    )
    return conn.scalar(found)


def _head(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    both = _apply.join(_definition, _definition.c.hash == _apply.c.hash)
    return sa.select(*columns).select_from(both).order_by(_apply.c.seq.desc()).limit(1)


def _programme_of(given: Doc) -> str:
    """Return the programme's name, which its policies hold, in the bundle or as the bundle."""
    policies = given.get("policies", given)
    return str(policies["programme"])
