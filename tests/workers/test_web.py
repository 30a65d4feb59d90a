"""The HTTP interface: content modes, verdicts and statuses, webhooks, health, its description."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from events.catalogue import default_catalogue
from events.content_modes import BATCH_BYTES_MAX, BATCH_EVENTS_MAX
from events.envelope import EVENT_BYTES_MAX
from events.errors import VouchError
from store import contacts, keys
from store.db import Store
from store.tables import EventRow
from store.tables_beside import RejectRow, UnmappedRow
from tests.workers.web_world import (
    KEY,
    NOW,
    VENDOR_SECRET,
    World,
    migrated,
    quiet,
    served,
    world,
)
from workers import intake
from workers.intake import Intake
from workers.web import wire
from workers.web.app import make_app
from workers.web.auth import KEY_AGE_MAX
from workers.web.events import FORGED_NOTED_MAX
from workflows.signatures import sign_hmac

AUTH = {"Authorization": f"Bearer {KEY}"}
STRUCTURED = {**AUTH, "Content-Type": "application/cloudevents+json"}
BATCH = {**AUTH, "Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The same on each database."""
    if request.param == "sqlite":
        store = migrated(tmp_path)
    else:
        store = Store.open(request.getfixturevalue("pg"), durable=False)
    with world(store) as made:
        yield made


