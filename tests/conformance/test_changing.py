"""What a change of the programme reads: where runs stand, what is planned, what was applied."""

from datetime import timedelta

import sqlalchemy as sa

from store import definitions
from store.db import Store
from store.listings import work
from store.listings.pages import Page
from store.tables import OutboxRow, RunRow
from tests.conformance.rows import ANNA, BRAM, NOW, put

DAY = timedelta(days=1)
PAUSED = {"paused": {"at": "2027-03-01T09:00:00Z", "by": "u-sam"}}
OVER = {"paused": {"at": "x", "outcome": {"step": "hear", "outcome": {"name": "done"}}}}


def _runs(conn: sa.Connection) -> None:
    put(
        conn,
        RunRow,
        {"id": "r-1", "actor": ANNA, "doc": {"at": "rest"}},
        {"id": "r-2", "actor": ANNA, "doc": {"at": "rest", **PAUSED}},
        {"id": "r-3", "actor": BRAM, "version": "v2", "doc": OVER},
        {"id": "r-4", "actor": BRAM, "status": "ended", "ended_as": "failed",
         "doc": {"at": "rest"}},
    )  # fmt: skip


def test_a_paused_run_is_found_as_one(store: Store) -> None:
    """Live in the table, paused in the list; the step is the one that it stands in."""
    with store.transaction() as conn:
        _runs(conn)
        found = {row["id"]: (row["status"], row["step"]) for row in work.runs(conn)}

        assert found == {
            "r-1": ("live", "rest"), "r-2": ("paused", "rest"),
            "r-3": ("paused", "hear"), "r-4": ("ended", "rest"),
        }  # fmt: skip
        for status, ids in (("live", ["r-1"]), ("paused", ["r-2", "r-3"]), ("ended", ["r-4"])):
            rows = work.runs(conn, status=status, after="")
            assert [row["id"] for row in rows] == ids
        assert [row["id"] for row in work.runs(conn, step="hear")] == ["r-3"]
        assert [row["id"] for row in work.runs(conn, ended_as="failed")] == ["r-4"]
        one = work.run(conn, "r-2")
        assert one is not None
        assert one["status"] == "paused"


def test_a_walk_by_key_meets_each_once(store: Store) -> None:
    """Page by page behind the last key, whatever order people see."""
    with store.transaction() as conn:
        _runs(conn)
        after, met = "", []
        while rows := work.runs(conn, after=after, page=Page(limit=1)):
            after = rows[-1]["id"]
            met.append(after)

        assert met == ["r-1", "r-2", "r-3", "r-4"]


def test_live_runs_are_counted_where_they_stand(store: Store) -> None:
    """By workflow, version and step; those that ended do not count."""
    with store.transaction() as conn:
        _runs(conn)
        told = [(row["version"], row["step"], row["count"]) for row in work.in_flight(conn)]

        assert told == [("v1", "rest", 2), ("v2", "hear", 1)]
        assert work.versions(conn, ["r-1", "r-3", "r-9"]) == {"r-1": "v1", "r-3": "v2"}


def test_planned_messages_are_counted_by_their_words(store: Store) -> None:
    """With when the first and the last of them is planned; what has left does not count."""
    with store.transaction() as conn:
        put(
            conn,
            OutboxRow,
            {"key": "m-1", "to": ANNA, "actor": ANNA, "template": "tip", "planned_at": NOW},
            {"key": "m-2", "to": BRAM, "actor": BRAM, "template": "tip", "planned_at": NOW + DAY},
            {"key": "m-3", "to": BRAM, "actor": BRAM, "template": "tip", "status": "sent",
             "planned_at": NOW + 2 * DAY},
        )  # fmt: skip
        (row,) = work.planned(conn)

        assert (row["template"], row["count"]) == ("tip", 2)
        assert (row["first"], row["last"]) == (NOW, NOW + DAY)


def test_the_first_text_of_a_definition_is_kept(store: Store) -> None:
    """A comment added later moves lines, and changes no version: its place stays what it was."""
    with store.transaction() as conn:
        for number, text in enumerate(("a: 1", "# More.\na: 1")):
            definitions.apply(
                conn, {"policies": {"programme": "acme"}, "n": number}, hash=f"h{number}",
                workflows={"w": ("nps", {})}, now=NOW + number * DAY,
                texts={"w": ("workflows/nps.yaml", text), f"h{number}": ("programme.yaml", text)},
            )  # fmt: skip

        assert definitions.text(conn, "w") == ("workflows/nps.yaml", "a: 1")
        assert definitions.text(conn, "gone") is None
        assert definitions.head_at(conn, NOW - DAY) is None
        assert definitions.head_at(conn, NOW) == "h0"
        assert definitions.head_at(conn, NOW + 5 * DAY) == "h1"
