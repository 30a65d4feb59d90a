"""Rate limits: so many requests a minute for each of a bounded number of names."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from workers.clock import Clock

WINDOW: Final = timedelta(minutes=1)
NAMES_MAX: Final = 20_000
"""Names remembered. Past it the one unseen for longest is forgotten, never the limit raised."""


class RateLimit:
    """Counts requests by name in windows of a minute. For one event loop."""

    def __init__(self, clock: Clock, most: int, *, names_max: int = NAMES_MAX) -> None:
        self._clock = clock
        self._most = most
        self._names_max = names_max
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def allows(self, name: str) -> bool:
        """Count a request, and tell whether it is within the limit."""
        now = self._clock.now()
        began, count = self._seen.get(name, (now, 0))
        if not timedelta() <= now - began < WINDOW:
            began, count = now, 0
        self._seen[name] = (began, count + 1)
        self._seen.move_to_end(name)
        if len(self._seen) > self._names_max:
            self._seen.popitem(last=False)
        return count < self._most
