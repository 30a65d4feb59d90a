"""Whatever is sent to the web, it answers in its own words, stays up, and changes nothing."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

from events.catalogue import default_catalogue
from store.tables_beside import RejectRow
from tests.examples import NIGHTLY, examples
from tests.hostile import MARK, Drawn, anything, of_schema, spoiled, texts
from tests.workers.web_world import (
    DELIGHTED,
    KEY,
    NOW,
    VENDOR_SECRET,
    World,
    migrated,
    world,
)
from workers import intake
from workers.logs import configure_logs
from workers.tokens import Purpose, Tokens
from workers.web import answers, wire
from workers.web.openapi import openapi
from workflows.signatures import sign_hmac

DOCUMENT = openapi(default_catalogue())
AUTH = {"Authorization": f"Bearer {KEY}"}
ANNA = "contact/c-anna"
MINUTE = timedelta(minutes=1)
"""After it every limit is as new."""
EXAMPLES = settings(examples(80), derandomize=not NIGHTLY)
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the world


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(migrated(tmp_path_factory.mktemp("web")), sources=["*"]) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "email": "anna@example.com"}})
        yield made


def sent(value: Any) -> bytes:
    """Return JSON as a careless producer writes it: with lone surrogates, as they are."""
    return json.dumps(value).encode()


def responses(path: str) -> Mapping[str, Any]:
    return DOCUMENT["paths"][path]["post"]["responses"]  # type: ignore[no-any-return]


def as_documented(path: str, answer: httpx.Response) -> None:
    """Hold an answer to the description: its status is there, ours is no mistake, its form fits."""
    assert str(answer.status_code) in responses(path), answer.text
    assert answer.status_code != 500, answer.text
    told = answer.json()
    schema = "Verdicts" if answer.status_code == 202 else "Error"
    assert set(told) == set(DOCUMENT["components"]["schemas"][schema]["required"])
    if "events" in told:
        assert len(told["events"]) == told["accepted"] + told["duplicates"] + told["rejected"]


def every_event() -> Drawn:
    """Return events of every type as the description has them, whole or spoiled."""
    whole = of_schema({"$ref": "#/components/schemas/Event"}, DOCUMENT)
    return whole | whole.flatmap(spoiled) | whole.flatmap(spoiled).flatmap(spoiled)


def header(value: Any) -> str:
    """Return a value as a producer may put it into a header: encoded, quoted, or neither."""
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "replace"), safe=" /:+")[:2_000].strip()


@given(event=every_event(), mode=st.sampled_from(["structured", "batch", "binary", "plain"]))
@EXAMPLES
def test_every_event_gets_an_answer_that_is_documented(web: World, event: Any, mode: str) -> None:
    """In each content mode, sound or spoiled: one of the statuses we name, and never ours."""
    kinds = {"structured": "application/cloudevents+json", "plain": "application/json",
             "batch": "application/cloudevents-batch+json"}  # fmt: skip
    if mode != "binary" or not isinstance(event, dict):
        headers = {**AUTH, "Content-Type": kinds.get(mode, "application/json")}
        body = sent([event, event] if mode == "batch" else event)
    else:
        named = {name: value for name, value in event.items() if name != "data" and name.isalnum()}
        attributes = {
            f"ce-{name}": header(value) for name, value in named.items() if name.isascii()
        }
        headers = {**AUTH, "Content-Type": "application/json", **attributes}
        body = sent(event.get("data"))

    as_documented("/events", web.client.post("/events", content=body, headers=headers))


@given(
    body=st.binary(max_size=200) | anything.map(sent),
    kind=st.sampled_from(["", "application/json", "application/cloudevents+json; charset=utf-16",
                          "application/cloudevents-batch+json", "a/b", ";;", "application/json;="]),
    name=st.sampled_from(["Content-Encoding", "ce-id", "ce-data", "ce-", "X", "Expect"]),
    value=texts.map(header),
)  # fmt: skip
@EXAMPLES
def test_any_bytes_get_an_answer_that_is_documented(
    web: World, body: bytes, kind: str, name: str, value: str
) -> None:
    """Bytes that are no event under headers that are none."""
    headers = {**AUTH, "Content-Type": kind, name: value}

    as_documented("/events", web.client.post("/events", content=body, headers=headers))


VENDOR: dict[str, Any] = {
    "event_type": "survey_response.created",
    "event_id": "e-1",
    "event_data": {
        "id": "5435", "score": 9, "comment": None, "updated_at": int(NOW.timestamp()) - 60,
        "person": {"email": "Anna@Example.com", "name": "Anna Jansen"},
    },
}  # fmt: skip


@given(body=(spoiled(VENDOR) | spoiled(VENDOR).flatmap(spoiled)).map(sent) | st.binary(max_size=99))
@EXAMPLES
def test_every_signed_webhook_gets_an_answer_that_is_documented(web: World, body: bytes) -> None:
    """What a vendor signed can still be anything: a mapping reads it, or says what is wrong."""
    headers = {DELIGHTED["signature"]["header"]: f"sha256={sign_hmac(VENDOR_SECRET, body)}"}  # type: ignore[index]

    as_documented(
        "/sources/{name}", web.client.post("/sources/delighted", content=body, headers=headers)
    )


@given(name=texts, body=st.binary(max_size=50), signature=texts.map(header),
       encoding=st.sampled_from(["identity", "gzip"]))  # fmt: skip
@EXAMPLES
def test_every_unsigned_webhook_is_refused(
    web: World, name: str, body: bytes, signature: str, encoding: str
) -> None:
    """No source, no signature, another encoding: refused as the description says."""
    before = len(web.events())
    headers = {"X-Delighted-Webhook-Signature": signature, "Content-Encoding": encoding}
    for source in ("delighted", quote(name.encode("utf-8", "replace"), safe="")[:900]):
        answer = web.client.post(f"/sources/{source}", content=body, headers=headers)
        if "/" not in name and name:
            as_documented("/sources/{name}", answer)
        assert answer.status_code in {401, 404, 405, 415}

    assert len(web.events()) == before


# -- pages ----------------------------------------------------------------------------------------


def links(web: World) -> dict[str, str]:
    signed: dict[Purpose, tuple[str, ...]] = {
        "survey": ("r/2", ANNA), "ask": ("r/ask", ANNA), "optin": (ANNA,),
        "unsubscribe": (ANNA, "programme", "email"), "refer": ("r/ask", ANNA),
        "journey": ("poll", ANNA), "task": ("r/call", ANNA, "u-ben"),
    }  # fmt: skip
    pages: dict[str, str] = {
        purpose: f"/a/{web.tokens.sign(purpose, *parts)}" for purpose, parts in signed.items()
    }
    return {**pages, "invite": f"/r/{web.tokens.sign('invite', ANNA, 'mail')}"}


FIELDS = st.sampled_from(
    ["score", "improve", "comment", "answer", "text", "name", "email", "phone", "company",
     "consent", "shown", "action", "field.root_cause", "List-Unsubscribe", "website", "\0", ""]
)  # fmt: skip
FORMS = st.lists(st.tuples(FIELDS, texts | st.sampled_from(["9", "gladly", "yes", "1e3"])))


def written(fields: list[tuple[str, str]]) -> bytes:
    pairs = ((quote(name), quote(value.encode("utf-8", "replace"))) for name, value in fields)
    return "&".join(f"{name}={value}" for name, value in pairs)[:60_000].encode()


@given(page=st.integers(0, 7), fields=FORMS, accepted=texts.map(header))
@EXAMPLES
def test_every_form_ends_in_a_page(
    web: World, page: int, fields: list[tuple[str, str]], accepted: str
) -> None:
    """Whatever is typed into a form, the answer is a page; what is stored is a sound event."""
    web.clock.advance(MINUTE)
    path = list(links(web).values())[page]
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept-Language": accepted,
    }

    answer = web.client.post(path, content=written(fields), headers=headers)

    assert answer.status_code in {200, 400, 404, 422, 429}
    assert answer.headers["content-type"].startswith("text/")


PARTS = "multipart/form-data"


@given(
    page=st.integers(0, 7),
    body=st.binary(max_size=300),
    kind=st.sampled_from(
        [f"{PARTS}; boundary=x", PARTS, f"{PARTS}; boundary={'x' * 300}", "text/plain", ""]
    ),
)
@EXAMPLES
def test_every_broken_form_ends_in_a_page(web: World, page: int, body: bytes, kind: str) -> None:
    """A form that is none, in parts or whole, is a page as well."""
    web.clock.advance(MINUTE)
    path = list(links(web).values())[page]
    framed = (
        b'--x\r\nContent-Disposition: form-data; name="score"\r\n\r\n' + body + b"\r\n--x--\r\n"
    )
    for content in (body, framed):
        answer = web.client.post(path, content=content, headers={"Content-Type": kind})

        assert answer.status_code in {200, 400, 404, 422, 429}


@given(query=FORMS, method=st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]))
@EXAMPLES
def test_get_changes_nothing(web: World, query: list[tuple[str, str]], method: str) -> None:
    """No route, with any query and any method but POST, leaves a trace in any table."""
    web.clock.advance(MINUTE)
    before = contents(web)
    paths = [*links(web).values(), "/events", "/sources/delighted", "/healthz", "/readyz",
             "/metrics", "/openapi.json", "/console/", "/nowhere"]  # fmt: skip
    for path in paths:
        answer = web.client.request(method, f"{path}?{written(query).decode()[:5_000]}")
        assert answer.status_code in {200, 404, 405, 429}

    assert contents(web) == before


def contents(web: World) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with web.store.reader() as conn:
        return {
            table.name: sorted(map(repr, conn.execute(sa.select(table))))
            for table in SQLModel.metadata.sorted_tables
        }


RAW = [
    b"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n" + rest
    for rest in (
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    )
] + [b"GET /a/x?a=b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n\r\n"]
PIECES = st.sampled_from(
    [b"", b"\0", b"\xff", b"\r\n", b"\n", b" ", b"%", b"%00", b"%ff", b"//", b"http://y/", b"*",
     b"Content-Length: 2\r\n", b"Content-Length: 99999999999999999999\r\n", b"-1", b"+2",
     b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"\r\n folded",
     b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n",
     b"ffffffffffffffff\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
     b"Connection: upgrade\r\n", b"HTTP/0.9", b"x" * 999, b"Cookie: a=b;\r\n" * 120]
)  # fmt: skip


@given(st.sampled_from(RAW), st.lists(st.tuples(st.integers(0, 140), PIECES), max_size=3))
@EXAMPLES
def test_every_line_of_bytes_gets_an_answer_or_an_end(
    web: World, whole: bytes, pieces: list[tuple[int, bytes]]
) -> None:
    """Lies about lengths, folded headers, other protocols: refused, and the next is served."""
    sent = whole % KEY.encode()
    for place, piece in pieces:
        sent = sent[:place] + piece + sent[place:]
    address = (web.client.base_url.host, web.client.base_url.port or 0)
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        said = b""
        with suppress(ConnectionResetError):
            while chunk := line.recv(65_536):
                said += chunk

    statuses = {int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", said)}
    assert statuses <= {100, 202, 400, 401, 404, 405, 408, 413, 415, 422, 429, 431}
    assert web.client.get("/healthz").status_code == 200


def test_what_was_sent_is_in_no_log_and_no_number(
    web: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and texts in every place of a request: not in logs, metrics, or what was refused."""
    before = len(web.rows(RejectRow))
    configure_logs("json")
    for module in (wire, answers, intake):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    try:
        _tell_everywhere(web, f"{MARK}@example.com")
    finally:
        structlog.reset_defaults()
    logged = capsys.readouterr().err

    assert '"event": "request.failed"' in logged
    assert MARK not in logged
    assert MARK not in web.client.get("/metrics").text
    refused = web.rows(RejectRow)
    assert len(refused) > before + 5
    named = {"event", "source", "type"}  # how a producer names things is what is remembered
    kept = [{name: row[name] for name in row if name not in named} for row in refused]
    assert MARK not in str(kept)


