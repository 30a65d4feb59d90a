"""Slow, long, many: what a connection may cost, over real sockets."""

import json
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.workers.web_world import KEY, World, migrated, world
from workers.web.connections import CONNECTIONS_MAX, Bounds
from workers.web.wire import Bodies

BOUNDS = Bounds(
    head_bytes=2_000,
    headers=20,
    connections=8,
    head_seconds=0.3,
    body_seconds=0.3,
    answer_seconds=0.3,
)
SLOW = Bounds(head_bytes=2_000, headers=20, connections=8)
"""The same, with as much time as there is: what ends here, ends for another reason."""
SIGNED = f"Host: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path), bounds=BOUNDS) as made:
        yield made


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path), bounds=SLOW) as made:
        yield made


@contextmanager
def connected(web: World) -> Iterator[socket.socket]:
    with socket.create_connection((web.client.base_url.host, web.client.base_url.port or 0)) as s:
        s.settimeout(20)
        yield s


def everything(line: socket.socket) -> bytes:
    """Return what comes until the other side hangs up."""
    said = b""
    try:
        while chunk := line.recv(65_536):
            said += chunk
    except ConnectionResetError:
        pass
    return said


def answered(web: World, sent: bytes) -> bytes:
    with connected(web) as line:
        line.sendall(sent)
        return everything(line)


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1]) if said else 0


def head(size: int, names: int = 3) -> bytes:
    """Return a request for our health with so many bytes counted, in so many headers."""
    start = b"/healthz"
    headers = [(b"host", b"x"), (b"connection", b"close")]
    headers += [(b"x%d" % n, b"") for n in range(names - len(headers) - 1)]
    used = len(start) + sum(len(name) + len(value) for name, value in headers) + len(b"filler")
    headers.append((b"filler", b"f" * (size - used)))
    lines = b"".join(b"%s: %s\r\n" % pair for pair in headers)
    return b"GET " + start + b" HTTP/1.1\r\n" + lines + b"\r\n"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", 0),
        (b"GET /healthz HTTP/1.1\r\nHost", 408),
        (b"\r\n\r\n", 0),
        (f"POST /events HTTP/1.1\r\n{SIGNED}Content-Length: 100\r\n\r\n{{".encode(), 408),
        (f"POST /events HTTP/1.1\r\n{SIGNED}{CHUNKED}\r\n\r\nff\r\n{{".encode(), 408),
        (b"POST /sources/delighted HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", 408),
        (b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", 401),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHo", 200),
        (b"POST /events HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n{", 401),
    ],
)  # fmt: skip
def test_who_does_not_go_on_is_cut_off(hurried: World, sent: bytes, expected: int) -> None:
    """Nothing, half a head, half a body, or half the next request: in the end we hang up."""
    said = answered(hurried, sent)

    assert status(said) == expected
    assert hurried.client.get("/healthz").status_code == 200
    assert hurried.events() == []


def test_a_drop_at_a_time_wins_no_time(hurried: World) -> None:
    """Who sends a byte now and then has as long as who sends none: the part has its time."""
    with connected(hurried) as line:
        line.settimeout(0.05)
        line.sendall(b"GET /healthz HTTP/1.1\r\nx: ")
        said = b""
        for _ in range(400):
            try:
                line.sendall(b"y")
                said += line.recv(100)
            except TimeoutError:
                continue
            except OSError:
                break
            if said:
                break

    assert status(said) in {0, 408}
    assert b"200" not in said


def test_a_head_is_bounded_at_the_edge(patient: World) -> None:
    """A head of the most bytes in the most headers is read; a byte or a header more is 431."""
    most, names = SLOW.head_bytes, SLOW.headers

    assert status(answered(patient, head(most))) == 200
    assert status(answered(patient, head(most + 1))) == 431
    assert status(answered(patient, head(most, names))) == 200
    assert status(answered(patient, head(most, names + 1))) == 431
    told = answered(patient, head(most + 1)).partition(b"\r\n\r\n")[2]
    assert json.loads(told)["error"] == "too_large"


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_end_is_not_kept(patient: World, start: bytes) -> None:
    """An address, a value or a list of headers that goes on for ever ends at the bound."""
    with connected(patient) as line:
        line.sendall(start)
        sent = 0
        try:
            while sent < 200 * SLOW.head_bytes:
                line.sendall(b"y: z\r\n" * 100 if start.endswith(b"\n") else b"y" * 600)
                sent += 600
        except OSError:
            pass
        said = everything(line)

    assert status(said) in {0, 431}  # 0: what we had not read yet made the line break
    assert sent < 200 * SLOW.head_bytes or status(said) == 431


