"""What waits and what is stuck, as metrics: numbers to be warned by, read when asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from store.db import Store
from store.stats import Health, health
from workers.clock import Clock
from workers.queue.server import QueueServer, look

AGE_MAX: Final = timedelta(seconds=5)
"""How old the numbers may be: several scrapers share a look."""
UP: Final = "vouch_database_up"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number of an installation.

    Attributes:
        says: What it is.
        reads: The field of `Health`, or of `QueueServer`, that it is; of an instant the seconds
            since then.
        warn: When somebody should look, and how; '' for what is only good to know.
    """

    says: str
    reads: str
    warn: str = ""


GAUGES: Final[Mapping[str, Gauge]] = {
    UP: Gauge(
        "1 while the database answers; while it does not, there are no other gauges.", "",
        "below 1: is it there? `vouch doctor`",
    ),
    "vouch_inbox_events": Gauge("Events accepted and not handled.", "inbox"),
    "vouch_inbox_oldest_seconds": Gauge(
        "For how long the oldest of them waits; 0 where none does.", "inbox_oldest_at",
        "above 60 for five minutes: do workers run, and are they enough?",
    ),
    "vouch_timers_due": Gauge("Timers that should have fired.", "timers_due"),
    "vouch_timers_oldest_seconds": Gauge(
        "For how long the oldest of them is due; 0 where none is.", "timers_oldest_at",
        "above 60 for five minutes: does the clock run?",
    ),
    "vouch_outbox_due_messages": Gauge("Messages that could leave now.", "outbox_due"),
    "vouch_outbox_oldest_seconds": Gauge(
        "For how long the oldest of them could have left; 0 where none waits.",
        "outbox_oldest_at", "above 60 for five minutes: do workers run?",
    ),
    "vouch_outbox_sending_messages": Gauge("Messages on their way out.", "outbox_sending"),
    "vouch_outbox_in_doubt_messages": Gauge(
        "Messages that may have left, or not.", "outbox_in_doubt",
        "above 0: `vouch outbox list --status in_doubt`",
    ),
    "vouch_outbox_away_messages": Gauge(
        "Messages that wait for a channel that does not answer.", "outbox_away",
        "above 0 for fifteen minutes: workers log `channel.away` with its name",
    ),
    "vouch_dead_letters": Gauge(
        "Inputs set aside that nobody replayed or dropped.", "dead",
        "above 0: `vouch dead list`",
    ),
    "vouch_slices_tried": Gauge(
        "Slices whose last batch began and never committed.", "slices_tried",
        "above 0 for ten minutes: read the logs of workers",
    ),
    "vouch_tasks_open": Gauge("Tasks to be done.", "tasks_open"),
    "vouch_tasks_overdue": Gauge("Of those, the ones whose time is past.", "tasks_overdue"),
    "vouch_tasks_unassigned": Gauge(
        "Of those, the ones nobody has.", "tasks_unassigned",
        "above 0: `vouch tasks list`, then `vouch tasks reassign`",
    ),
    "vouch_runs_live": Gauge("Runs under way.", "runs_live"),
}  # fmt: skip
"""What the database says, in the order in which it is given."""

QUEUE_UP: Final = "vouch_queue_up"
QUEUE: Final[Mapping[str, Gauge]] = {
    QUEUE_UP: Gauge(
        "1 while the Redis or Valkey answers; while it does not, there are no others of it.", "",
        "below 1: is it there? `vouch doctor`",
    ),
    "vouch_queue_messages": Gauge(
        "Messages on the queue `events` that are not stored yet.", "waiting",
        "above 1,000 for five minutes: do workers run, and are they enough?",
    ),
    "vouch_queue_set_aside_messages": Gauge(
        "Messages on that queue that were no lists of events.", "set_aside",
        "above 0: what does their producer send? `vouch doctor`",
    ),
}  # fmt: skip
"""What the queue's server says; the embedded mode has none."""

log = structlog.get_logger("vouch.web")


class Gauges(Collector):
    """Gives the gauges of an installation; every web process of it says the same."""

    def __init__(
        self, store: Store, clock: Clock, registry: CollectorRegistry, *, redis_url: str = ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._redis_url = redis_url
        self._lock = Lock()
        self._kept: tuple[datetime, Health] | None = None
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing beforehand: the database is not asked until somebody asks for metrics."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give the gauges; of what is away only that it is."""
        now = self._clock.now()
        try:
            found: object = self._look(now)
        except Exception as error:  # noqa: BLE001 - whoever asks how it is must have an answer
            log.warning("metrics.blind", error=type(error).__name__)
            found = None
        yield from _told(GAUGES, UP, found, now)
        if self._redis_url:
            server = look(self._redis_url)
            yield from _told(QUEUE, QUEUE_UP, server if isinstance(server, QueueServer) else None,
                             now)  # fmt: skip

    def _look(self, now: datetime) -> Health:
        with self._lock:
            if self._kept is None or not timedelta() <= now - self._kept[0] < AGE_MAX:
                with self._store.reader() as conn:
                    self._kept = now, health(conn, now=now)
            return self._kept[1]


def _told(
    gauges: Mapping[str, Gauge], up: str, found: object, now: datetime
) -> Iterable[GaugeMetricFamily]:
    """Give the gauges of one server, all that it says or that it is away."""
    yield GaugeMetricFamily(up, gauges[up].says, value=found is not None)
    for name, gauge in gauges.items():
        if gauge.reads and found is not None:
            number = _number(getattr(found, gauge.reads), now)
            yield GaugeMetricFamily(name, gauge.says, value=number)


def _number(found: int | datetime | None, now: datetime) -> float:
    if isinstance(found, datetime):
        return max(0.0, (now - found).total_seconds())
    return float(found or 0)
