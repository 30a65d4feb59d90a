"""The web application: every route, put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from workers.compose import Process
from workers.console.site import Console
from workers.group_commit import GroupCommit
from workers.web.answers import Answers
from workers.web.auth import KeyRing
from workers.web.events import EventsEndpoint, SourcesEndpoint
from workers.web.health import Health
from workers.web.openapi import OpenApi
from workers.web.rules_page import RulesPage
from workers.web.services import Services
from workers.web.sharing import Sharing
from workers.web.whole import Take
from workers.web.wire import Bodies, Guarded, Metrics, http_error


class WebApp(Starlette):
    """Starlette, asked only about addresses that are not known word for word.

    Its middleware and its router cost more than an event does, and what has one address and one
    method needs neither: all that they would do is done by `Guarded`. Where somebody has put
    routes of their own among ours, Starlette is asked about everything.
    """

    def __init__(self, routes: Sequence[Route], lifespan: Lifespan[Starlette]) -> None:
        handlers = {404: _not_found, 405: _not_found}
        super().__init__(routes=routes, exception_handlers=handlers, lifespan=lifespan)
        self.state.bodies = Bodies()
        self._made = list(routes)
        self._whole: dict[tuple[bytes, bytes], Take] = {}
        self._known: dict[tuple[str, str], ASGIApp] = {
            (method, route.path): route.app
            for route in routes
            for method in route.methods or ()
            if not route.param_convertors
        }

    @property
    def whole(self) -> dict[tuple[bytes, bytes], Take]:
        """What may be taken without a task a request, by method and address."""
        return self._whole if self.routes == self._made else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's beginning and end."""
        known = self._known.get((scope.get("method", ""), scope.get("path", "")))
        if known is None or self.routes != self._made:
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            await known(scope, receive, send)


def make_app(services: Services) -> WebApp:
    """Return the ASGI application that serves intake, health and the pages of contacts."""
    metrics = Metrics(services.registry)
    group = GroupCommit(services.intake)
    events = EventsEndpoint(group, KeyRing(services.store, services.clock), metrics)
    sources = SourcesEndpoint(services, group, metrics)
    health = Health(services)
    openapi = OpenApi(lambda: services.programme().catalogue)
    answers = Answers(services)
    sharing = Sharing(services)
    rules = RulesPage(services)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        group.close()

    routes = [
        ("/events", events.post, "POST"),
        ("/sources/{name}", sources.post, "POST"),
        ("/a/{token}", answers.get, "GET"),
        ("/a/{token}", answers.post, "POST"),
        ("/rules", rules.get, "GET"),
        ("/r/{code}", sharing.get, "GET"),
        ("/r/{code}", sharing.post, "POST"),
        ("/healthz", health.healthz, "GET"),
        ("/readyz", health.readyz, "GET"),
        ("/metrics", health.metrics, "GET"),
        ("/openapi.json", openapi.get, "GET"),
        *Console(services).routes(),
    ]
    app = WebApp(
        [
            Route(path, Guarded(path, endpoint, metrics), methods=[method])
            for path, endpoint, method in routes
        ],
        lifespan,
    )
    whole = Guarded("/events", events.post, metrics).whole(events.begin, events.told)
    app.whole[b"POST", b"/events"] = whole
    return app


def web_app(process: Process) -> WebApp:
    """Return the application of a process, with metrics of its own."""
    app = process.app
    return make_app(
        Services(
            store=app.store,
            intake=app.intake,
            clock=app.clock,
            settings=process.settings,
            tokens=app.desk.tokens,
            programme=app.programmes.current,
            registry=CollectorRegistry(),
        )
    )


async def _not_found(request: Request, error: Exception) -> Response:
    return http_error(error, route="none").response()
