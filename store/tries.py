"""The count of drains that began and did not commit, where it must not start anew."""

from collections.abc import Collection, Mapping

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


def take_back(conn: sa.Connection, tries: Mapping[int, int]) -> None:
    """Uncount tries, by slice, that ended without a death; never below zero.

    A slice that another drain holds is left alone: its commit begins anew at zero, and
    nobody waits for a lock.
    """
    free = (
        sa.select(_slice.c.slice, _slice.c.tries)
        .where(_slice.c.slice.in_(sorted(tries)), _slice.c.tries > 0)
        .with_for_update(skip_locked=True)
    )
    for slice_, counted in conn.execute(free).all():
        set_tries(conn, [slice_], max(counted - tries[slice_], 0))
