"""What the HTTP interface refuses: status, word, field and hint, bounds at their edge, outages."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from events.catalogue import default_catalogue
from events.content_modes import BATCH_BYTES_MAX, BATCH_EVENTS_MAX
from events.envelope import EVENT_BYTES_MAX
from events.errors import VouchError
from store import keys
from store.db import Store
from store.tables_beside import RejectRow
from tests.workers.http.publishing import AUTH, BATCH, STRUCTURED, event, publish
from tests.workers.web_world import KEY, NOW, World, migrated, quiet, served, world
from workers.intake import Intake
from workers.web.app import make_app
from workers.web.auth import KEY_AGE_MAX


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
