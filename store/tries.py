"""The count of drains that began and did not commit, where it must not start anew."""

from collections.abc import Collection

import sqlalchemy as sa

from store.dialect import table_of
from store.tables import SliceRow

_slice = table_of(SliceRow)


def set_tries(conn: sa.Connection, slices: Collection[int], tries: int) -> None:
    """Say how many tries these slices have behind them: their next drain counts on from here.

    A slice under suspicion is drained one input at a time until its inbox is empty; a
    success of one innocent input does not clear the others.
    """
    if slices:
        conn.execute(_slice.update().where(_slice.c.slice.in_(slices)).values(tries=tries))
