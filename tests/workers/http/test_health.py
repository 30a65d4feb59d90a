"""Health, readiness, metrics, and the description of the HTTP interface."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.tables import DeadRow, TaskRow
from tests.workers.http.publishing import event, publish
from tests.workers.web_world import NOW, World, migrated, world
from workers.web.gauges import AGE_MAX, GAUGES, UP
from workflows.state import slice_of


def test_health_readiness_and_metrics(web: World) -> None:
    """A process that can serve says so, and counts what it did."""
    publish(web.client, event())

    assert web.client.get("/healthz").json() == {"status": "ok"}
    ready = web.client.get("/readyz")
    metrics = web.client.get("/metrics")

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert 'vouch_intake_events_total{reason="",status="accepted"} 1.0' in metrics.text
    assert 'vouch_http_requests_total{route="/events",status="202"} 1.0' in metrics.text
    assert metrics.text.endswith("# EOF\n")


def _gauges(web: World) -> dict[str, float]:
    lines = (line.split() for line in web.client.get("/metrics").text.splitlines())
    return {line[0]: float(line[1]) for line in lines if line[0] in GAUGES}


def test_what_waits_and_what_is_stuck_is_in_the_metrics(both: World) -> None:
    """Each number as it is in the database, and for how long the oldest waits."""
    calm = _gauges(both)
    publish(both.client, event())
    slice_ = slice_of("contact/c-anna")
    task = {"slice": slice_, "actor": "contact/c-anna", "run": "", "workflow": "w", "step": "s",
            "role": "sales", "title": "", "status": "open", "opened_at": NOW}  # fmt: skip
    task["doc"] = {}
    both.add(TaskRow, key="k-1", assignee="", due_at=NOW - timedelta(hours=1), **task)
    both.add(TaskRow, key="k-2", assignee="u-sam", due_at=NOW + timedelta(hours=1), **task)
    both.add(DeadRow, slice=1, seq=7, actor="", at=NOW, kind="event", type="", error="", tries=1,
             doc={})  # fmt: skip
    both.clock.set(NOW + timedelta(seconds=90))
    busy = _gauges(both)

    assert calm == dict.fromkeys(GAUGES, 0.0) | {UP: 1.0}
    assert {name: number for name, number in busy.items() if number} == {
        UP: 1.0, "vouch_inbox_events": 1.0, "vouch_inbox_oldest_seconds": 90.0,
        "vouch_tasks_open": 2.0, "vouch_tasks_overdue": 1.0, "vouch_tasks_unassigned": 1.0,
        "vouch_dead_letters": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("since", "seen"), [(AGE_MAX - timedelta(milliseconds=1), 0.0),
                                             (AGE_MAX, 1.0)])  # fmt: skip
def test_scrapers_share_a_look(web: World, since: timedelta, seen: float) -> None:
    """Numbers are a few seconds old at most, and asked for no more often."""
    _gauges(web)
    publish(web.client, event())
    web.clock.set(NOW + since)

    assert _gauges(web)["vouch_inbox_events"] == seen


def test_metrics_are_there_while_the_database_is_not(web: World) -> None:
    """They say so, and what the process counted by itself."""
    with web.store.transaction() as conn:
        conn.execute(sa.text("ALTER TABLE dead RENAME TO away"))

    assert _gauges(web) == {UP: 0.0}
    assert "vouch_http_requests_total" in web.client.get("/metrics").text


def test_readiness_names_what_is_missing(tmp_path: Path) -> None:
    """A database whose schema is behind is not ready, and the answer says what to run."""
    with world(migrated(tmp_path)) as web:
        with web.store.transaction() as conn:
            conn.execute(sa.text("DELETE FROM alembic_version"))

        answer = web.client.get("/readyz")

        assert answer.status_code == 503
        assert "vouch migrate" in answer.json()["checks"]["schema"]


def test_readiness_tells_a_newer_schema_from_an_older_one(tmp_path: Path) -> None:
    """Whoever is behind a later version's database is told so, and not to migrate it."""
    with world(migrated(tmp_path)) as web:
        with web.store.transaction() as conn:
            conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

        schema = web.client.get("/readyz").json()["checks"]["schema"]

        assert "newer" in schema
        assert "migrate" not in schema


def test_description_names_every_type_and_resolves(web: World) -> None:
    """The OpenAPI document has each type's data, and every reference in it leads somewhere."""
    document = web.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key == "$ref":
                    yield item
                else:
                    yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    found = set(references(document))
    assert {name.removeprefix("#/components/schemas/") for name in found} <= set(schemas)
    assert set(web.programme.catalogue.types) <= set(schemas)
    assert "$defs" not in json.dumps(document)
    assert schemas["nps.answered.data"]["required"] == ["response", "score"]
    assert schemas["nps.answered"]["required"][-2:] == ["subject", "data"]