@pytest.fixture
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that configured logs keeps its loggers; these tests want to look into theirs."""
    structlog.reset_defaults()
    for module in (wire, intake):
        monkeypatch.setattr(module, "log", structlog.get_logger())


def event(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "crm",
        "type": "project.delivered",
        "subject": "contact/c-anna",
        "data": {"project_id": "p-77"},
        **changes,
    }


def publish(client: httpx.Client, body: object, headers: dict[str, str] | None = None) -> Any:
    return client.post("/events", content=json.dumps(body), headers=headers or STRUCTURED)


# -- content modes --------------------------------------------------------------------------------


def test_structured_event_is_committed_and_said_to_be(both: World) -> None:
    """One event in the body is answered 202 with its verdict, and is in the inbox."""
    answer = publish(both.client, event())

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "events": [{"id": "evt-1", "type": "project.delivered", "status": "accepted"}],
    }
    assert both.inbox() == ["contact/c-anna"]


def test_batch_has_a_verdict_an_event_and_the_bad_harm_no_others(both: World) -> None:
    """A batch with a duplicate and a bad one is 202: each is judged by itself, in order."""
    bad = event(id="2", data={})

    answer = publish(both.client, [event(), event(), bad, event(id="3")], BATCH)

    told = answer.json()
    assert answer.status_code == 202
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (2, 1, 1)
    assert [each["status"] for each in told["events"]] == [
        "accepted", "duplicate", "rejected", "accepted",
    ]  # fmt: skip
    assert (told["events"][2]["reason"], told["events"][2]["field"]) == (
        "missing",
        "data.project_id",
    )


def test_binary_event_has_its_attributes_in_headers(web: World) -> None:
    """`ce-` headers and a JSON body are one event."""
    headers = {
        **AUTH,
        "ce-specversion": "1.0",
        "ce-id": "b-1",
        "ce-source": "crm",
        "ce-type": "project.delivered",
        "ce-subject": "contact/c-anna",
        "Content-Type": "application/json",
    }

    answer = web.client.post("/events", content=b'{"project_id": "p-1"}', headers=headers)

    assert answer.status_code == 202
    assert web.events()[0]["data"] == {"project_id": "p-1"}


def test_official_sdk_is_understood_in_both_modes(web: World) -> None:
    """The CloudEvents SDK's structured and binary messages are events, and each counts once."""
    attributes = {
        "type": "project.delivered",
        "source": "crm",
        "subject": "contact/c-anna",
        "specversion": "1.0",
        "time": NOW - timedelta(hours=1),
    }
    first = CloudEvent({**attributes, "id": "sdk-1"}, {"project_id": "p-1"})
    second = CloudEvent({**attributes, "id": "sdk-2"}, {"project_id": "p-2"})

    messages = [to_structured_event(first), to_binary_event(second), to_binary_event(second)]
    answers = [
        web.client.post("/events", content=m.body, headers={**m.headers, **AUTH}) for m in messages
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert answers[2].json()["duplicates"] == 1
    assert [e["data"] for e in web.events()] == [{"project_id": "p-1"}, {"project_id": "p-2"}]


def test_concurrent_publishers_lose_nothing(both: World) -> None:
    """Sixty requests on eight connections at once: every 202 is an event in the database."""
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda n: publish(both.client, event(id=str(n % 50))), range(60))
        )

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 50
    assert len(both.events()) == 50


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status", "error", "field"),
    [
        (b"{", STRUCTURED, 400, "malformed", ""),
        (b'{"id": "1", "id": "2"}', STRUCTURED, 400, "malformed", ""),
        (b'"text"', STRUCTURED, 400, "malformed", ""),
        (b"{}", BATCH, 400, "malformed", ""),
        (b"\xff\xfe", STRUCTURED, 400, "malformed", ""),
        (b"{}", {**AUTH, "Content-Type": "text/plain"}, 415, "malformed", "content-type"),
        (b"{}", {**STRUCTURED, "Content-Encoding": "gzip"}, 415, "malformed", "content-encoding"),
        (b"{}", STRUCTURED, 422, "missing", "specversion"),
        (json.dumps(event(type="project.deliverd")).encode(), STRUCTURED, 422, "unknown_type",
         "type"),
        (json.dumps(event(data={"project_id": 7})).encode(), STRUCTURED, 422, "invalid",
         "data.project_id"),
        (json.dumps(event(source="erp")).encode(), STRUCTURED, 403, "forbidden", "source"),
        (b"{}", {"Content-Type": "application/cloudevents+json"}, 401, "unauthorized",
         "authorization"),
        (b"{}", {**STRUCTURED, "Authorization": "Bearer wrong"}, 401, "unauthorized",
         "authorization"),
        (b"{}", {**STRUCTURED, "Authorization": f"Basic {KEY}"}, 401, "unauthorized",
         "authorization"),
    ],
)  # fmt: skip
def test_refusal_says_what_where_and_what_to_do(
    web: World, body: bytes, headers: dict[str, str], status: int, error: str, field: str
) -> None:
    """Every refusal has its status, a stable word, the field and a hint; nothing is stored."""
    answer = web.client.post("/events", content=body, headers=headers)

    told = answer.json()
    assert (answer.status_code, told["error"], told["field"]) == (status, error, field)
    assert set(told) == {"error", "message", "field", "hint"}
    assert told["message"]
    assert told["hint"]
    assert web.events() == []
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_bounds_of_a_request_hold_at_the_edge(web: World) -> None:
    """An event, a batch and a body of the most bytes enter; one byte or event more is 413."""
    empty = len(json.dumps(event(data={"project_id": "p", "note": ""}), separators=(",", ":")))
    sizes = [EVENT_BYTES_MAX - empty, EVENT_BYTES_MAX - empty + 1]
    bodies = [
        json.dumps(event(id=str(n), data={"project_id": "p", "note": "x" * n}),
                   separators=(",", ":"))
        for n in sizes
    ]  # fmt: skip
    shorter = len(str(sizes[0])) - len("evt-1")  # the id is as long as its number, not as evt-1
    bodies = [body.replace("x" * 10, "x" * (10 - shorter), 1) for body in bodies]
    batches = [[event(id=str(n)) for n in range(BATCH_EVENTS_MAX + more)] for more in (0, 1)]
    blank = b" " * (BATCH_BYTES_MAX - 2)

    answers = [web.client.post("/events", content=body, headers=STRUCTURED) for body in bodies]
    answers += [publish(web.client, batch, BATCH) for batch in batches]
    answers += [
        web.client.post("/events", content=b"[" + blank + more + b"]", headers=BATCH)
        for more in (b"", b" ")
    ]

    assert [len(body) for body in bodies] == [EVENT_BYTES_MAX, EVENT_BYTES_MAX + 1]
    assert [answer.status_code for answer in answers] == [202, 413, 202, 413, 202, 413]


