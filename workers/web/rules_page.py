"""`/rules`: what the programme says of itself.

It is nobody's own: the address bears no key, and the page is the same for all.
"""

import asyncio
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from workers.web.answers import BUSY, GONE, passes
from workers.web.limits import RateLimit, visitor
from workers.web.pages import Pages, language_of
from workers.web.rules import rules_of
from workers.web.services import Services
from workers.web.visit import title_of

ADDRESS_REQUESTS_MAX: Final = 120
"""A minute, for one address."""

log = structlog.get_logger("vouch.web")


class RulesPage:
    """Shows the rules to whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages = Pages()
        self._addresses = RateLimit(services.clock, ADDRESS_REQUESTS_MAX)

    async def get(self, request: Request) -> Response:
        """Show them in the language that the browser prefers, or `?lang=` names."""
        accepted = request.headers.get("accept-language", "")
        wanted = [part.partition(";")[0].strip() for part in accepted.split(",")[:10]]
        wanted.insert(0, request.query_params.get("lang", ""))
        language = language_of(*wanted)
        if not self._addresses.allows(visitor(request)):
            return self._pages.notice("busy", language, status=BUSY)
        try:
            programme = await asyncio.to_thread(self._services.programme)
        except Exception as error:  # what passes is postponed, the rest is raised
            if not passes(error):
                raise
            log.warning("answer.postponed", purpose="rules", error=type(error).__name__)
            return self._pages.notice("down", language, status=503)
        language = language_of(*wanted, programme.policies.locales[0])
        rules = rules_of(programme, language)
        if rules is None:
            return self._pages.notice("gone", language, status=GONE, programme=title_of(programme))
        values = {"title": rules.title, "programme": title_of(programme), "html": rules.html,
                  "logo": programme.policies.logo}  # fmt: skip
        return self._pages.page("rules", language, values)