def test_trailers_are_counted_as_headers(patient: World) -> None:
    """Headers after a chunked body count like those before it."""
    start = f"POST /events HTTP/1.1\r\n{SIGNED}{CHUNKED}\r\n\r\n2\r\n[]\r\n0\r\n"

    said = answered(patient, start.encode() + b"t: u\r\n" * 100 + b"\r\n")

    assert status(said) == 431


def test_a_full_house_lets_the_next_one_in(patient: World) -> None:
    """At the most connections those who say nothing make room, the longest waiting first."""
    with ExitStack() as lines:
        idle = [lines.enter_context(connected(patient)) for _ in range(3 * SLOW.connections)]
        idle[-1].sendall(head(200))

        assert status(everything(idle[-1])) == 200
        assert patient.client.get("/healthz").status_code == 200
        assert everything(idle[0]) == b""


def test_those_at_work_are_not_put_out(patient: World) -> None:
    """When nobody waits idly the house is full: who comes is told so, who is in is served."""
    opening = f"POST /events HTTP/1.1\r\n{SIGNED}Connection: close\r\nContent-Length: 2\r\n\r\n["
    with ExitStack() as lines:
        patient.client.close()
        at_work = [lines.enter_context(connected(patient)) for _ in range(SLOW.connections)]
        for line in at_work:
            line.sendall(opening.encode())
        late = lines.enter_context(connected(patient))
        told = everything(late)
        for line in at_work:
            line.sendall(b"]")

        assert status(told) in {0, 503}
        assert {status(everything(line)) for line in at_work} == {202}


def test_who_takes_no_answer_is_not_waited_for(hurried: World) -> None:
    """A client that asks and asks and never reads is cut off; the others are served."""
    with connected(hurried) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        ask = b"GET /openapi.json HTTP/1.1\r\nx: " + b"y" * 1_000 + b"\r\n\r\n"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            line.sendall(ask * 100_000)

    assert hurried.client.get("/healthz").status_code == 200


def test_bodies_on_their_way_are_bounded_together(patient: World) -> None:
    """When others' unfinished bodies fill the bound, the next is 503 until they are through."""
    patient.app.state.bodies = bodies = Bodies(most=20)
    opening = f"POST /events HTTP/1.1\r\n{SIGNED}Connection: close\r\nContent-Length: 18\r\n\r\n"
    with connected(patient) as line:
        line.sendall(opening.encode() + b"[" + b" " * 16)
        answers = [_until(patient, {503}, b"[  ]"), _until(patient, {202}, b"[ ]")]
        line.sendall(b"]")

        assert answers == [503, 202]
        assert status(everything(line)) == 202
    assert _until(patient, {202}, b"[" + b" " * 18 + b"]") == 202
    assert _until(patient, {503}, b"[" + b" " * 19 + b"]") == 503
    assert bodies.held == 0


def _until(web: World, wanted: set[int], body: bytes) -> int:
    """Post until the answer is what will come as soon as the other side has read what it has."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    for _ in range(1_000):
        found = web.client.post("/events", content=body, headers=headers).status_code
        if found in wanted:
            break
    return found


def test_ten_thousand_visitors_leave_room_for_one_more(tmp_path: Path) -> None:
    """However many hold half a head each, so many are in and the next one is served."""
    needed = 10_000 + CONNECTIONS_MAX + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        reason = f"this takes {needed} open files, and {hard} are allowed"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    with world(migrated(tmp_path)) as web, ExitStack() as lines:
        for _ in range(10_000):
            lines.enter_context(connected(web)).sendall(b"GET / HTTP/1.1\r\nx: y")
        found = web.client.get("/healthz").status_code
        ours = web.client.base_url.port
        lines_of_both = psutil.Process().net_connections("tcp")
        held = sum(each.laddr[1] == ours and bool(each.raddr) for each in lines_of_both)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert found == 200
    assert held <= CONNECTIONS_MAX


def test_requests_one_after_another_are_not_hurried(hurried: World) -> None:
    """A connection in use lives longer than any of its parts may take."""
    for _ in range(30):
        assert hurried.client.get("/readyz").status_code == 200
