"""What is known about a service that went away: said once, asked again in measured steps."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

import structlog

ASK_SECONDS = 0.5
"""Between two looks at something that was down a moment ago."""

log = structlog.stdlib.get_logger(__name__)


class Outage:
    """Whether Redis answers, as this process last saw it.

    Every thread reports here, so that an outage is two lines in the log however many threads
    and attempts it meets, and so that a nudge costs nothing while there is nobody to ring.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_down = False
        self._ask_at = 0.0
        self._believe_at = 0.0

    def failed(self, error: Exception) -> None:
        """Note that a command did not get through."""
        with self._lock:
            first, self._is_down = not self._is_down, True
            self._ask_at = self._believe_at = monotonic() + ASK_SECONDS
        if first:  # the text may hold what was sent
            log.warning("queue.lost", error=type(error).__name__)

    def healed(self) -> None:
        """Note that a command got through.

        Right after a failure that says nothing: the answer may have been on its way before.
        """
        if not self._is_down:
            return
        with self._lock:
            if monotonic() < self._believe_at:
                return
            was_down, self._is_down = self._is_down, False
        if was_down:
            log.info("queue.restored")

    def may_ask(self) -> bool:
        """Tell whether it is worth trying: during an outage for one caller, now and then."""
        if not self._is_down:
            return True
        with self._lock:
            now = monotonic()
            is_due = now >= self._ask_at
            if is_due:
                self._ask_at = now + ASK_SECONDS
        return is_due


class DatabaseGate:
    """Holds back accepted messages while the database is down.

    Nobody asks the database while all is well: only a failure raises the question, and then
    it is asked every `ASK_SECONDS` until the answer is yes.
    """

    def __init__(self, is_database_up: Callable[[], bool]) -> None:
        self._is_database_up = is_database_up
        self._lock = Lock()
        self._is_suspect = False
        self._is_shut = False
        self._ask_at = 0.0

    def suspect(self) -> None:
        """Note a failure that the database may be the cause of."""
        with self._lock:
            self._is_suspect = True

    def is_open(self) -> bool:
        """Tell whether another message may be taken."""
        if not self._is_suspect:
            return True
        with self._lock:
            if monotonic() < self._ask_at:
                return False
            is_up = self._is_database_up()
            changed, self._is_shut, self._is_suspect = self._is_shut is is_up, not is_up, not is_up
            self._ask_at = 0.0 if is_up else monotonic() + ASK_SECONDS
        if changed:
            log.info("accept.resumed") if is_up else log.warning("accept.paused")
        return is_up
