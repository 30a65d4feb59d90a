"""What the queue holds is in the metrics, and that it is away."""

from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from tests.workers.queue.desk import EVENT, Desk, opened
from tests.workers.web_world import NOW, migrated
from workers.clock import VirtualClock
from workers.web.gauges import QUEUE, Gauges


def _gauges(folder: Path, url: str) -> dict[str, float]:
    store, registry = migrated(folder), CollectorRegistry()
    Gauges(store, VirtualClock(NOW), registry, redis_url=url)
    text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    store.close()
    lines = (line.split() for line in text.splitlines())
    return {line[0]: float(line[1]) for line in lines if line[0] in QUEUE}


def test_messages_that_wait_are_counted_until_they_are_stored(
    redis_url: str, desk: Desk, tmp_path: Path
) -> None:
    """Those that a worker has in hand as well: they are not stored yet."""
    with opened(redis_url, desk) as queue:
        for number in range(3):
            queue.publish([EVENT | {"id": str(number)}])
        waiting = _gauges(tmp_path, redis_url)
        queue.start(threads=1)
        for _ in range(3):
            desk.next()
    stored = _gauges(tmp_path, redis_url)

    names = ("vouch_queue_up", "vouch_queue_messages", "vouch_queue_set_aside_messages")
    assert waiting == dict(zip(names, (1.0, 3.0, 0.0), strict=True))
    assert stored == dict(zip(names, (1.0, 0.0, 0.0), strict=True))


def test_a_queue_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    """Nothing else is said of it; where there is none, nothing at all."""
    assert _gauges(tmp_path, "redis://127.0.0.1:1/0") == {"vouch_queue_up": 0.0}
    assert _gauges(tmp_path, "") == {}
