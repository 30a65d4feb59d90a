"""Health, readiness, metrics, and the description of the HTTP interface."""

import json
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tests.workers.http.publishing import event, publish
from tests.workers.web_world import World, migrated, world


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
