"""`/rules`: what the programme says of itself.

It is nobody's own: the address bears no key, and the page is the same for all.
"""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from workers.web.limits import RateLimit, visitor
from workers.web.notices import BUSY, GONE, Notices
from workers.web.pages import Pages, language_of, preferred
from workers.web.rules import rules_of
from workers.web.services import Services
from workers.web.visit import title_of

ADDRESS_REQUESTS_MAX: Final = 120
"""A minute, for one address."""


class RulesPage:
    """Shows the rules to whoever asks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages = Pages()
        self._notices = Notices(self._pages)
        self._addresses = RateLimit(services.clock, ADDRESS_REQUESTS_MAX)

    async def get(self, request: Request) -> Response:
        """Show them in the language that the browser prefers, or `?lang=` names."""
        accepted = request.headers.get("accept-language", "")
        wanted = [request.query_params.get("lang", ""), *preferred(accepted)]
        language = language_of(*wanted)
        if not self._addresses.allows(visitor(request)):
            return self._notices.page("busy", language, BUSY)
        try:
            programme = await asyncio.to_thread(self._services.programme)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return self._notices.after(error, language, purpose="rules")
        language = language_of(*wanted, programme.policies.locales[0])
        rules = rules_of(programme, language)
        if rules is None:
            return self._notices.page("gone", language, GONE, programme=title_of(programme))
        values = {"title": rules.title, "programme": title_of(programme), "html": rules.html,
                  "logo": programme.policies.logo}  # fmt: skip
        return self._pages.page("rules", language, values)
