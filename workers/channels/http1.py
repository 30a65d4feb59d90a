"""Requests to one place over one connection, one after another; HTTP itself is h11's.

A general client spends a millisecond of processor time on a request, h11 over a socket of our
own a fraction of that, and here stands what a client would hide: what is certain when something
breaks. A connection is used again only where the end of an answer is beyond doubt.
"""

import select
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

import h11

from workers.channels.base import ChannelError, Outcome

BODY_BYTES_MAX = 64 * 1024
HEAD_BYTES_MAX = 64 * 1024
INTERIM_MAX = 8
"""Answers that announce the answer, like 103, before somebody is taken to make fun of us."""

_CHUNK = 64 * 1024


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
    """The other side ended the connection, or never comes to an answer."""


class Line:
    """A connection to one place, opened by the first request and again when it has ended.

    Args:
        place: Where to.
        timeout: Seconds to wait for each step: connecting, writing, each read, a body.
    """

    def __init__(self, place: Place, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._http = _fresh()
        self.socket: socket.socket | None = None

    def open(self, opened: Callable[[socket.socket], None]) -> None:
        """Connect, unless a connection stands; `opened` hears of it before TLS is agreed on.

        Raises:
            ChannelError: `retry`: nothing was sent.
        """
        if self.socket is not None and not _is_readable(self.socket):
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
        data = self._written(method, target, headers, body)
        try:
            if self.socket is None:
                raise _EndedError("not connected")
            self.socket.sendall(data)
            head = self._head()
        except (OSError, ValueError, h11.ProtocolError) as error:
            self.close()
            raise _failed("no answer", error, "uncertain") from None
        found = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return Answer(head.status_code, found, self._body())

    def close(self) -> None:
        """End the connection."""
        line, self.socket, self._http = self.socket, None, _fresh()
        if line is not None:
            line.close()

    def _written(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Return a request's bytes: h11 refuses what would be more than one."""
        listed = [*headers.items(), ("Content-Length", str(len(body)))]
        try:
            request = h11.Request(method=method, target=target, headers=listed)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            request = None
        if request is None or not target.startswith("/"):
            raise ChannelError("no valid request", outcome="refused")
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self._http.send(event) or b"" for event in events)

    def _head(self) -> h11.Response:
        for _ in range(INTERIM_MAX):
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self._read())
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                break
        raise _EndedError("no final answer")

    def _body(self) -> bytes:
        """Return the beginning of the body; whatever becomes of it, the status is certain."""
        body, whole = bytearray(), False
        end = monotonic() + self._timeout
        try:
            while len(body) <= BODY_BYTES_MAX:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if monotonic() >= end:
                        break
                    self._http.receive_data(self._read(ended=b""))
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    whole = isinstance(event, h11.EndOfMessage)
                    break
        except (OSError, h11.RemoteProtocolError):
            whole = False
        said_more = bool(self._http.trailing_data[0])
        if whole and not said_more and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        return bytes(body[:BODY_BYTES_MAX])

    def _read(self, ended: bytes | None = None) -> bytes:
        """Return what comes next; `ended` where nothing comes any more, which is an error else.

        Raises:
            OSError: Nothing came in time, or nothing comes any more.
        """
        more = self.socket.recv(_CHUNK) if self.socket is not None else b""
        if more:
            return more
        if ended is None:
            raise _EndedError("ended")
        return ended


def _fresh() -> h11.Connection:
    return h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)


def _is_readable(line: socket.socket) -> bool:
    """Tell whether something came unasked: of an idle connection mostly that it has ended."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))


def _failed(what: str, error: Exception, outcome: Outcome) -> ChannelError:
    return ChannelError(f"{what}: {type(error).__name__}", outcome=outcome)
