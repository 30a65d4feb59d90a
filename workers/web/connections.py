"""What a connection may cost before anything is known of who it is.

uvicorn waits for ever for the rest of a request, keeps a head however long it is, and takes
connections until there are no more files to open. One person with a slow script could hold
all of it. Here each part of a request has its time and its size, and when the house is full
the connection goes that has kept us waiting for longest, so that who comes to say something
gets in.
"""

from asyncio import BaseTransport, Protocol, TimerHandle, Transport
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, NoReturn, cast

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from workers.web.whole import WholeProtocol

HEAD_BYTES_MAX: Final = 32 * 1024
"""Of the address and all headers together; trailers count as well."""
HEADERS_MAX: Final = 100
CONNECTIONS_MAX: Final = 4_096
"""Open at once; past it those that wait for nothing else than their client are closed."""

HEAD_SECONDS_MAX: Final = 10.0
"""From a connection, or from the first byte of a request, to the end of its head."""
BODY_SECONDS_MAX: Final = 30.0
"""From the end of the head to the end of the body."""
ANSWER_SECONDS_MAX: Final = 30.0
"""For a client to take what it asked for."""

_MEANINGS: Final = {
    400: ("malformed", "this is no HTTP request"),
    408: ("timeout", "the rest of the request did not come"),
    431: ("too_large", "the address and the headers are too long or too many"),
    503: ("unavailable", "too many connections"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much and how long; see the constants of the same names."""

    head_bytes: int = HEAD_BYTES_MAX
    headers: int = HEADERS_MAX
    connections: int = CONNECTIONS_MAX
    head_seconds: float = HEAD_SECONDS_MAX
    body_seconds: float = BODY_SECONDS_MAX
    answer_seconds: float = ANSWER_SECONDS_MAX


class _Part(Enum):
    """What is to come next from the client."""

    HEAD = 1
    BODY = 2
    NOTHING = 3


class BoundedProtocol(WholeProtocol):
    """A connection within bounds; made by `bounded`."""

    bounds: ClassVar[Bounds]
    idle: ClassVar[OrderedDict["BoundedProtocol", None]]
    """Those that wait for a request, the longest waiting first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(*args, **kwargs)
        self._coming = _Part.HEAD
        self._timed = _Part.NOTHING
        self._timer: TimerHandle | None = None
        self._writing: TimerHandle | None = None
        self._head = 0
        self._split = 0
        self._requests = 0
        self._status = 400

    def connection_made(self, transport: BaseTransport) -> None:
        """Let it in; make room if there is none."""
        super().connection_made(cast("Transport", transport))
        if len(self.connections) > self.bounds.connections:
            if not self.idle:
                self._refuse(503)
                return
            longest, _ = self.idle.popitem(last=False)
            longest.transport.abort()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.idle.pop(self, None)
        for timer in (self._timer, self._writing):
            if timer is not None:
                timer.cancel()
        self._timer = self._writing = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that comes in pieces may have no more bytes than one in one piece."""
        before = (self._requests, self._coming)
        super().data_received(data)
        if self._coming is _Part.HEAD and before == (self._requests, _Part.HEAD):
            self._split += len(data)
            if self._split > self.bounds.head_bytes:
                self._refuse(431)
                return
        self._watch()

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._coming = _Part.HEAD
        self._head = self._split = 0
        self._requests += 1

    def on_url(self, url: bytes) -> None:
        """Count the address."""
        super().on_url(url)
        self._head += len(url)
        if self._head > self.bounds.head_bytes:
            self._too_long()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header, or a trailer."""
        super().on_header(name, value)
        self._head += len(name) + len(value)
        if self._head > self.bounds.head_bytes or len(self.headers) > self.bounds.headers:
            self._too_long()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._coming = _Part.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more."""
        self._coming = _Part.NOTHING
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that cannot be read."""
        self._refuse(self._status)

    # What uvicorn does

    def on_response_complete(self) -> None:
        """Wait for the next request; who does not take the answer is not waited for."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._await_taking()
        if not self.pipeline and not self.transport.is_closing():
            self.idle[self] = None

    def pause_writing(self) -> None:
        """Wait for the client to take what is there, and not for ever."""
        super().pause_writing()
        self._await_taking()

    # Ours

    def _busy(self) -> bool:
        """Tell whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first
        return cycle is not None and not cycle.response_complete

    def _too_long(self) -> NoReturn:
        self._status = 431
        raise ValueError  # the parser makes an error of its own of it

    def _watch(self) -> None:
        """Have a timer for what is to come, if anything is."""
        if self.transport.is_closing():
            return
        coming = self._coming
        if coming is _Part.NOTHING and not self._busy():
            coming = _Part.HEAD  # line breaks between requests begin none, and keep us busy
        if coming is _Part.HEAD:
            self.idle.setdefault(self)
        else:
            self.idle.pop(self, None)
        if coming is self._timed:
            return
        self._timed = coming
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if coming is not _Part.NOTHING:
            self._start(coming)

    def _start(self, part: _Part) -> None:
        seconds = self.bounds.head_seconds if part is _Part.HEAD else self.bounds.body_seconds
        self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        """Give up on a client, unless it is us that it waits for."""
        busy = self._busy()
        if busy and (self._timed is _Part.HEAD or self.flow.read_paused):
            self._start(self._timed)
        elif self._requests == 0 or (self._timed is _Part.BODY and not busy):
            self.transport.abort()  # there is nothing to answer, or it has been answered
        else:
            self._refuse(408)

    def _await_taking(self) -> None:
        if self._writing is None:
            self._writing = self.loop.call_later(self.bounds.answer_seconds, self._untaken)

    def _untaken(self) -> None:
        self._writing = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, status: int) -> None:
        """Answer what no endpoint will answer, and close."""
        if self.transport.is_closing():
            return
        if self._busy():
            cycle = self.cycle
            if cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            cycle.disconnected = True  # the endpoint that waits for the rest hears of it
            cycle.message_event.set()
        error, message = _MEANINGS[status]
        body = orjson.dumps({"error": error, "message": message, "field": "", "hint": ""})
        head = (
            b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._await_taking()


def bounded(bounds: Bounds) -> type[Protocol]:
    """Return the protocol of one server: a class, as uvicorn wants it."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds, "idle": OrderedDict()})
