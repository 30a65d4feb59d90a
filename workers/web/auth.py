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
    """Finds API keys; asks the database once in a while for each, not once a request."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[str, tuple[datetime, Publisher]] = OrderedDict()

    async def publisher(self, headers: Mapping[str, str]) -> Publisher:
        """Return who publishes.

        Raises:
            HttpError: No key, or none that is valid: 401.
        """
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or len(secret) > SECRET_CHARS_MAX:
            raise _unauthorized("an API key is needed")
        hashed = secret_hash(secret)
        now = self._clock.now()
        kept = self._kept.get(hashed)
        if kept is not None and timedelta() <= now - kept[0] < KEY_AGE_MAX:
            return kept[1]
        found = await asyncio.to_thread(self._find, hashed)
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


def _unauthorized(message: str) -> HttpError:
    return HttpError(
        401,
        "unauthorized",
        message,
        field="authorization",
        hint="send Authorization: Bearer KEY; make one with vouch keys add",
        headers={"WWW-Authenticate": 'Bearer realm="vouch"'},
    )
