"""Pages that say why there is no other: a link that leads nowhere, a limit, an outage."""

from typing import Final

import structlog
from starlette.responses import Response

from events.errors import VouchError
from events.refusals import EventTooLargeError
from store.errors import is_transient
from workers.verdicts import IntakeError
from workers.web.pages import Pages
from workers.web.wire import HttpError

BUSY: Final = 429
GONE: Final = 404
TOO_LARGE: Final = 413
UNREADABLE: Final = 400
DOWN: Final = 503

RETRY_AFTER: Final = "60"
"""Seconds; the limits of visitors are counted by the minute."""

log = structlog.get_logger("vouch.web")


class Notices:
    """Answers people who followed a link, when what they came for cannot be had."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def page(self, name: str, language: str, status: int, *, programme: str = "") -> Response:
        """Return a notice, with the time to come back where that helps."""
        answer = self._pages.notice(name, language, status=status, programme=programme)
        if status in {BUSY, DOWN}:
            answer.headers["Retry-After"] = RETRY_AFTER
        return answer

    def after(self, error: Exception, language: str, *, purpose: str) -> Response:
        """Return the notice after an error of a visit; what nobody foresaw is raised again."""
        if isinstance(error, EventTooLargeError):
            return self.page("long", language, TOO_LARGE)
        if isinstance(error, HttpError):
            return self.page("gone", language, UNREADABLE)
        if not passes(error):
            raise error
        log.warning("answer.postponed", purpose=purpose, error=type(error).__name__)
        return self.page("down", language, DOWN)


def passes(error: Exception) -> bool:
    """Tell whether the same visit can succeed in a minute."""
    waiting = isinstance(error, VouchError) and error.code == "no-programme"
    return waiting or isinstance(error, IntakeError) or is_transient(error)
