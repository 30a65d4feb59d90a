"""One visit to a page by its signed link: who it is, in which language, and what they said."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from starlette.responses import Response

from store import contacts
from workers.tokens import Purpose
from workers.verdicts import Verdict
from workers.web.forms import clean, excess
from workers.web.pages import Pages, language_of, preferred
from workers.web.services import Applied, Services
from workers.web.wire import HttpError
from workflows.state import Doc, iso
from workflows.steps.task_links import BY_LINK

SOURCE: Final = BY_LINK
SHOWN_CHARS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit whose link was valid.

    Attributes:
        parts: What the link carries, see `Tokens.sign`.
        actor: Whom it is about.
        at: When.
        language: Of the page.
        given: The query of a GET or the form of a POST.
    """

    services: Services
    pages: Pages
    programme: Applied
    purpose: Purpose
    parts: tuple[str, ...]
    actor: str
    at: datetime
    language: str
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page's language."""
        return self.pages.words(self.language)

    @property
    def title(self) -> str:
        """The programme's name, as people read it."""
        return title_of(self.programme)

    @property
    def shown(self) -> str:
        """What tells one form from another.

        A form sent twice is one answer; the same answer on a form opened later is a new one,
        which matters to somebody who changed their mind and back.
        """
        return clean(self.given.get("shown", ""), SHOWN_CHARS_MAX)

    def page(self, name: str, title: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
        """Return a page with a form to be sent once."""
        fresh = str(int(self.at.timestamp() * 1000))
        told = {"title": title, "programme": self.title, "shown": fresh, **values}
        told["logo"] = self.programme.policies.logo
        return self.pages.page(name, self.language, told, status=status)

    def thanks(self, text: str, *, changeable: bool = False, refer: str = "") -> Response:
        """Return the page after an answer."""
        return self.page(
            "thanks", self.words["thanks"], text=text, changeable=changeable, refer=refer
        )

    def too_long(self) -> str:
        """Return what to say of a text that is longer than we take; '' if all of it fits."""
        found = excess(self.given)
        if found is None:
            return ""
        over, most = found
        return self.words["too_long"].replace("{over}", str(over)).replace("{max}", str(most))

    def elsewhere(self) -> Response:
        """Return the page of a task that is with somebody else now; it says no name."""
        return self.pages.notice("elsewhere", self.language, status=200, programme=self.title)

    def gone(self) -> Response:
        """Return the page of a link that leads nowhere."""
        return self.pages.notice("gone", self.language, status=404, programme=self.title)

    async def publish(self, type_: str, data: Mapping[str, Any], *state: str) -> Verdict:
        """Store what the person said, however full the inbox is; a double click says it once.

        Args:
            type_: The event's type.
            data: Its data; what is empty is left out.
            state: What else makes this another statement than an equal one before.

        Raises:
            HttpError: It is no event that intake takes.
            IntakeError: Nothing was stored, come back later.
        """
        told = {name: value for name, value in data.items() if value != ""}
        said = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
        name = "\x1f".join((self.purpose, *self.parts, type_, said, self.shown, *state))
        if type_ == "nps.answered":  # grows with every correction; a double click is one
            told["revision"] = int(self.at.timestamp() * 1000)
        event = {
            "specversion": "1.0",
            "id": sha256(name.encode()).hexdigest()[:32],
            "source": SOURCE,
            "type": type_,
            "time": iso(self.at),
            "subject": self.actor,
            "data": told,
        }
        intake = self.services.intake
        (verdict,) = await asyncio.to_thread(intake.accept, [event], arrived=self.at, urgent=True)
        if verdict.status == "rejected":
            raise HttpError(verdict.http, verdict.reason, verdict.message, field=verdict.field)
        return verdict


def title_of(programme: Applied) -> str:
    """Return a programme's name, as people read it."""
    return programme.policies.programme.replace("-", " ").title()


def locale_of(services: Services, actor: str) -> str:
    """Return the locale in which a contact is written to; empty if it is not known."""
    with services.store.reader() as conn:
        known: Doc = contacts.get(conn, [actor]).get(actor, {})
    return str(known.get("locale") or "")


def page_language(locale: str, programme: Applied, accepted: str) -> str:
    """Return the contact's language, else the browser's, else the programme's first."""
    browser = () if locale else preferred(accepted)
    return language_of(locale, *browser, programme.policies.locales[0])
