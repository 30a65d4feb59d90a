"""A queue whose Redis goes away, comes later, or loses a reply."""

import pytest
import redis
from structlog.testing import capture_logs

from tests.workers.line import Line
from tests.workers.queue.desk import EVENT, Desk, opened, until
from workers.queue.queue import QueueUnavailableError


def test_an_outage_of_redis_is_survived(line: Line, desk: Desk) -> None:
    """With Redis gone a ring says so, publishing raises, and one line is logged; then all works."""
    with opened(line.url, desk, threads=2) as queue, capture_logs() as logs:
        queue.ring_deliver()
        assert desk.next() == "deliver"

        line.cut()
        assert not queue.ring_drain([1])
        assert not queue.ring_deliver()
        assert not queue.ping()
        with pytest.raises(QueueUnavailableError):
            queue.publish([EVENT])
        line.mend()

        until(queue.ping)
        until(queue.ring_deliver)
        assert desk.next() == "deliver"
        queue.publish([EVENT])
        assert desk.next() == ["1"]
    words = [entry["event"] for entry in logs]
    assert words.count("queue.lost") == words.count("queue.restored") == 1


def test_redis_may_come_later(line: Line, desk: Desk) -> None:
    """A worker that starts before its Redis works as soon as there is one."""
    line.cut()
    with opened(line.url, desk, threads=1) as queue:
        assert not queue.ring_deliver()
        line.mend()
        until(queue.ring_deliver)

        assert desk.next() == "deliver"


def test_an_acknowledgement_is_owed_through_an_outage(
    line: Line, desk: Desk, valkey: "redis.Redis"
) -> None:
    """Events committed while Redis is away are acknowledged later, not handled again."""
    with opened(line.url, desk, threads=1) as queue:
        desk.may_go_on.clear()
        queue.publish([EVENT])
        assert desk.next() == ["1"]

        line.cut()
        desk.may_go_on.set()
        worker = queue._worker  # noqa: SLF001 - the moment after it shows nowhere else
        assert worker is not None
        until(lambda: not worker.work_queue.unfinished_tasks)
        line.mend()
        until(queue.ping)
        queue.publish([EVENT | {"id": "2"}])

        assert desk.next() == ["2"]
    assert desk.calls.empty()
    assert valkey.hlen("dramatiq:events.msgs") == 0


def test_a_lost_reply_loses_no_message(redis_url: str, line: Line, desk: Desk) -> None:
    """A message that Redis counts as ours and whose reply never came is found again."""
    line.loses = b"redis_message_id"
    with opened(line.url, desk, threads=1), opened(redis_url, desk) as publisher:
        publisher.publish([EVENT])

        assert desk.next() == ["1"]
        assert not line.loses