def _tell_everywhere(web: World, who: str) -> None:
    """Say it in each place of an event, a webhook, a form, an address and a header."""
    sound = {"specversion": "1.0", "id": "1", "source": "crm", "type": "project.delivered",
             "subject": ANNA, "data": {"project_id": "p"}}  # fmt: skip
    for name in sound:
        for told in (who, {who: who}, [who], f"{who}\0", 7):
            event = {**sound, name: told}
            web.client.post("/events", content=sent(event), headers=AUTH)
            web.client.post("/events", content=sent([event, sound]), headers=AUTH)
    data = default_catalogue().schemas()
    for name in data:
        event = {**sound, "id": name, "type": name, "data": {"lead": {"name": who, "email": who},
                 "comment": who, "text": who, "score": who, "name": who}}  # fmt: skip
        web.client.post("/events", content=sent(event), headers=AUTH)
    for bad in (b"{", b'{"%b": 1, "%b": 2}' % ((who.encode(),) * 2), who.encode()):
        web.client.post("/events", content=bad, headers=AUTH)
        signed = {"X-Delighted-Webhook-Signature": f"sha256={sign_hmac(VENDOR_SECRET, bad)}"}
        web.client.post("/sources/delighted", content=bad, headers=signed)
        web.client.post("/sources/delighted", content=bad, headers={"X-A": who})
    person = {**VENDOR, "event_data": {**VENDOR["event_data"], "score": who, "comment": who}}
    signed = {"X-Delighted-Webhook-Signature": f"sha256={sign_hmac(VENDOR_SECRET, sent(person))}"}
    web.client.post("/sources/delighted", content=sent(person), headers=signed)
    for path in (*links(web).values(), f"/a/{who}", f"/r/{who}", f"/sources/{who}", f"/{who}"):
        web.client.get(path, params={who: who, "score": who}, headers={"Accept-Language": who})
        web.client.post(path, data={"score": who, "name": who, "email": who, who: who})
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE inbox RENAME TO gone")
    web.client.post("/events", content=sent({**sound, "id": who}), headers=AUTH)
    web.client.post(links(web)["survey"], data={"score": "9", "comment": who})
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE gone RENAME TO inbox")


