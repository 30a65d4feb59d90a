"""HTTP/1.1 as little of it as signed requests need: one connection, one request after another.

A general client spends a millisecond of processor time on a request, this one a twentieth of
that. It asks for nothing it would have to understand (no compression, no redirects, no
cookies), reads a status, a header or two and the beginning of a body, and uses a connection
again only where the answer's end is beyond doubt.
"""

import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from workers.channels.base import ChannelError, Outcome

BODY_BYTES_MAX = 64 * 1024
HEAD_BYTES_MAX = 64 * 1024
INTERIM_MAX = 8
"""Answers that announce the answer, like 103, before somebody is taken to make fun of us."""

_CHUNK = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_TARGET = re.compile(r"/[\x21-\x7e]*")
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_INTERIM, _BODILESS = range(100, 200), frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body's first `BODY_BYTES_MAX` bytes, headers by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: an address that is a number, and the name on the certificate."""

    address: str
    port: int
    name: str
    tls: ssl.SSLContext | None


class _EndedError(OSError):
    """The other side ended the connection, or said what is not HTTP."""


class Line:
    """A connection to one place, opened by the first request and again when it has ended.

    Args:
        place: Where to.
        timeout: Seconds to wait for each step: connecting, writing, each read, a body.
    """

    def __init__(self, place: Place, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._rest = b""
        self.socket: socket.socket | None = None

    def open(self, opened: Callable[[socket.socket], None]) -> None:
        """Connect, unless a connection stands; `opened` hears of it before TLS is agreed on.

        Raises:
            ChannelError: `retry`: nothing was sent.
        """
        if self.socket is not None and not self._rest and not _is_readable(self.socket):
            opened(self.socket)
            return
        self.close()  # ended while nobody listened, or it said more than it was asked
        place = self._place
        try:
            self.socket = socket.create_connection((place.address, place.port), self._timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened(self.socket)
            if place.tls is not None:
                self.socket = secure = place.tls.wrap_socket(
                    self.socket, server_hostname=place.name, do_handshake_on_connect=False
                )
                opened(secure)
                secure.do_handshake()
        except (OSError, ValueError) as error:
            self.close()
            raise _failed("no connection", error, "retry") from None

    def request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Make one request over the connection that is open.

        Raises:
            ChannelError: `refused`: it cannot be written, and nothing was sent; `uncertain`:
                something was sent, and no answer came.
        """
        head = _head(method, target, {**headers, "Content-Length": str(len(body))})
        try:
            if self.socket is None:
                raise _EndedError("not connected")
            self.socket.sendall(head + body)
            return self._answer()
        except (OSError, ValueError) as error:
            self.close()
            raise _failed("no answer", error, "uncertain") from None

    def close(self) -> None:
        """End the connection."""
        line, self.socket, self._rest = self.socket, None, b""
        if line is not None:
            line.close()

    def _answer(self) -> Answer:
        for _ in range(INTERIM_MAX):
            while (end := self._rest.find(b"\r\n\r\n")) < 0:
                if len(self._rest) > HEAD_BYTES_MAX:
                    raise _EndedError("no end of headers")
                self._rest += self._read()
            head, self._rest = self._rest[:end], self._rest[end + 4 :]
            first, *lines = head.split(b"\r\n")
            found = _STATUS.fullmatch(first)
            if found is None:
                raise _EndedError("no HTTP")
            status = int(found[2])
            if status not in _INTERIM:
                headers = _headers(lines)
                body = self._body(status, headers, lasting=found[1] == b"1")
                return Answer(status, headers, body)
        raise _EndedError("no final answer")

    def _body(self, status: int, headers: Mapping[str, str], *, lasting: bool) -> bytes:
        """Return the beginning of the body; whatever becomes of it, the status is certain."""
        coding, length = headers.get("transfer-encoding", ""), headers.get("content-length", "")
        lasting = lasting and "close" not in headers.get("connection", "").lower()
        body, whole = b"", False
        end = monotonic() + self._timeout
        try:
            if status in _BODILESS:
                whole = True
            elif coding.lower() == "chunked" and not length:
                body, whole = self._chunked(end)
            elif length.isascii() and length.isdigit() and len(length) < 16 and not coding:  # noqa: PLR2004 - more bytes than anybody has
                wanted = int(length)
                body = self._take(min(wanted, BODY_BYTES_MAX), end)
                whole = len(body) == wanted
            else:
                body = self._take(BODY_BYTES_MAX, end)
        except (OSError, ValueError):
            body, whole = body or self._rest, False
        if not (whole and lasting):
            self.close()
        return body[:BODY_BYTES_MAX]

    def _take(self, size: int, end: float) -> bytes:
        """Return so many bytes, or fewer where no more come in time."""
        while len(self._rest) < size:
            try:
                more = self._read() if monotonic() < end else b""
            except OSError:
                more = b""
            if not more:
                break
            self._rest += more
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _chunked(self, end: float) -> tuple[bytes, bool]:
        """Return a body that comes in chunks, and whether all of it was read."""
        body = b""
        while len(body) < BODY_BYTES_MAX:
            line = self._line(end)
            size = line.partition(b";")[0].strip()
            if not _HEX.fullmatch(size):
                return body, False
            wanted = int(size, 16)
            if not wanted:
                while line := self._line(end):
                    if line == b"\n":
                        return body, False
                return body, True
            chunk = self._take(min(wanted, BODY_BYTES_MAX), end)
            body += chunk
            if len(chunk) < wanted or self._take(2, end) != b"\r\n":
                return body, False
        return body, False

    def _line(self, end: float) -> bytes:
        """Return a line of the chunks' frame; one that does not end is told by a line end."""
        while (found := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > HEAD_BYTES_MAX or monotonic() >= end:
                return b"\n"
            self._rest += self._read()
        line, self._rest = self._rest[:found], self._rest[found + 2 :]
        return line

    def _read(self) -> bytes:
        """Return what comes next.

        Raises:
            OSError: Nothing came in time, or nothing comes any more.
        """
        more = self.socket.recv(_CHUNK) if self.socket is not None else b""
        if not more:
            raise _EndedError("ended")
        return more


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    plain = all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(headers[name]) for name in headers)
    if not plain or not _TARGET.fullmatch(target) or not _TOKEN.fullmatch(method):
        raise ChannelError("no valid request", outcome="refused")
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("ascii")


def _headers(lines: list[bytes]) -> dict[str, str]:
    """Return headers by name; of two with one name both, so that neither is taken for all."""
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.strip().lower(), value.strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _is_readable(line: socket.socket) -> bool:
    """Tell whether something came unasked: of an idle connection mostly that it has ended."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))


def _failed(what: str, error: Exception, outcome: Outcome) -> ChannelError:
    return ChannelError(f"{what}: {type(error).__name__}", outcome=outcome)
