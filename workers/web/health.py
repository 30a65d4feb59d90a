"""Whether the process lives, whether it can serve, and what it counted."""

import asyncio

from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from events.errors import VouchError
from store.errors import is_transient
from workers.web.gauges import Gauges
from workers.web.services import Services
from workers.web.wire import JsonResponse


class Health:
    """`/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        Gauges(services.store, services.clock, services.registry,
               redis_url=services.settings.redis_url)  # fmt: skip

    async def healthz(self, request: Request) -> Response:
        """Answer: the process lives. It asks nothing else, so that no outage restarts it."""
        return JsonResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Answer whether requests can be served: 503 says which of the checks failed."""
        checks = await asyncio.to_thread(self._checks)
        ready = all(found == "ok" for found in checks.values())
        return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Answer in OpenMetrics: what this process counted, and what waits in the database."""
        text = await asyncio.to_thread(generate_latest, self._services.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    def _checks(self) -> dict[str, str]:
        checks = {"database": "ok", "schema": "ok", "programme": "ok"}
        try:
            schema = self._services.store.schema_state()
            if not schema.is_current:
                remedy = "start its version" if schema.is_newer else "run vouch migrate"
                is_ = "newer than this version" if schema.is_newer else "not current"
                checks["schema"] = f"{is_}: {remedy}"
                checks["programme"] = "unknown"
                return checks
            self._services.programme()
        except VouchError as error:
            failed = "database" if is_transient(error) else "programme"
            checks |= {failed: error.hint or error.code}
        except Exception as error:  # what passes is told, the rest is raised
            if not is_transient(error):
                raise
            checks["database"] = "does not answer"
        if checks["database"] != "ok":
            checks |= {"schema": "unknown", "programme": "unknown"}
        return checks
