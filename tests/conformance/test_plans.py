"""Which statements Postgres plans once, and which each time."""

import pytest

from store import engines
from store.db import Connection, Store

_PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"
_ASKED = "SELECT count(*) FROM inbox WHERE slice = %(slice)s"


def plans(conn: Connection) -> tuple[int, int]:
    """Return how often the statement asked for ran by a plan for all values, and by its own."""
    (row,) = conn.exec_driver_sql(_PLANS, ("SELECT count(*) FROM inbox%",)).all()
    return row[0], row[1]


@pytest.mark.parametrize("hot", [True, False])
def test_a_quiet_batch_uses_its_plans_again(pg: str, *, hot: bool) -> None:
    """Hot statements of small batches are planned once, all others for the values at hand."""
    store = Store.open(pg)
    with store.transaction(hot=hot) as conn:
        for slice_ in range(10):
            conn.exec_driver_sql(_ASKED, {"slice": slice_})
        generic, custom = plans(conn)

    store.close()
    assert (generic > 0, custom > 0) == (hot, not hot)


def test_a_plan_is_made_anew_after_a_while(pg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables grow: a plan made when they were empty is not used for years."""
    store = Store.open(pg)
    monkeypatch.setattr(engines, "monotonic", iter([0.0, 9.9, 10.0, 10.1]).__next__)
    planned: list[str] = []
    for _ in range(4):
        with store.transaction(hot=True) as conn:
            conn.exec_driver_sql("SET enable_indexscan = off")
            text = "EXPLAIN (COSTS OFF) EXECUTE looked(1)"
            if not planned:
                conn.exec_driver_sql(f"PREPARE looked AS {_ASKED % {'slice': '$1'}}")
                conn.exec_driver_sql("SET LOCAL enable_indexscan = on")
            planned.append(" ".join(conn.exec_driver_sql(text).scalars()))

    store.close()
    assert planned[0] == planned[1] != planned[2] == planned[3]
