"""Answers as servers send them, well and badly, over a pair of sockets."""

import socket
from collections.abc import Iterator

import pytest

from workers.channels.base import ChannelError
from workers.channels.http1 import BODY_BYTES_MAX, HEAD_BYTES_MAX, INTERIM_MAX, Line, Place

HOST = {"Host": "shop.example"}
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket]]:
    """Give a line as if it had been opened, and the other side's end of its connection."""
    near, far = socket.socketpair()
    made = Line(Place("127.0.0.1", 9, "shop.example", None), timeout=0.2)
    near.settimeout(0.2)
    far.settimeout(5)
    made.socket = near
    yield made, far
    near.close()
    far.close()


@pytest.mark.parametrize(
    ("said", "status", "body", "stands"),
    [
        (OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
        (OK + b"content-LENGTH:2\r\n\r\nhi", 200, b"hi", True),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
        (b"HTTP/1.1 204 \r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, b"", True),
        (EARLY + OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
        (CHUNKED + b"2;x=y\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", 200, b"hi!", True),
        (CHUNKED + b"0\r\nTrailer: x\r\n\r\n", 200, b"", True),
        (OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi", 200, b"hi", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
        (OK + b"Content-Length: 5\r\n\r\nhi", 200, b"hi", False),
        (CHUNKED + b"zz\r\nhi", 200, b"", False),
        (CHUNKED + b"2\r\nhi!!", 200, b"hi", False),
        (OK + b"Content-Length: 2\r\n\r\nhi, and more", 200, b"hi", False),
        (OK + b"\r\nhi", 200, b"hi", False),
    ],
)  # fmt: skip
def test_an_answer_is_read_to_its_end(
    ends: tuple[Line, socket.socket], said: bytes, status: int, body: bytes, *, stands: bool
) -> None:
    """The status is certain, the body what came; a doubtful end ends the connection."""
    ours, far = ends
    far.sendall(said)

    answer = ours.request("POST", "/hook?a=1", HOST, b"body")

    assert (answer.status, answer.body) == (status, body)
    assert (ours.socket is not None) == stands
    assert far.recv(4096) == (
        b"POST /hook?a=1 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\n\r\nbody"
    )


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n", EARLY * INTERIM_MAX, OK + b"A" * (HEAD_BYTES_MAX + 1),
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        OK + b"Content-Length: -1\r\n\r\nhi", OK + b"Transfer-Encoding: gzip\r\n\r\nhi",
    ],
)  # fmt: skip
def test_what_is_no_answer_leaves_doubt(ends: tuple[Line, socket.socket], said: bytes) -> None:
    """Something was sent, and what came back says nothing of what became of it."""
    ours, far = ends
    far.sendall(said)

    with pytest.raises(ChannelError) as caught:
        ours.request("POST", "/", HOST, b"")

    assert caught.value.outcome == "uncertain"
    assert ours.socket is None


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/ HTTP/1.1\r\nX: y", {}), ("", {}), ("/\x00", {}), ("http://other/", {}),
        ("/", {"X": "a\r\nY: b"}), ("/", {"X\r\nY": "b"}), ("/", {"X": "\u20ac"}), ("/", {"": "b"}),
    ],
)  # fmt: skip
def test_data_cannot_write_requests(
    ends: tuple[Line, socket.socket], target: str, headers: dict[str, str]
) -> None:
    """What is no target, no name and no value is refused before a byte leaves."""
    ours, far = ends

    with pytest.raises(ChannelError) as caught:
        ours.request("POST", target, HOST | headers, b"")

    assert caught.value.outcome == "refused"
    far.settimeout(0)
    with pytest.raises(BlockingIOError):
        far.recv(1)


def test_a_line_that_spoke_unasked_is_not_used_again(ends: tuple[Line, socket.socket]) -> None:
    """An answer that nobody asked for is not taken for the next one's: the line is replaced."""
    ours, far = ends
    far.sendall(OK + b"Content-Length: 0\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n")
    ours.request("POST", "/", HOST, b"")

    with pytest.raises(ChannelError) as caught:
        ours.open(lambda _line: None)  # where it would connect to, nobody listens

    assert caught.value.outcome == "retry"


def test_a_chunk_is_not_read_further_than_the_bound(ends: tuple[Line, socket.socket]) -> None:
    """Of a chunk that promises more only the first bytes are kept, and the line ends."""
    ours, far = ends
    size = f"{BODY_BYTES_MAX + 1:x}".encode()
    far.sendall(CHUNKED + size + b"\r\n" + b"x" * BODY_BYTES_MAX)

    answer = ours.request("POST", "/", HOST, b"")

    assert (len(answer.body), ours.socket) == (BODY_BYTES_MAX, None)
