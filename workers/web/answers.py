"""`/a/{token}`: the pages behind signed links. GET shows and changes nothing, POST says it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from events.refusals import EventTooLargeError
from workers.tokens import Purpose, TokenError
from workers.web import asking, tasking
from workers.web.forms import clean, read_form
from workers.web.limits import RateLimit, visitor
from workers.web.notices import BUSY, GONE, Notices
from workers.web.pages import Pages, language_of, preferred
from workers.web.services import Services
from workers.web.visit import Visit, locale_of, page_language
from workers.web.wire import HttpError

LINK_REQUESTS_MAX: Final = 60
"""A minute, for one link from one address."""
ADDRESS_REQUESTS_MAX: Final = 600
"""A minute, for one address: whole offices share one, and so do mail providers that
unsubscribe for their users."""
BAD_LINKS_MAX: Final = 30
"""A minute, for one address: who tries links gets tired of it."""

_ONE_CLICK: Final = "List-Unsubscribe"

Page = Callable[[Visit], Awaitable[Response]]

_SHOW: Final[Mapping[Purpose, Page]] = {
    "survey": asking.show_survey,
    "ask": asking.show_ask,
    "optin": asking.show_optin,
    "unsubscribe": asking.show_unsubscribe,
    "refer": asking.show_refer,
    "journey": asking.show_journey,
    "task": tasking.show_task,
}
_TAKE: Final[Mapping[Purpose, Page]] = {
    "survey": asking.take_survey,
    "ask": asking.take_ask,
    "optin": asking.take_optin,
    "unsubscribe": asking.take_unsubscribe,
    "refer": asking.take_refer,
    "journey": asking.take_journey,
    "task": tasking.take_task,
}
_AGAIN: Final[Mapping[Purpose, Callable[[Visit, str], Awaitable[Response]]]] = {
    "survey": asking.show_survey,
    "ask": asking.show_ask,
    "refer": asking.show_refer,
    "journey": asking.show_journey,
    "task": tasking.show_task,
}
"""The pages on which somebody types: shown again with what they typed, and what is wrong."""
_ACTOR: Final[Mapping[Purpose, int]] = {"optin": 0, "unsubscribe": 0}
"""Where a link's parts name whom it is about: second, unless said here."""


class Answers:
    """Answers visits to signed links."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages = Pages()
        self._notices = Notices(self._pages)
        self._links = RateLimit(services.clock, LINK_REQUESTS_MAX)
        self._addresses = RateLimit(services.clock, ADDRESS_REQUESTS_MAX)
        self._bad = RateLimit(services.clock, BAD_LINKS_MAX)

    async def get(self, request: Request) -> Response:
        """Show the page of a link."""
        return await self._answered(request, post=False)

    async def post(self, request: Request) -> Response:
        """Take what was said on the page of a link."""
        return await self._answered(request, post=True)

    async def _answered(self, request: Request, *, post: bool) -> Response:
        """Answer with a page whatever happens: whoever follows a link from a mail is a person."""
        accepted = request.headers.get("accept-language", "")
        language = language_of(*preferred(accepted))
        found = self._opened(request)
        if isinstance(found, int):
            return self._notices.page("busy" if found == BUSY else "gone", language, found)
        purpose, parts = found
        try:
            given = await read_form(request) if post else _query(request)
            visit = await self._visit(purpose, parts, given, accepted)
            answer = await self._taken(visit) if post else await _SHOW[purpose](visit)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return self._notices.after(error, language, purpose=purpose)
        if post and purpose == "unsubscribe" and _ONE_CLICK in given:
            return PlainTextResponse("unsubscribed\n", headers={"Cache-Control": "no-store"})
        return answer

    @staticmethod
    async def _taken(visit: Visit) -> Response:
        """Take what was said; what is too long, alone or together, is shown to be shortened."""
        if visit.purpose in _AGAIN and (problem := visit.too_long()):
            return await _AGAIN[visit.purpose](visit, problem)
        try:
            return await _TAKE[visit.purpose](visit)
        except HttpError as error:
            if error.error != EventTooLargeError.reason or visit.purpose not in _AGAIN:
                raise
            return await _AGAIN[visit.purpose](visit, visit.words["too_much"])

    def _opened(self, request: Request) -> tuple[Purpose, tuple[str, ...]] | int:
        """Return what the link is for and its parts; else the status of the notice."""
        address = visitor(request)
        token = request.path_params["token"]
        if not self._addresses.allows(address):
            return BUSY
        try:
            found = self._services.tokens.open(token)
        except TokenError:
            return GONE if self._bad.allows(address) else BUSY
        if found[0] not in _SHOW:
            return GONE
        return found if self._links.allows(f"{address} {token}") else BUSY

    async def _visit(
        self, purpose: Purpose, parts: tuple[str, ...], given: Mapping[str, str], accepted: str
    ) -> Visit:
        services = self._services
        programme = services.programme()
        actor = parts[_ACTOR.get(purpose, 1)]
        staff = purpose == "task"
        locale = programme.policies.locales[0] if staff else ""
        if not staff:
            locale = await asyncio.to_thread(locale_of, services, actor)
        return Visit(
            services=services,
            pages=self._pages,
            programme=programme,
            purpose=purpose,
            parts=parts,
            actor=actor,
            at=services.clock.now(),
            language=page_language(locale, programme, accepted),
            given=given,
        )


def _query(request: Request) -> dict[str, str]:
    """Return the query: it may fill in a form, and that is all it may do."""
    return {name: clean(value, 200) for name, value in request.query_params.items()}