def test_body_without_a_length_is_cut_off_at_the_bound(web: World) -> None:
    """A stream that never says how long it is stops being read when it is too long."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield b" " * 65_536

    answer = web.client.post("/events", content=endless(), headers=STRUCTURED)

    assert answer.status_code == 413


def test_unknown_path_and_method_are_told_in_the_same_form(web: World) -> None:
    """404 and 405 are JSON like every other refusal."""
    assert web.client.get("/nowhere").json()["error"] == "not_found"
    assert web.client.get("/events").status_code == 405
    assert web.client.get("/events").json()["error"] == "method_not_allowed"


def test_full_inbox_is_429_with_a_time_to_come_back(tmp_path: Path) -> None:
    """Past the bound of waiting events publishers are told to come back later."""
    with world(migrated(tmp_path), inbox_max=2) as web:
        answers = [publish(web.client, event(id=str(n))) for n in range(3)]

        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert int(answers[2].headers["retry-after"]) >= 1
        assert answers[2].json()["error"] == "back-pressure"


def test_database_that_is_gone_is_503_and_acknowledges_nothing(web: World) -> None:
    """Without a database there is no 202, only the advice to come back; so says readiness."""
    gone = Store.open("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    unable = Intake(gone, default_catalogue, web.clock, quiet, 1_000)
    services = replace(web.services, store=gone, intake=unable, registry=CollectorRegistry())

    with served(make_app(services)) as address, httpx.Client(base_url=address) as client:
        answer = publish(client, event())
        ready = client.get("/readyz")
        alive = client.get("/healthz")

    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert (ready.status_code, ready.json()["checks"]["schema"]) == (503, "unknown")
    assert alive.status_code == 200


def test_mistake_of_ours_is_500_and_logged_without_what_was_sent(
    web: World, fresh_logs: None
) -> None:
    """What nobody foresaw is answered and logged by its kind and place; the next one works."""
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE inbox RENAME TO gone")
    with capture_logs() as logs:
        broken = publish(web.client, event(data={"project_id": "Anna Jansen"}))
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE gone RENAME TO inbox")
    mended = publish(web.client, event())

    assert (broken.status_code, broken.json()["error"]) == (500, "internal")
    assert [log["event"] for log in logs] == ["request.failed"]
    assert "Anna" not in str(logs) + broken.text
    assert mended.json()["accepted"] == 1


def test_no_programme_is_503(web: World) -> None:
    """Before the first `vouch apply` nothing is taken in, and the answer says what is missing."""

    class NoProgrammeError(VouchError):
        code = "no-programme"

    def none() -> Any:
        raise NoProgrammeError("no programme is applied", hint="vouch apply FOLDER")

    web.services.intake._catalogue = none  # noqa: SLF001
    answer = publish(web.client, event())

    assert (answer.status_code, answer.json()["error"]) == (503, "no-programme")
    assert "retry-after" in answer.headers


def test_revoked_key_is_refused_within_seconds(web: World) -> None:
    """A key is remembered for a moment only: after it, a revoked one is worth nothing."""
    assert publish(web.client, event()).status_code == 202
    with web.store.transaction() as conn:
        keys.revoke(conn, "crm", now=NOW)

    web.clock.advance(KEY_AGE_MAX)

    assert publish(web.client, event(id="2")).status_code == 401


def test_nothing_of_a_revoked_key_enters(both: World) -> None:
    """From the commit of the revocation on, however lately the key was seen to be good."""
    assert publish(both.client, event()).status_code == 202
    with both.store.transaction() as conn:
        keys.revoke(conn, "crm", now=NOW)

    one = publish(both.client, event(id="2"))
    many = publish(both.client, [event(id="3"), event(id="4")], BATCH)

    assert (one.status_code, one.json()["error"]) == (403, "forbidden")
    assert many.json()["rejected"] == 2
    assert len(both.events()) == 1


def test_logs_and_rejects_hold_nothing_of_what_was_sent(web: World, fresh_logs: None) -> None:
    """A refused event leaves its reason and its keys, in logs and table, and none of its data."""
    with capture_logs() as logs:
        publish(web.client, event(data={"person": "Anna Jansen"}))
        publish(web.client, [event(id="2", subject="contact/c-anna"), "Anna Jansen"], BATCH)

    assert "Anna" not in str(logs) + str(web.rows(RejectRow))


# -- webhooks -------------------------------------------------------------------------------------

BODY: dict[str, Any] = {
    "event_type": "survey_response.created",
    "event_id": "e-1",
    "event_data": {
        "id": "5435",
        "score": 9,
        "comment": None,
        "updated_at": int(NOW.timestamp()) - 60,
        "person": {"email": "Anna@Example.com", "name": "Anna Jansen"},
    },
}


def webhook(web: World, body: object, signature: str | None = None) -> Any:
    sent = json.dumps(body).encode()
    signed = signature if signature is not None else sign_hmac(VENDOR_SECRET, sent)
    headers = {"X-Delighted-Webhook-Signature": f"sha256={signed}"}
    return web.client.post("/sources/delighted", content=sent, headers=headers)


def changed(**changes: Any) -> dict[str, Any]:
    body = deepcopy(BODY)
    for name, value in changes.items():
        (body if name in body else body["event_data"])[name] = value
    return body


def test_s11_the_same_answer_by_many_deliveries_is_one_event(both: World) -> None:
    """Redelivery and a new id for the same answer are duplicates; an edit is a new event."""
    newer = BODY["event_data"]["updated_at"] + 30
    answers = [
        webhook(both, BODY),
        webhook(both, BODY),
        webhook(both, changed(event_id="e-2")),
        webhook(both, changed(event_id="e-3", comment="Too slow", updated_at=newer)),
    ]

    assert [answer.status_code for answer in answers] == [202] * 4
    assert [answer.json()["duplicates"] for answer in answers] == [0, 1, 1, 0]
    assert [answer.json()["events"][0].get("duplicate", False) for answer in answers] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [(e["id"], e["data"].get("comment")) for e in both.events()] == [
        ("e-1", None),
        ("e-3", "Too slow"),
    ]
    assert len(set(both.inbox())) == 1


def test_s11_altered_body_with_an_old_signature_is_401_and_leaves_one_line(both: World) -> None:
    """A body that does not fit its signature is refused, and only that it came is remembered."""
    old = sign_hmac(VENDOR_SECRET, json.dumps(BODY).encode())

    answer = webhook(both, changed(score=2), old)

    assert (answer.status_code, answer.json()["error"]) == (401, "signature")
    assert both.events() == []
    (row,) = both.rows(RejectRow)
    assert (row["verdict"], row["source"], row["reason"]) == ("rejected", "delighted", "signature")


def test_forged_webhooks_fill_no_table(web: World) -> None:
    """Every forgery is a 401; so many a minute are written down, and no more."""
    answers = [webhook(web, BODY, "0" * 64).status_code for _ in range(FORGED_NOTED_MAX + 5)]

    assert set(answers) == {401}
    assert len(web.rows(RejectRow)) == FORGED_NOTED_MAX


def test_contact_of_a_webhook_is_found_by_address(web: World) -> None:
    """A contact known by this address is the one concerned, however it is written."""
    with web.store.transaction() as conn:
        contacts.seed(conn, {"contact/c-anna": {"id": "c-anna", "email": "anna@example.com"}})

    webhook(web, BODY)

    assert web.inbox() == ["contact/c-anna"]
    assert web.events()[0]["person"] == BODY["event_data"]["person"]


def test_racing_webhooks_about_a_stranger_make_one_contact(both: World) -> None:
    """Two answers of a stranger at once agree on who that is."""
    bodies = [changed(event_id=f"e-{n}", id=str(n)) for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda body: webhook(both, body), bodies))

    assert [answer.status_code for answer in answers] == [202] * 6
    assert len(both.events()) == 6
    assert len(set(both.inbox())) == 1


def test_webhook_with_a_missing_field_is_422_with_its_name(web: World) -> None:
    """A mapping that finds no score says so, as the vendor names it."""
    body = deepcopy(BODY)
    del body["event_data"]["score"]

    answer = webhook(web, body)

    assert answer.status_code == 422
    assert (answer.json()["error"], answer.json()["field"]) == (
        "invalid",
        "body.event_data.score",
    )
    assert web.rows(EventRow) == []


def test_webhook_that_no_entry_takes_is_acknowledged_and_noted(web: World) -> None:
    """A vendor that sends more than we mapped is told all is well; what it said is kept."""
    answer = webhook(web, changed(event_type="survey_response.deleted"))

    assert answer.status_code == 202
    assert answer.json()["events"][0]["reason"] == "no_mapping"
    assert web.events() == []
    noted = [(row["reason"], row["event"]) for row in web.rows(RejectRow)]
    assert noted == [("no_mapping", BODY["event_id"])]
    (kept,) = web.rows(UnmappedRow)
    assert json.loads(kept["body"]) == changed(event_type="survey_response.deleted")
    assert "x-delighted-webhook-signature" not in json.loads(kept["headers"])
    assert answer.json()["events"][0]["id"] == BODY["event_id"]


def test_unknown_source_is_404_and_unset_secret_accepts_nothing(web: World) -> None:
    """What the programme does not name does not exist; without its secret a source is closed."""
    assert web.client.post("/sources/nobody", content=b"{}").status_code == 404

    web.services.secrets.clear()  # type: ignore[attr-defined]

    assert webhook(web, BODY).status_code == 503
    assert webhook(web, BODY, sign_hmac("", json.dumps(BODY).encode())).status_code == 503


def test_webhook_that_is_no_json_is_400(web: World) -> None:
    """A signed body that cannot be read is refused without a traceback."""
    headers = {"X-Delighted-Webhook-Signature": "sha256=" + sign_hmac(VENDOR_SECRET, b"{")}

    answer = web.client.post("/sources/delighted", content=b"{", headers=headers)

    assert answer.status_code in {400, 422}
    assert answer.json()["error"] == "malformed"


# -- health ---------------------------------------------------------------------------------------


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
