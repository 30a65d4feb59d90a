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

    Another drain may have committed meanwhile, and begun anew at zero.
    """
    for count in sorted(set(tries.values())):
        slices = sorted(slice_ for slice_, number in tries.items() if number == count)
        less = sa.case((_slice.c.tries > count, _slice.c.tries - count), else_=0)
        conn.execute(_slice.update().where(_slice.c.slice.in_(slices)).values(tries=less))
