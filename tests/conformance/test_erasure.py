"""What is kept of somebody erased is emptied, in bounded batches, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from store import erasure
from store.db import Store
from store.dialect import table_of
from store.intake import Arrival, accept
from store.tables import DecisionRow, EventRow, RunRow, TaskRow
from store.tables_beside import ErasureRow, SuppressionRow
from tests.conformance.values import decide
from workflows.state import SLICES, Changes, Doc, Erasure, Record, Run, Task

NOW = datetime(2027, 6, 28, 7, tzinfo=UTC)
ANNA = "contact/c-anna"
_event, _erasure = table_of(EventRow), table_of(ErasureRow)


def fingerprint(address: str) -> tuple[str, ...]:
    return (sha256(address.encode()).hexdigest(),)


def _arrival(number: int, contact: str = "c-anna") -> Arrival:
    data = {"response": f"r-{number}", "score": 9, "comment": "Anna said so"}
    doc = {"id": f"e-{number}", "source": "t", "type": "nps.answered", "time": "2027-06-01T07:00Z",
           "contact": contact, "data": data, "person": {"email": "anna@wal.example"}}  # fmt: skip
    return Arrival(id=f"e-{number}", source="t", type="nps.answered", time=NOW, arrived=NOW,
                   doc=doc, actors=(f"contact/{contact}",), contact=contact)  # fmt: skip


def _write(store: Store, changes: Changes) -> None:
    with store.transaction() as conn:
        decide(conn, range(SLICES), changes, now=NOW)


def _erase(store: Store) -> int:
    steps = 0
    while True:
        with store.transaction() as conn:
            if not erasure.step(conn, fingerprint, now=NOW + timedelta(minutes=1)):
                return steps
        steps += 1


def test_words_go_and_counts_stay(store: Store) -> None:
    """Events, decisions, runs and tasks say what happened, and nothing that names anybody."""
    fact = {"fact": "task.opened", "key": "k", "data": {"title": "Call Anna", "to": "u-sam"}}
    changes = Changes(
        runs={"r": Run("r", ANNA, "nps", "v", ANNA, NOW, status="ended",
                       doc={"trigger": {"id": "e-1", "type": "x", "data": {"comment": "Anna"}},
                            "steps": {"a": {"outcome": "done", "event": {"text": "Anna"}}}})},
        tasks={"k": Task("k", ANNA, "r", "nps", "a", "u-sam", "sales", "Call Anna", NOW, NOW,
                         status="cancelled", doc={"via": "x", "data": {"note": "Anna"}})},
        records=[Record(ANNA, NOW, "e-1", {"type": "nps.answered", "facts": [fact], "looked": []})],
        erasures=[Erasure(ANNA, NOW, email=" Anna@Wal.example ")],
    )  # fmt: skip
    with store.transaction() as conn:
        accept(conn, [_arrival(1), _arrival(2, "c-bram")])
    _write(store, changes)
    assert _erase(store)

    with store.reader() as conn:
        docs = {row.id: row.doc for row in conn.execute(sa.select(_event))}
        rest = [conn.execute(sa.select(table_of(t))).mappings().all()
                for t in (DecisionRow, RunRow, TaskRow)]  # fmt: skip
        hashes = list(conn.scalars(sa.select(table_of(SuppressionRow).c.hash)))
        order = conn.execute(sa.select(_erasure)).one()
    assert docs["e-1"]["data"] == {"response": "r-1", "score": 9}
    assert docs["e-2"]["data"]["comment"]
    assert "Anna" not in str(rest)
    assert hashes == list(fingerprint("anna@wal.example"))
    assert (order.email, order.phone) == ("", "")
    assert order.done_at is not None


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_batch_is_bounded_and_the_next_goes_on(
    store: Store, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction empties `ROWS_MAX` rows at most; a process that dies goes on from there."""
    monkeypatch.setattr(erasure, "ROWS_MAX", 5)
    with store.transaction() as conn:
        accept(conn, [_arrival(number) for number in range(5 + more)])
    _write(store, Changes(erasures=[Erasure(ANNA, NOW)]))
    with store.transaction() as conn:
        assert erasure.step(conn, fingerprint, now=NOW)

    with store.reader() as conn:
        emptied = sum("erased" in doc for doc in conn.scalars(sa.select(_event.c.doc)))
    assert emptied == min(5, 5 + more)
    _erase(store)
    with store.reader() as conn:
        assert all("erased" in doc for doc in conn.scalars(sa.select(_event.c.doc)))
        assert not erasure.is_open(conn)


def test_one_transaction_goes_through_as_many_tables_as_it_may(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fills no batch is done in one; rows of several tables together fill one as well."""
    monkeypatch.setattr(erasure, "ROWS_MAX", 6)
    facts: Doc = {"type": "x", "facts": [], "looked": []}
    with store.transaction() as conn:
        accept(conn, [_arrival(number) for number in range(4)])
    records = [Record(ANNA, NOW, f"e-{number}", facts) for number in range(4)]
    _write(store, Changes(records=records, erasures=[Erasure(ANNA, NOW)]))

    assert _erase(store) == 2


def test_an_order_is_about_all_ids_of_somebody(store: Store) -> None:
    """Of another contact's rows those go that name whoever is forgotten by any of their ids."""
    with store.transaction() as conn:
        accept(conn, [_about(number, lead) for number, lead in enumerate(("l-1", "l-2", "l-3"))])
    _write(store, Changes(erasures=[Erasure(ANNA, NOW, about="l-1", also=("l-3",))]))
    _erase(store)

    with store.reader() as conn:
        docs = {row.id: row.doc for row in conn.execute(sa.select(_event))}
    assert [name for name, doc in docs.items() if "erased" in doc] == ["e-0", "e-2"]


def test_an_order_given_again_in_the_same_instant_is_carried_out_again(store: Store) -> None:
    """A merge brought more to somebody who was forgotten, by a clock that is behind."""
    with store.transaction() as conn:
        accept(conn, [_arrival(1)])
    _write(store, Changes(erasures=[Erasure(ANNA, NOW), Erasure(ANNA, NOW)]))
    _erase(store)
    with store.transaction() as conn:
        accept(conn, [_arrival(2)])
    _write(store, Changes(erasures=[Erasure(ANNA, NOW)]))
    _erase(store)

    with store.reader() as conn:
        assert all("erased" in doc for doc in conn.scalars(sa.select(_event.c.doc)))
        assert not erasure.is_open(conn)


def test_the_oldest_order_is_found_by_an_index(store: Store) -> None:
    """However many wait, no more than the first is looked at."""
    orders = [Erasure(f"contact/c-{n}", NOW + timedelta(seconds=n)) for n in range(300)]
    _write(store, Changes(erasures=orders[::-1]))
    with store.transaction() as conn:
        asked = "EXPLAIN QUERY PLAN" if store.dialect == "sqlite" else "EXPLAIN"
        conn.execute(sa.text("ANALYZE erasure"))
        oldest = erasure.OLDEST.compile(conn, compile_kwargs={"literal_binds": True})
        plan = str(list(conn.execute(sa.text(f"{asked} {oldest}"))))
        found = conn.execute(erasure.OLDEST).one()

    assert found.actor == "contact/c-0"
    assert "ix_erasure_waits" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def _about(number: int, lead: str) -> Arrival:
    told = _arrival(number)
    return replace(told, doc={**told.doc, "data": {"lead": lead}})
