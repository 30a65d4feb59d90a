"""The hot path's set-based statements: one interface, a form for each database.

`bulk_postgres` and `bulk_sqlite` are a `Bulk`: the same functions with the same results,
each in the way that is fast on its database. The conformance suite holds them together.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from store import bulk_postgres, bulk_sqlite
from store.rows import Accepted, Loaded, Writes


class Bulk(Protocol):
    """The hot statements on one database; all but `begin_try` inside the caller's transaction."""

    def accept(self, conn: sa.Connection, offered: Accepted) -> set[int]:
        """Store events not seen before and return their places in the list offered.

        Raises:
            RevokedKeysError: A key of theirs was revoked; nothing is stored.
        """

    def left_over(self, conn: sa.Connection, slices: Collection[int], now: datetime) -> list[int]:
        """Return which of these slices have input, when a drain has let them go."""

    def begin_try(
        self, conn: sa.Connection, want: Collection[int], now: datetime, limit: int, most: int
    ) -> list[int]:
        """Count a try, up to `most`, of free slices with input, those waiting longest first."""

    def lock_slices(
        self, conn: sa.Connection, want: Collection[int], now: datetime, limit: int
    ) -> list[int]:
        """Lock free slices that have input, those waiting longest first."""

    def read(
        self,
        conn: sa.Connection,
        slices: Collection[int],
        now: datetime,
        limit: int,
        without: Collection[str],
    ) -> Loaded:
        """Read the next inputs of locked slices and the state of their actors."""

    def write(self, conn: sa.Connection, writes: Writes) -> None:
        """Write everything."""


def bulk_of(conn: sa.Connection) -> Bulk:
    """Return the hot statements in the form that the connection's database likes best."""
    return bulk_postgres if conn.dialect.name == "postgresql" else bulk_sqlite
