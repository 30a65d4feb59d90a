"""Who publishes: the API key of a request."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from store import keys
from store.db import Store
from workers.clock import Clock
from workers.intake import Publisher
from workers.keys import secret_hash
from workers.web.wire import HttpError

KEY_AGE_MAX: Final = timedelta(seconds=5)
"""How long a key that was revoked is still known here; intake refuses what it publishes."""

KEYS_KEPT_MAX: Final = 1_000
SECRET_CHARS_MAX: Final = 200


class KeyRing:
    """Finds API keys; asks the database once in a while for each, not once a request.

    For one event loop: requests that come while it is asked wait for the same answer.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[str, tuple[datetime, Publisher]] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Publisher | None]] = {}

    def kept(self, headers: Mapping[str, str]) -> Publisher | None:
        """Return who publishes, None where the database has to be asked.

        Raises:
            HttpError: No key: 401.
        """
        kept = self._kept.get(_hashed(headers))
        if kept is not None and timedelta() <= self._clock.now() - kept[0] < KEY_AGE_MAX:
            return kept[1]
        return None

    async def publisher(self, headers: Mapping[str, str]) -> Publisher:
        """Return who publishes.

        Raises:
            HttpError: No key, or none that is valid: 401.
        """
        kept = self.kept(headers)
        if kept is not None:
            return kept
        hashed, now = _hashed(headers), self._clock.now()
        asked = self._asked.get(hashed)
        if asked is None:
            asked = asyncio.ensure_future(asyncio.to_thread(self._find, hashed))
            self._asked[hashed] = asked
            asked.add_done_callback(lambda _: self._asked.pop(hashed))
        found = await asyncio.shield(asked)  # others wait for it: it goes on if this client leaves
        if found is None:
            self._kept.pop(hashed, None)
            raise _unauthorized("this API key is not valid")
        self._kept[hashed] = (now, found)
        self._kept.move_to_end(hashed)
        if len(self._kept) > KEYS_KEPT_MAX:
            self._kept.popitem(last=False)
        return found

    def _find(self, hashed: str) -> Publisher | None:
        with self._store.reader() as conn:
            return keys.find(conn, hashed)


def _hashed(headers: Mapping[str, str]) -> str:
    """Return the hash of a request's key."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > SECRET_CHARS_MAX:
        raise _unauthorized("an API key is needed")
    return secret_hash(secret)


def _unauthorized(message: str) -> HttpError:
    return HttpError(
        401,
        "unauthorized",
        message,
        field="authorization",
        hint="send Authorization: Bearer KEY; make one with vouch keys add",
        headers={"WWW-Authenticate": 'Bearer realm="vouch"'},
    )
