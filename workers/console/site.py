"""`/console/`: what goes on, at one look, for whoever has a key of the console.

Where nobody has one, there is no console: every address of it is unknown. Nothing here changes
anything but a session; what has to be done is said as a command.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from events.errors import VouchError
from store.db import Connection
from workers.console import views
from workers.console.access import COOKIE, SESSION, Access
from workers.console.pages import ConsolePages
from workers.web.forms import read_form
from workers.web.limits import RateLimit, visitor
from workers.web.services import Services
from workers.web.visit import title_of

REQUESTS_MAX: Final = 240
"""A minute, for one address: a board may renew itself on several screens of an office."""
TRIES_MAX: Final = 10
"""Keys that one address may try in a minute."""
SHARED: Final = timedelta(seconds=10)
"""How old the overview may be: it counts everything that is under way."""
HOME: Final = "/console/"
PATH: Final = "/console"

View = Callable[[Connection, views.Asked], views.Values]
Endpoint = Callable[[Request], Awaitable[Response]]

_VIEWS: Final[Mapping[str, View]] = {
    "overview": views.overview,
    "tasks": views.tasks,
    "runs": views.runs,
    "doubts": views.doubts,
    "letters": views.letters,
    "explain": views.explained,
}
_ADDRESSES: Final = {"overview": HOME, "letters": f"{PATH}/dead"}

log = structlog.get_logger("vouch.console")


class Console:
    """Answers what operators look at."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._access = Access(services)
        self._pages = ConsolePages()
        self._requests = RateLimit(services.clock, REQUESTS_MAX)
        self._tries = RateLimit(services.clock, TRIES_MAX)
        self._overview: tuple[datetime | None, views.Values] = (None, {})

    def routes(self) -> list[tuple[str, Endpoint, str]]:
        """Return the addresses of the console: path, endpoint, method."""
        shown = [
            (_ADDRESSES.get(name, f"{PATH}/{name}"), self._page(name), "GET") for name in _VIEWS
        ]
        return [*shown, (HOME, self.log_in, "POST"), (f"{PATH}/logout", self.log_out, "POST")]

    def _page(self, name: str) -> Endpoint:
        async def get(request: Request) -> Response:
            who = await self._who(request)
            if not who:
                return self._login(request)
            return await asyncio.to_thread(self._shown, name, who, dict(request.query_params))

        return get

    def _shown(self, name: str, who: str, query: Mapping[str, str]) -> Response:
        """Return a page; read in one state of the database."""
        named, zone = self._programme()
        services = self._services
        embedded = services.settings.embedded
        asked = views.Asked(services.clock.now(), zone, embedded=embedded, query=query)
        values = self._looked(name, asked)
        return self._pages.page(name, zone, {
            **values, **named, "who": who, "most": views.ROWS_MAX,
        })  # fmt: skip

    def _looked(self, name: str, asked: views.Asked) -> views.Values:
        """Return what a page shows; screens that renew the overview share a look at everything."""
        at, kept = self._overview
        if name == "overview" and at is not None and timedelta() <= asked.now - at < SHARED:
            return {**kept, "now": at}
        with self._services.store.reader() as conn:
            values = {**_VIEWS[name](conn, asked), "now": asked.now}
        if name == "overview":
            self._overview = asked.now, values
        return values

    def _programme(self) -> tuple[dict[str, Any], ZoneInfo]:
        """Return what is said of the programme, and its clock; UTC while there is none."""
        try:
            applied = self._services.programme()
        except VouchError as error:
            if error.code != "no-programme":
                raise
            return {"programme": "no programme is applied"}, ZoneInfo("UTC")
        return {"programme": title_of(applied)}, ZoneInfo(applied.policies.zone)

    async def log_in(self, request: Request) -> Response:
        """Open a session for whoever shows a key."""
        await self._who(request)
        if not self._tries.allows(visitor(request)):
            return self._login(request, "Too many keys were tried: wait a minute.", status=429)
        given = await read_form(request)
        opened = await asyncio.to_thread(self._access.log_in, given.get("key", ""))
        if opened is None:
            log.warning("console.refused")
            return self._login(request, "This key does not open the console.", status=403)
        name, session = opened
        log.info("console.opened", key=name)
        answer = RedirectResponse(HOME, status_code=303)
        self._set(answer, session, int(SESSION.total_seconds()))
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session of this browser."""
        await self._who(request)
        answer = RedirectResponse(HOME, status_code=303)
        self._set(answer, "", 0)
        return answer

    def _set(self, answer: Response, session: str, seconds: int) -> None:
        is_secure = self._services.settings.base_url.startswith("https:")
        answer.set_cookie(COOKIE, session, max_age=seconds, path=PATH, httponly=True,
                          secure=is_secure, samesite="strict")  # fmt: skip

    async def _who(self, request: Request) -> str:
        """Return whose session it is, '' for nobody's.

        Raises:
            HTTPException: There is no console, or too much is asked of it from there.
        """
        if not self._requests.allows(visitor(request)):
            raise HTTPException(429, headers={"Retry-After": "60"})
        session = request.cookies.get(COOKIE, "")
        who = await asyncio.to_thread(self._access.who, session) if session else ""
        if not who and not await asyncio.to_thread(self._access.is_open):
            raise HTTPException(404)
        return who

    def _login(self, request: Request, problem: str = "", *, status: int = 200) -> Response:
        is_page = request.method == "GET" and status == 200  # noqa: PLR2004
        return self._pages.page("login", ZoneInfo("UTC"), {"problem": problem},
                                status=401 if is_page else status)  # fmt: skip
