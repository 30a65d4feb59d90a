"""Requests and answers: bodies read within a bound, errors told alike everywhere."""

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar, cast

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.content_modes import BATCH_BYTES_MAX
from events.errors import VouchError
from events.refusals import EventError, EventTooLargeError, MalformedEventError
from store.errors import is_transient
from workers.verdicts import RETRY_AFTER, IntakeError
from workers.web.whole import Take, Tell, plain_headers

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Found = TypeVar("Found")
Begin: TypeAlias = Callable[[Mapping[str, str], bytes], Future[Found] | None]

JSON: Final = "application/json"
BODIES_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of bodies that are still coming in, together: before a signature is checked, whoever comes
may send one."""

_JSON_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-type", JSON.encode()),
)
_RETRY: Final = {"Retry-After": str(int(RETRY_AFTER.total_seconds()))}

Child = TypeVar("Child", Counter, Histogram)

log = structlog.get_logger("vouch.web")


class HttpError(VouchError):
    """A request that is answered with an error.

    Attributes:
        status: The HTTP status.
        error: Stable word for the body; never reworded.
        field: What of the request is wrong, where it is one thing.
        headers: More headers for the answer.
    """

    code = "http"

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        field: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.error = error
        self.field = field
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the answer."""
        body = {
            "error": self.error,
            "message": str(self),
            "field": self.field,
            "hint": self.hint,
        }
        return JsonResponse(body, status=self.status, headers=self.headers)


