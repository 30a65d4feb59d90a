"""Programmes and workflow versions: stored once, one head, one programme a database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from store import definitions
from store.db import Store
from store.definitions import ApplyConflictError, ProgrammeMismatchError
from store.tables_beside import ApplyRow, DefinitionRow
from tests.conformance.rows import NOW, column
from workflows.state import Doc

FLOW = {"on": "nps.answered"}


def bundle(name: str = "acme", **more: object) -> Doc:
    return {"policies": {"programme": name, **more}}


def apply(conn: sa.Connection, hash_: str, name: str = "acme", day: int = 0) -> bool:
    return definitions.apply(
        conn,
        bundle(name, version=hash_),
        hash=hash_,
        workflows={f"{hash_}-nps": ("nps", FLOW), "same": ("thanks", {})},
        now=NOW + timedelta(days=day),
        by="u-ada",
        commit="c0ffee",
    )


def test_the_head_is_what_was_applied_last(store: Store) -> None:
    """Applying moves the head; before the first there is none."""
    with store.transaction() as conn:
        assert (definitions.head(conn), definitions.head_hash(conn)) == (None, None)

        assert apply(conn, "h1")
        assert apply(conn, "h2")

        assert definitions.head(conn) == ("h2", bundle(version="h2"))
        assert definitions.head_hash(conn) == "h2"


def test_applying_the_head_changes_nothing(store: Store) -> None:
    """The same programme again is no new apply."""
    with store.transaction() as conn:
        apply(conn, "h1")

        assert not apply(conn, "h1", day=1)
        assert len(definitions.history(conn)) == 1


def test_going_back_is_applying_an_older_one(store: Store) -> None:
    """An older programme becomes the head again; history tells all three, newest first."""
    with store.transaction() as conn:
        for day, hash_ in enumerate(("h1", "h2", "h1")):
            assert apply(conn, hash_, day=day)

        told = definitions.history(conn, limit=2)
        assert [(row["hash"], row["at"]) for row in told] == [
            ("h1", NOW + timedelta(days=2)),
            ("h2", NOW + timedelta(days=1)),
        ]
        assert (told[0]["by"], told[0]["commit"]) == ("u-ada", "c0ffee")
        assert definitions.bundle(conn, "h2") == bundle(version="h2")


def test_a_definition_never_changes(store: Store) -> None:
    """A hash keeps the document that it was stored with first."""
    with store.transaction() as conn:
        apply(conn, "h1")
        other = {"h1-nps": ("nps", {"on": "something else"})}
        definitions.apply(conn, bundle(), hash="h2", workflows=other, now=NOW)

        assert definitions.workflow(conn, "h1-nps") == FLOW
        assert column(conn, DefinitionRow, "name", kind="workflow") == ["nps", "thanks"]


def test_workflows_are_found_by_hash(store: Store) -> None:
    """Versions that runs keep are read together; a programme is no workflow."""
    with store.transaction() as conn:
        apply(conn, "h1")
        apply(conn, "h2")

        found = definitions.workflows(conn, ["h1-nps", "h2-nps", "h1", "unknown"])
        assert found == {"h1-nps": FLOW, "h2-nps": FLOW}
        assert definitions.workflows(conn, []) == {}
        assert definitions.workflow(conn, "unknown") is None
        assert definitions.bundle(conn, "h1-nps") is None


def test_a_database_has_one_programme(store: Store) -> None:
    """A programme of another name is refused, and the error says what to do."""
    with store.transaction() as conn:
        apply(conn, "h1")

        with pytest.raises(ProgrammeMismatchError, match="'acme', not to 'globex'") as caught:
            apply(conn, "h2", name="globex")
        assert "VOUCH_DATABASE_URL" in caught.value.hint
        assert column(conn, ApplyRow, "hash") == ["h1"]


def test_of_two_applies_at_once_one_is_told(store: Store) -> None:
    """Of four applies at once the heads form one line, and whoever lost knows it."""
    together = Barrier(4)

    def attempt(hash_: str) -> str:
        together.wait(10)
        try:
            with store.transaction() as conn:
                apply(conn, hash_)
        except ApplyConflictError:
            return ""
        return hash_

    with ThreadPoolExecutor(4) as pool:
        applied = [hash_ for hash_ in pool.map(attempt, ["h1", "h2", "h3", "h4"]) if hash_]

    with store.reader() as conn:
        told = definitions.history(conn)
        assert sorted(row["hash"] for row in told) == applied
        assert [row["seq"] for row in told] == list(range(len(applied), 0, -1))
        assert definitions.head_hash(conn) == told[0]["hash"]


def test_an_apply_that_looked_too_early_fails(pg: str) -> None:
    """An apply that waited for another's commit is refused rather than laid over it."""
    store = Store.open(pg, durable=False)
    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as first:
            apply(first, "h1")

            def second() -> None:
                with store.transaction() as conn:
                    apply(conn, "h2")

            waiting = pool.submit(second)
            with store.reader() as watcher:
                _until_blocked(watcher)
        with pytest.raises(ApplyConflictError):
            waiting.result(10)
    store.close()


def _until_blocked(conn: sa.Connection) -> None:
    """Return when some session waits for a lock."""
    conn = conn.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=False)
    blocked = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(100_000):
        if conn.scalar(blocked):
            return
    pytest.fail("nobody waits")
