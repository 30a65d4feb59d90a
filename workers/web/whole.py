"""Requests that came whole in one read, answered without a task, a scope and a cycle of their own.

What uvicorn and ASGI do for a request is more than reading and checking an event takes. Most
requests with an event come in one piece, and nothing has to be waited for but the commit: the
application may take those as they are. What it does not take goes on as every other request,
and so does what is still coming: whose answer is the same.
"""

from asyncio import Event
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, TypeAlias, cast

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

Tell: TypeAlias = Callable[[Response], None]
Take: TypeAlias = Callable[[Mapping[str, str], bytes, Tell], bool]
"""Takes headers and body of a request, and tells the answer then or later. False: it does not."""

WHOLE_BYTES_MAX: Final = 8 * 1024
"""Of a body: what takes longer to read is for a task, and a thread beside the event loop."""


def plain_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name; of one that is there twice the first counts, as it always did."""
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in reversed(list(pairs))}


class _Taken:
    """Stands where uvicorn looks for the cycle of a request: what it asks of one."""

    __slots__ = ("disconnected", "keep_alive", "response_complete", "response_started")
    message_event: ClassVar[Event] = Event()
    """For nobody."""

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_started = False
        self.response_complete = False


class WholeProtocol(HttpToolsProtocol):
    """A connection whose application may take whole requests, by `whole`: (method, address)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(*args, **kwargs)
        self._takes: Mapping[tuple[bytes, bytes], Take] = getattr(self.config.app, "whole", {})
        self._take: Take | None = None
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Read on; what is not whole by now goes the usual way."""
        super().data_received(data)
        if self._take is not None and not self.transport.is_closing():
            self._go_on()

    def on_headers_complete(self) -> None:
        """Wait for the body if it may be taken with it."""
        take = self._takes.get((self.parser.get_method(), self.url))
        cycle: RequestResponseCycle | None = self.cycle  # none before the first
        if (
            take is None
            or self.expect_100_continue
            or (cycle is not None and not cycle.response_complete)
            or self.parser.get_http_version() != "1.1"
            or self.parser.should_upgrade()
            or not self.parser.should_keep_alive()
        ):
            super().on_headers_complete()
        else:
            self._take, self._body = take, b""

    def on_body(self, body: bytes) -> None:
        """Keep it; the usual way for one that is too long."""
        if self._take is not None and len(self._body) + len(body) <= WHOLE_BYTES_MAX:
            self._body += body
            return
        self._go_on()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Have it taken."""
        take = self._take
        if take is not None:
            headers = plain_headers(self.headers)
            taken, before = _Taken(), self.cycle
            self.cycle = cast("RequestResponseCycle", taken)
            if take(headers, self._body, partial(self._tell, taken)):
                self._take = None
                return
            self.cycle = before
            self._go_on()
        super().on_message_complete()

    def _go_on(self) -> None:
        """Begin what was waited with: the usual way."""
        if self._take is not None:
            self._take = None
            super().on_headers_complete()
            if self._body:
                super().on_body(self._body)

    def _tell(self, taken: _Taken, response: Response) -> None:
        """Write an answer; it has a length, and headers of our own making."""
        taken.response_started = taken.response_complete = True
        if taken.disconnected or self.transport.is_closing():
            return
        told = [*self.server_state.default_headers, *response.raw_headers]
        if not taken.keep_alive:
            told.append((b"connection", b"close"))
        lines = b"".join([b"%b: %b\r\n" % header for header in told])
        head = STATUS_LINE[response.status_code] + lines
        self.transport.write(b"".join((head, b"\r\n", response.body)))
        if not taken.keep_alive:
            self.transport.close()
        self.on_response_complete()
