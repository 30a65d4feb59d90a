"""`/r/{code}`: where somebody who was recommended leaves their details.

The address says by whom and by which way, signed (`Tokens`) or as a code of the contact's own.
The page says nothing of either. GET shows the form and changes nothing; POST records
`referral.submitted` for the contact whose code it is.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from events.referrals import code_key, share_code
from events.values import EMAIL_CHARS_MAX, NAME_CHARS_MAX, PHONE_CHARS_MAX
from store import contacts
from workers.tokens import TokenError
from workers.web.forms import clean, read_form
from workers.web.limits import RateLimit, visitor
from workers.web.notices import BUSY, GONE, Notices
from workers.web.pages import Pages, language_of, preferred
from workers.web.services import Services
from workers.web.video import SHARED, video_of
from workers.web.visit import Visit, page_language

ADDRESS_REQUESTS_MAX: Final = 60
"""A minute, for one address."""
ADDRESS_POSTS_MAX: Final = 10
"""A minute, for one address: a person fills in a form or two."""
CODE_POSTS_MAX: Final = 30
"""A minute, for one code: a newsletter may carry it."""
BAD_CODES_MAX: Final = 20
"""A minute, for one address: who tries codes gets tired of it."""
UNPROCESSABLE: Final = 422
TRAP: Final = "website"
"""A field that people do not see; what fills it in is no person, and is thanked all the same."""


class Sharing:
    """Answers visits to share links."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages = Pages()
        self._notices = Notices(self._pages)
        clock = services.clock
        self._addresses = RateLimit(clock, ADDRESS_REQUESTS_MAX)
        self._posts = RateLimit(clock, ADDRESS_POSTS_MAX)
        self._codes = RateLimit(clock, CODE_POSTS_MAX)
        self._bad = RateLimit(clock, BAD_CODES_MAX)

    async def get(self, request: Request) -> Response:
        """Show the form."""
        return await self._answered(request, post=False)

    async def post(self, request: Request) -> Response:
        """Record the details of somebody who was recommended."""
        return await self._answered(request, post=True)

    async def _answered(self, request: Request, *, post: bool) -> Response:
        accepted = request.headers.get("accept-language", "")
        language = language_of(*preferred(accepted))
        address = visitor(request)
        written = request.path_params["code"]
        if not self._addresses.allows(address) or (post and not self._posts.allows(address)):
            return self._notices.page("busy", language, BUSY)
        try:
            found = await asyncio.to_thread(self._whose, written)
            if found is None:
                said, status = ("gone", GONE) if self._bad.allows(address) else ("busy", BUSY)
                return self._notices.page(said, language, status)
            return await self._visited(request, found, post=post)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return self._notices.after(error, language, purpose="share")

    async def _visited(
        self, request: Request, found: tuple[str, str, str], *, post: bool
    ) -> Response:
        accepted = request.headers.get("accept-language", "")
        visit = self._visit(found, await read_form(request) if post else {}, accepted)
        if not post:
            return await _show(visit)
        if not self._codes.allows(found[1]):
            return self._notices.page("busy", visit.language, BUSY)
        return await _take(visit)

    def _whose(self, written: str) -> tuple[str, str, str] | None:
        """Return the contact, the code that is recorded, and the way it was shared by."""
        try:
            actor, medium = self._services.tokens.read("invite", written)
        except TokenError:
            key = code_key(written)
        else:
            return actor, share_code(actor, medium), medium
        if not key:
            return None
        with self._services.store.reader() as conn:
            known = contacts.get(conn, [f"code/{key}"]).get(f"code/{key}", {})
        contact = known.get("contact")
        return (f"contact/{contact}", key, "") if contact else None

    def _visit(self, found: tuple[str, str, str], given: Mapping[str, str], accepted: str) -> Visit:
        actor, code, medium = found
        programme = self._services.programme()
        return Visit(
            services=self._services,
            pages=self._pages,
            programme=programme,
            purpose="invite",
            parts=(code, medium),
            actor=actor,
            at=self._services.clock.now(),
            language=page_language("", programme, accepted),
            given=given,
        )


async def _show(visit: Visit, problem: str = "") -> Response:
    names = ("name", "email", "phone", "company", "consent")
    return visit.page(
        "share",
        visit.words["share_title"],
        given={name: visit.given.get(name, "") for name in names},
        video=await video_of(visit.services, visit.programme, visit.actor, SHARED),
        problem=problem,
        trap=TRAP,
        status=UNPROCESSABLE if problem else 200,
    )


async def _take(visit: Visit) -> Response:
    """Record it; the answer is the same whether we know the person or not."""
    if visit.given.get(TRAP):
        return visit.thanks(visit.words["share_thanks"])
    if problem := visit.too_long():
        return await _show(visit, problem)
    email = clean(visit.given.get("email", ""), EMAIL_CHARS_MAX)
    lead = {
        "name": clean(visit.given.get("name", ""), NAME_CHARS_MAX),
        "email": email if "@" in email else "",
        "phone": clean(visit.given.get("phone", ""), PHONE_CHARS_MAX),
        "company": clean(visit.given.get("company", ""), NAME_CHARS_MAX),
    }
    if not lead["name"] or not (lead["email"] or lead["phone"]):
        return await _show(visit, visit.words["refer_missing"])
    if visit.given.get("consent") != "yes":
        return await _show(visit, visit.words["share_consent_missing"])
    code, medium = visit.parts
    await visit.publish(
        "referral.submitted",
        {
            "lead": {name: value for name, value in lead.items() if value},
            "code": code,
            "consent_to_contact": True,
            "via": f"link/{medium}" if medium else "link",
        },
    )
    return visit.thanks(visit.words["share_thanks"])
