"""API keys: who may publish what, or look at the console. A secret is stored as a hash."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from events.errors import VouchError
from store.dialect import insert, table_of
from store.statement import Statement
from store.tables_beside import KeyRow

KEYS_MAX = 1_000
"""Most keys that one call returns."""

_key = table_of(KeyRow)

_WORDS = "SELECT name FROM api_key WHERE revoked_at IS NOT NULL AND name"
_REVOKED = Statement(
    f"{_WORDS} IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own words
    f"{_WORDS} = ANY(%s)",
)
"""Text, since on SQLite it is asked before every commit of what came over HTTP."""


class KeyExistsError(VouchError):
    """A key of this name, or with this secret, is there already."""

    code = "key-exists"


class RevokedKeysError(VouchError):
    """Keys of what was to be stored are not valid any more; `names` are theirs."""

    code = "keys-revoked"

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(f"revoked: {', '.join(sorted(names))}")
        self.names = names


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's name and rights: the sources and event types it may publish.

    One of the `console` opens the pages of operators, and publishes nothing.
    """

    name: str
    sources: tuple[str, ...]
    types: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    console: bool = False


def add(
    conn: Connection,
    *,
    name: str,
    secret_hash: str,
    sources: Sequence[str],
    types: Sequence[str],
    now: datetime,
    console: bool = False,
) -> ApiKey:
    """Store a key. The caller makes the secret, shows it once and keeps no copy.

    Raises:
        KeyExistsError: The name was used before, be it by a key that is revoked: logs and
            events name keys, and a name means one key for good.
    """
    row = {
        "name": name,
        "hash": secret_hash,
        "sources": list(sources),
        "types": list(types),
        "created_at": now,
        "revoked_at": None,
        "console": console,
    }
    added = insert(conn, _key).values(row).on_conflict_do_nothing().returning(_key.c.name)
    if conn.execute(added).one_or_none() is None:
        raise KeyExistsError(
            f"there is a key named {name!r} already", hint="choose another name: see `vouch keys`"
        )
    return ApiKey(name, tuple(sources), tuple(types), now, console=console)


def revoke(conn: Connection, name: str, *, now: datetime) -> bool:
    """Make a key invalid from now on; False if no valid key has this name."""
    revoked = (
        _key.update()
        .where(_key.c.name == name, _key.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(_key.c.name)
    )
    return conn.execute(revoked).one_or_none() is not None


def find(conn: Connection, secret_hash: str) -> ApiKey | None:
    """Return the valid key with this secret's hash; None if there is none or it was revoked."""
    valid = _select().where(_key.c.hash == secret_hash, _key.c.revoked_at.is_(None))
    row = conn.execute(valid).one_or_none()
    return None if row is None else _api_key(row)


def opens_console(conn: Connection, name: str = "") -> bool:
    """Tell whether the key of this name, or any where none is named, opens the console still."""
    valid = sa.select(_key.c.name).where(_key.c.console, _key.c.revoked_at.is_(None))
    named = valid.where(_key.c.name == name) if name else valid
    return conn.execute(named.limit(1)).first() is not None


def revoked(conn: Connection, names: Collection[str]) -> frozenset[str]:
    """Return which of these keys are not valid any more."""
    return frozenset(name for (name,) in _REVOKED.rows(conn, list(names)))


def refuse_revoked(names: Iterable[str]) -> None:
    """Raise if there are any names of revoked keys.

    Raises:
        RevokedKeysError: There are.
    """
    found = frozenset(names)
    if found:
        raise RevokedKeysError(found)


def listed(conn: Connection, *, limit: int = KEYS_MAX) -> list[ApiKey]:
    """Return all keys, revoked ones too, by name."""
    keys = _select().order_by(_key.c.name).limit(min(limit, KEYS_MAX))
    return [_api_key(row) for row in conn.execute(keys)]


def _select() -> sa.Select[Any]:
    return sa.select(
        _key.c.name, _key.c.sources, _key.c.types, _key.c.created_at, _key.c.revoked_at,
        _key.c.console,
    )  # fmt: skip


def _api_key(row: sa.Row[Any]) -> ApiKey:
    rights = (tuple(row.sources), tuple(row.types))
    return ApiKey(row.name, *rights, row.created_at, row.revoked_at, row.console)
