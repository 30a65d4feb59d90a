"""Whatever is sent to the web as an event or a webhook, the answer is documented."""

import re
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import anything, spoiled, texts
from tests.workers.bad_input.careless import (
    AUTH,
    EXAMPLES,
    VENDOR,
    as_documented,
    every_event,
    header,
    sent,
)
from tests.workers.web_world import DELIGHTED, KEY, VENDOR_SECRET, World
from workflows.signatures import sign_hmac

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the world


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