class Bodies:
    """Counts the bytes of bodies that are coming in. For one event loop."""

    def __init__(self, most: int = BODIES_BYTES_MAX) -> None:
        self._most = most
        self.held = 0

    def take(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            HttpError: All bodies together would be more than may be held.
        """
        if self.held + size > self._most:
            raise HttpError(
                503, "unavailable", "too much is coming in", hint="send it again", headers=_RETRY
            )
        self.held += size


class ByLabels(dict[tuple[str, ...], Child]):
    """A metric's children by their labels: the metric itself checks and locks at each look."""

    def __init__(self, metric: MetricWrapperBase) -> None:
        self._metric = metric

    def __missing__(self, labels: tuple[str, ...]) -> Child:
        self[labels] = child = cast("Child", self._metric.labels(*labels))
        return child


COUNTED: Final = {
    "vouch_http_requests": ("Requests answered.", ("route", "status")),
    "vouch_http_request_seconds": ("How long requests took.", ("route",)),
    "vouch_intake_events": ("Events by verdict.", ("status", "reason")),
}
"""What this process counts since it began: by its name what it says, and its labels."""


class Metrics:
    """What is counted of requests and events."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests: ByLabels[Counter] = ByLabels(
            Counter(*_counted("vouch_http_requests"), registry=registry)
        )
        self.seconds: ByLabels[Histogram] = ByLabels(Histogram(
            *_counted("vouch_http_request_seconds"),
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
        ))  # fmt: skip
        self.events: ByLabels[Counter] = ByLabels(
            Counter(*_counted("vouch_intake_events"), registry=registry)
        )


def _counted(name: str) -> tuple[str, str, tuple[str, ...]]:
    says, labels = COUNTED[name]
    return name, says, labels


class JsonResponse(Response):
    """A JSON answer that no cache keeps; its usual headers are written once for all."""

    def __init__(
        self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = status
        self.background = None
        self.body = orjson.dumps(body)
        self.raw_headers = [*_JSON_HEADERS, (b"content-length", b"%d" % len(self.body))]
        for name, value in (headers or {}).items():
            self.headers[name] = value


def headers_of(request: Request) -> dict[str, str]:
    """Return a request's headers, read once: Starlette looks through all of them for each."""
    return plain_headers(request.scope["headers"])


async def read_body(
    request: Request, headers: Mapping[str, str], most: int = BATCH_BYTES_MAX
) -> bytes:
    """Return the body, having kept no more than `most` bytes of it at any time.

    Raises:
        EventTooLargeError: It is longer, or says that it is.
        HttpError: Its length is no number, it is compressed (a small body can become any
            size), or too much comes in from everybody.
        ClientDisconnect: Its client left in the middle of it.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise HttpError(
            415,
            "malformed",
            "content-encoding: only plain bodies are read",
            field="content-encoding",
            hint="send it uncompressed",
        )
    announced = headers.get("content-length")
    if announced is not None:
        if not (announced.isascii() and announced.isdecimal()):
            raise HttpError(400, "malformed", "content-length: must be a number")
        if int(announced) > most:
            raise _too_large(most)
    bodies: Bodies = request.app.state.bodies
    chunks: list[bytes] = []
    size = 0
    more = True
    try:
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk, more = message.get("body", b""), message.get("more_body", False)
            if size + len(chunk) > most:
                raise _too_large(most)
            bodies.take(len(chunk))
            size += len(chunk)
            chunks.append(chunk)
    finally:
        bodies.held -= size
    return b"".join(chunks)


def _too_large(most: int) -> EventTooLargeError:
    return EventTooLargeError(f"a request has at most {most} bytes", hint="send smaller batches")


class Guarded:
    """An endpoint as an ASGI application: its errors are answers, and it is counted."""

    def __init__(self, route: str, endpoint: Endpoint, metrics: Metrics) -> None:
        self._route = route
        self._endpoint = endpoint
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        began = perf_counter()
        try:
            response = await self._endpoint(Request(scope, receive, send))
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - the client gets an answer, whatever it was
            response = self._error(error)
        self._count(response, began)
        await response(scope, receive, send)

    def whole(self, begin: Begin[Found], answer: Callable[[Found], Response]) -> Take:
        """Return the same for requests that came whole.

        Args:
            begin: The endpoint's beginning, which waits for nothing; None if it has to.
            answer: What the endpoint answers, once what was begun is done.
        """

        def take(headers: Mapping[str, str], body: bytes, tell: Tell) -> bool:
            began = perf_counter()

            def done(found: Future[Found]) -> None:
                try:
                    response = answer(found.result())
                except Exception as error:  # noqa: BLE001 - as above
                    response = self._error(error)
                self._count(response, began)
                tell(response)

            try:
                found = begin(headers, body)
            except Exception as error:  # noqa: BLE001 - as above
                found = get_running_loop().create_future()
                found.set_exception(error)
            if found is not None:
                found.add_done_callback(done)
            return found is not None

        return take

    def _error(self, error: Exception) -> Response:
        return http_error(error, route=self._route).response()

    def _count(self, response: Response, began: float) -> None:
        self._metrics.requests[self._route, str(response.status_code)].inc()
        self._metrics.seconds[(self._route,)].observe(perf_counter() - began)


def http_error(error: Exception, *, route: str) -> HttpError:
    """Return the answer to an error; one that nobody foresaw is logged without its message."""
    if isinstance(error, HttpError):
        return error
    told = _foreseen(error)
    if told is not None:
        return told
    if is_transient(error):
        log.warning("request.postponed", route=route, error=type(error).__name__)
        return HttpError(
            503, "unavailable", "the database does not answer", hint="try again", headers=_RETRY
        )
    log.error("request.failed", route=route, error=type(error).__name__, exc_info=_where(error))
    return HttpError(500, "internal", "something is wrong on our side", hint="it has been logged")


def _foreseen(error: Exception) -> HttpError | None:
    match error:
        case EventError():
            return HttpError(
                _status(error), error.reason, str(error), field=error.field, hint=error.hint
            )
        case IntakeError():
            after = {"Retry-After": str(int(error.retry_after.total_seconds()))}
            return HttpError(error.http, error.code, str(error), hint=error.hint, headers=after)
        case VouchError(code="no-programme"):
            return HttpError(503, error.code, str(error), hint=error.hint, headers=_RETRY)
        case HTTPException():
            words = error.detail.lower().replace(" ", "_")
            return HttpError(error.status_code, words, error.detail, headers=error.headers)
        case _:
            return None


def _status(error: EventError) -> int:
    if isinstance(error, EventTooLargeError):
        return 413
    if isinstance(error, MalformedEventError):
        return 415 if error.field == "content-type" else 400
    return 422


def _where(error: Exception) -> Any:  # noqa: ANN401
    """Return the traceback under an error without a message: messages may hold what was sent."""
    bare = RuntimeError("see the place")
    return (type(bare), bare, error.__traceback__)
