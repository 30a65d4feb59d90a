"""What is older than is kept goes: words, refusals, why things happened; on both databases."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from store import retention, unmapped
from store.db import Store
from store.dialect import table_of
from store.intake import accept
from store.tables import DeadRow, DecisionRow, EventRow, OutboxRow, RunRow
from store.tables_beside import RejectRow, RetentionRow, UnmappedRow
from tests.conformance.values import T0, after, arrival, decide, publish, run
from workflows.state import SLICES, Changes, Doc, Message, Record, slice_of

ANNA = "contact/c-anna"
OLD, NEW = T0, after(days=1)
"""Rows of `OLD` are from before `NEW`, the first instant that is kept."""


def _rows(store: Store, row: type[SQLModel]) -> list[Any]:
    """Return a table's rows, as mappings, in order of their keys."""
    table = table_of(row)
    with store.reader() as conn:
        found = conn.execute(sa.select(table).order_by(*table.primary_key))
        return list(found.mappings())


def _arrival(id_: str, **more: Any) -> Any:
    kind = more.get("type", "nps.answered")
    data = more.pop("data", {"response": "r-1", "score": 9, "comment": "Anna said so"})
    doc = {"id": id_, "source": "crm", "type": kind, "time": "2026-03-02T09:00:00Z",
           "contact": "c-anna", "data": data, "person": {"email": "anna@wal.example"}}  # fmt: skip
    return arrival(id_, ANNA, contact="c-anna", doc=doc, **more)


def _message(key: str, to: str, status: str) -> Message:
    return Message(
        key=key, actor=ANNA, to=to, account="", run="r", workflow="w", step="s", template="t",
        class_="staff", by=(), planned_at=OLD, status=status, doc={"task": {"title": "Call Anna"}},
    )  # fmt: skip


def _queued(key: str, to: str) -> Doc:
    return {"fact": "message.queued", "key": key, "data": {"to": to.partition("/")[2]}}


def _empty(store: Store) -> int:
    steps = 0
    while True:
        with store.transaction() as conn:
            if not retention.step(conn, before=NEW):
                return steps
        steps += 1


def _write(store: Store, changes: Changes) -> None:
    with store.transaction() as conn:
        decide(conn, range(SLICES), changes, now=OLD)


def test_words_go_and_heads_stay(store: Store) -> None:
    """An old event keeps who, what, when and its numbers; one that is kept still, everything."""
    with store.transaction() as conn:
        accept(conn, [_arrival("old"), _arrival("new", arrived=NEW)])
    _empty(store)

    docs = {row["id"]: row["doc"] for row in _rows(store, EventRow)}
    assert docs["old"]["data"] == {"response": "r-1", "score": 9}
    assert (docs["old"]["contact"], docs["old"]["emptied"]) == ("c-anna", True)
    assert "Anna" not in str(docs["old"])
    assert docs["new"]["data"]["comment"]
    assert "emptied" not in docs["new"]


def test_an_event_is_known_however_old_it_is(store: Store) -> None:
    """Delivered again after its words went, an event changes nothing, as before."""
    publish(store, _arrival("old", natural_key="project/p-7"))
    _empty(store)

    assert publish(store, _arrival("old")) == [False]
    assert publish(store, _arrival("other", natural_key="project/p-7")) == [False]


@pytest.mark.parametrize("kind", sorted(retention.PROOFS))
def test_proofs_are_kept_whole(store: Store, kind: str) -> None:
    """Who agreed to what, on which text, and what operators did, is no matter of age."""
    said = {"text_version": "v3", "by": "u-sam", "note": "by word of mouth"}
    with store.transaction() as conn:
        accept(conn, [_arrival("old", type=kind, data=said)])
    _empty(store)

    (event,) = _rows(store, EventRow)
    assert event["doc"]["data"] == said


def test_a_consent_that_an_update_brought_is_kept(store: Store) -> None:
    """Of a contact's update the consent it said stays, and no name."""
    said = {"first_name": "Anna", "consent": {"email": ["programme"]}}
    with store.transaction() as conn:
        accept(conn, [_arrival("old", type="contact.updated", data=said)])
    _empty(store)

    (event,) = _rows(store, EventRow)
    assert event["doc"]["data"] == {"consent": {"email": ["programme"]}}


