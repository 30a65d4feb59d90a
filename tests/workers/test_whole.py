"""Requests that come whole in one read: the same answers, counts and rows as any other way."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.tables_beside import RejectRow
from tests.workers.web_world import KEY, World, migrated, world
from workers.group_commit import PARSED_AT_ONCE_MAX
from workers.web.connections import Bounds
from workers.web.whole import WHOLE_BYTES_MAX, Tell

SLOWLY = "Expect: 100-continue\r\n"
"""Who asks first whether to go on is answered the usual way."""
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
SIGNED = f"Authorization: Bearer {KEY}\r\n"
STRUCTURED = f"{SIGNED}Content-Type: application/cloudevents+json\r\n"
BATCH = f"{SIGNED}Content-Type: application/cloudevents-batch+json\r\n"
BINARY = (
    f"{SIGNED}ce-specversion: 1.0\r\nce-id: b-1\r\nce-source: crm\r\nce-type: nps.answered\r\n"
    "ce-subject: contact/c-1\r\n"
)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path), bounds=Bounds()) as made:
        yield made


def event(name: str = "e-1", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": name, "source": "crm", "type": "nps.answered",
        "subject": "contact/c-1", "data": {"response": name, "score": 9},
    } | changes  # fmt: skip


def request(headers: str, body: object, *, last: bool = False) -> bytes:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    more = "Connection: close\r\n" if last else ""
    head = f"POST /events HTTP/1.1\r\nHost: x\r\n{headers}{more}"
    return f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


def answers(web: World, *requests: bytes) -> list[bytes]:
    """Send everything at once; return the answers, without what tells the time."""
    address = (web.client.base_url.host, web.client.base_url.port or 0)
    said = b""
    with socket.create_connection(address) as line:
        line.settimeout(20)
        line.sendall(b"".join(requests))
        while said.count(b"HTTP/1.1 ") < len(requests) or not said.endswith(b"}"):
            said += line.recv(65_536)
    lines = said.replace(GO_ON, b"").split(b"\r\n")
    told = b"\r\n".join(each for each in lines if not each.startswith(b"date:"))
    return told.split(b"HTTP/1.1 ")[1:]


ASKED: list[tuple[str, object]] = [
    (STRUCTURED, event()),
    (STRUCTURED, event()),
    (STRUCTURED, event("e-2", source="erp")),
    (STRUCTURED, event("e-3", type="nps.answred")),
    (STRUCTURED, event("e-4", subject=None)),
    (STRUCTURED, b"{"),
    (STRUCTURED, event("e-5", data={"response": "r" * WHOLE_BYTES_MAX, "score": 9})),
    (BATCH, [event("e-6"), event("e-7", type="x")]),
    (BATCH, [event(f"f-{number}") for number in range(PARSED_AT_ONCE_MAX + 1)]),
    (f"{SIGNED}Content-Encoding: gzip\r\n", b"\x1f\x8b"),
    (f"{SIGNED}Content-Type: text/plain\r\n", b"hello"),
    (BINARY, {"response": "b-1", "score": 3}),
    ("Content-Type: application/cloudevents+json\r\n", event("e-8")),
    ("Authorization: Bearer vk_nobody\r\n", event("e-9")),
    (f"{STRUCTURED}Authorization: Bearer vk_nobody\r\n", event("e-10")),
]  # fmt: skip


def test_whole_requests_are_answered_like_any_other(web: World, tmp_path: Path) -> None:
    """Status, headers and body, what is stored, refused and counted: all the same."""
    (tmp_path / "other").mkdir()
    with world(migrated(tmp_path / "other"), bounds=Bounds()) as other:
        for headers, body in ASKED:
            (whole,) = answers(web, request(headers, body))
            (usual,) = answers(other, request(headers + SLOWLY, body))
            assert whole == usual

        assert [each["id"] for each in web.events()] == [each["id"] for each in other.events()]
        assert refusals(web) == refusals(other)
        assert counted(web) == counted(other)


def refusals(web: World) -> list[tuple[str, str, str]]:
    return [(row["event"], row["verdict"], row["reason"]) for row in web.rows(RejectRow)]


def counted(web: World) -> list[str]:
    names = ("vouch_http_requests_total", "vouch_intake", "vouch_http_request_seconds_count")
    lines = web.client.get("/metrics").text.splitlines()
    return sorted(line for line in lines if line.startswith(names) and "created" not in line)


def test_of_a_header_that_is_there_twice_the_first_counts(web: World) -> None:
    """Whichever way the request goes."""
    twice = f"{STRUCTURED}Authorization: Bearer vk_nobody\r\n"
    for number, headers in enumerate((twice, twice, twice + SLOWLY)):
        (said,) = answers(web, request(headers, event(f"e-{number}")))
        assert said.startswith(b"202")


def test_a_single_is_taken_without_a_task(web: World) -> None:
    """Once its key is known; before, and in pieces, it goes the usual way."""
    taken: list[bool] = []
    whole = web.app.whole[b"POST", b"/events"]

    def counting(headers: Any, body: bytes, tell: Tell) -> bool:
        taken.append(whole(headers, body, tell))
        return taken[-1]

    web.app.whole[b"POST", b"/events"] = counting
    for number in range(3):
        answers(web, request(STRUCTURED, event(f"e-{number}")))

    assert taken == [False, True, True]


def test_requests_in_one_write_are_answered_in_order(web: World) -> None:
    """What comes before an answer waits for it, whichever way each is taken."""
    answers(web, request(STRUCTURED, event("first")))
    sent = [request(STRUCTURED, event(f"e-{number}"), last=number == 4) for number in range(5)]
    said = answers(web, *sent)

    assert [json.loads(each.split(b"\r\n\r\n")[1])["events"][0]["id"] for each in said] == [
        f"e-{number}" for number in range(5)
    ]
    assert b"connection: close" in said[-1]
