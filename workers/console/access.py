"""Who may look: whoever has a key of the console, for half a day after they showed it."""

from datetime import datetime, timedelta
from typing import Final

from store import keys
from workers.keys import secret_hash
from workers.tokens import TokenError
from workers.web.auth import SECRET_CHARS_MAX
from workers.web.services import Services
from workflows.state import instant, iso

COOKIE: Final = "vouch_console"
SESSION: Final = timedelta(hours=12)
"""How long somebody need not show their key again."""


class Access:
    """Opens sessions, and looks whether one is still good: its key may have been revoked."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._tokens = services.tokens
        self._clock = services.clock

    def is_open(self) -> bool:
        """Tell whether anybody may look at all: without a key of the console there is none."""
        with self._store.reader() as conn:
            return keys.opens_console(conn)

    def log_in(self, secret: str) -> tuple[str, str] | None:
        """Return a key's name and a session for it; None if it opens nothing."""
        if len(secret) > SECRET_CHARS_MAX:
            return None
        with self._store.reader() as conn:
            key = keys.find(conn, secret_hash(secret.strip()))
        if key is None or not key.console:
            return None
        until = self._clock.now() + SESSION
        return key.name, self._tokens.sign("console", key.name, iso(until))

    def who(self, session: str) -> str:
        """Return the name of the key whose session it is; '' if it is none, or none any more."""
        try:
            name, until = self._tokens.read("console", session)
        except TokenError:
            return ""
        if self._is_over(instant(until)):
            return ""
        with self._store.reader() as conn:
            return name if keys.opens_console(conn, name) else ""

    def _is_over(self, until: datetime) -> bool:
        now = self._clock.now()
        return not now < until <= now + SESSION