def test_decisions_go_with_the_words_of_what_they_decided(store: Store) -> None:
    """Messages that left and runs that ended lose their words; what is under way keeps them.

    So does the decision of a message that waits: by it an erasure finds the message.
    """
    trigger = {"id": "e", "type": "x", "data": {"comment": "Anna"}}
    ended = [{"fact": "run.ended", "key": key} for key in ("ended", "again")]
    facts = [_queued("gone", "staff/u-sam"), *ended]
    waits = [_queued("waits", "staff/u-sam")]
    changes = Changes(
        runs={"ended": run("ended", status="ended", doc={"trigger": trigger}),
              "again": run("again", doc={"trigger": trigger})},  # it was retried, and lives
        messages={"gone": _message("gone", "staff/u-sam", "reported"),
                  "waits": _message("waits", "staff/u-sam", "pending")},
        records=[Record(ANNA, OLD, "e", {"type": "x", "facts": facts, "looked": []}),
                 Record(ANNA, OLD, "w", {"type": "x", "facts": waits, "looked": []}),
                 Record(ANNA, NEW, "f", {"type": "x", "facts": [], "looked": []})],
    )  # fmt: skip
    _write(store, changes)
    _empty(store)

    assert [row["cause"] for row in _rows(store, DecisionRow)] == ["w", "f"]
    assert {row["key"]: bool(row["doc"]) for row in _rows(store, OutboxRow)} == {
        "gone": False, "waits": True,
    }  # fmt: skip
    said = {row["id"]: row["doc"]["trigger"].get("data") for row in _rows(store, RunRow)}
    assert said == {"ended": {}, "again": {"comment": "Anna"}}


def test_what_is_beside_goes_but_no_dead_letter_that_waits(store: Store) -> None:
    """Refusals, webhooks that nothing mapped and letters that are settled go; open ones stay."""
    letter = {"slice": slice_of(ANNA), "actor": ANNA, "kind": "event", "doc": {}, "type": "x",
              "error": "", "tries": 0}  # fmt: skip
    letters = [
        {**letter, "seq": 1, "at": OLD, "status": "dropped"},
        {**letter, "seq": 2, "at": OLD, "status": "replayed"},
        {**letter, "seq": 3, "at": OLD, "status": "dead"},
        {**letter, "seq": 4, "at": NEW, "status": "dropped"},
    ]
    refused = {"verdict": "rejected", "source": "crm", "event": "", "type": "", "reason": "x",
               "field": ""}  # fmt: skip
    with store.transaction() as conn:
        conn.execute(table_of(DeadRow).insert(), letters)
        conn.execute(table_of(RejectRow).insert(), [{**refused, "at": at} for at in (OLD, NEW)])
        for at in (OLD, NEW):
            unmapped.keep(conn, unmapped.Webhook(at, "delighted", "", "{}", "{}"))
    _empty(store)

    assert [row["seq"] for row in _rows(store, DeadRow)] == [3, 4]
    assert [row["at"] for row in _rows(store, RejectRow)] == [NEW]
    assert [row["at"] for row in _rows(store, UnmappedRow)] == [NEW]


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_batch_is_bounded_and_the_next_goes_on(
    store: Store, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction empties `ROWS_MAX` events of a slice at most; the next begins after them."""
    monkeypatch.setattr(retention, "ROWS_MAX", 5)
    with store.transaction() as conn:
        accept(conn, [_arrival(f"e-{number}") for number in range(5 + more)])
    with store.transaction() as conn:
        assert retention.step(conn, before=NEW)

    emptied = sorted(row["seq"] for row in _rows(store, EventRow) if "emptied" in row["doc"])
    reached = {row["slice"]: row["event_seq"] for row in _rows(store, RetentionRow)}
    assert len(emptied) == min(5, 5 + more)
    assert reached[slice_of(ANNA)] == emptied[-1]
    assert _empty(store) == max(0, more)
    assert all("emptied" in row["doc"] for row in _rows(store, EventRow))


def test_whatever_there_is_one_look_finds_it_by_the_heads_of_indexes(store: Store) -> None:
    """However many rows there are, looking for old ones reads the first of each slice."""
    with store.transaction() as conn:
        some = [_arrival(f"e-{number}", arrived=after(days=2)) for number in range(400)]
        accept(conn, some)
        fact: Doc = {"type": "x", "facts": [], "looked": []}
        made = [Record(ANNA, after(days=2), each.id, fact) for each in some]
        decide(conn, range(SLICES), Changes(records=made), now=OLD)
        conn.execute(sa.text("ANALYZE"))
        asked = "EXPLAIN QUERY PLAN" if store.dialect == "sqlite" else "EXPLAIN"
        look = retention.oldest(NEW).compile(conn, compile_kwargs={"literal_binds": True})
        plan = str(list(conn.execute(sa.text(f"{asked} {look}"))))

    assert "TEMP B-TREE" not in plan
    assert "Seq Scan on event" not in plan
    assert "Seq Scan on decision" not in plan
    assert "SCAN event" not in plan
    assert "SCAN decision" not in plan


def test_two_at_a_time_empty_different_slices(store: Store) -> None:
    """Whoever comes second takes another slice, or nothing, and waits for nobody."""
    if store.dialect == "sqlite":
        return  # it has one writer, and no second
    with store.transaction() as conn:
        accept(conn, [_arrival("a"), arrival("b", "contact/c-bram", contact="c-bram")])
    with store.transaction() as one, store.transaction() as other:
        assert retention.step(one, before=NEW)
        assert retention.step(other, before=NEW)
    with store.transaction() as one:
        assert retention.step(one, before=NEW) is False