def test_a_link_is_good_for_nothing_else(web: World) -> None:
    """No link opens another page, and none takes another person's part or lends its signature."""
    web.clock.advance(MINUTE)
    before = contents(web)
    pages = links(web)
    others = {"ask": ("r/ask", "contact/c-ben"), "optin": ("contact/c-ben",),
              "survey": ("r/2", "contact/c-ben"), "journey": ("poll", "contact/c-ben")}  # fmt: skip
    forged = [f"/r/{pages[purpose][3:]}" for purpose in pages if purpose != "invite"]
    forged.append(f"/a/{pages['invite'][3:]}")
    for purpose, parts in others.items():
        signed = Tokens([b"x" * 32]).sign(purpose, *parts)  # type: ignore[arg-type]
        forged.append(pages[purpose][:26] + signed[23:])  # Anna's signature, Ben's parts
        forged.append(f"/a/{signed}")
    for purpose in others:
        forged += [f"/a/{other[0]}{pages[purpose][4:]}" for other in pages if other != purpose]
    for path in forged:
        web.clock.advance(MINUTE)
        fields = {
            "answer": "gladly",
            "score": "9",
            "name": "B",
            "email": "b@x.nl",
            "consent": "yes",
        }
        assert web.client.get(path).status_code == 404
        assert web.client.post(path, data=fields).status_code == 404

    assert contents(web) == before


def test_there_is_no_console(web: World) -> None:
    """What is not built is not served, under no spelling."""
    for path in ("/console", "/console/", "/console/index.html", "/static/page.css", "/docs"):
        assert web.client.get(path).status_code == 404
