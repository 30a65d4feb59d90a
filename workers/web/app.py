"""The web application: every route, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workers.compose import Process
from workers.group_commit import GroupCommit
from workers.web.answers import Answers
from workers.web.auth import KeyRing
from workers.web.events import EventsEndpoint, SourcesEndpoint
from workers.web.health import Health
from workers.web.openapi import OpenApi
from workers.web.rules_page import RulesPage
from workers.web.services import Services
from workers.web.sharing import Sharing
from workers.web.wire import Bodies, Metrics, guarded, http_error


def make_app(services: Services) -> Starlette:
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
    ]
    app = Starlette(
        routes=[
            Route(path, guarded(path, endpoint, metrics), methods=[method])
            for path, endpoint, method in routes
        ],
        exception_handlers={404: _not_found, 405: _not_found},
        lifespan=lifespan,
    )
    app.state.bodies = Bodies()
    return app


def web_app(process: Process) -> Starlette:
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
