"""A queue starts once, stops without losing what is in hand, and says who it is."""

import logging
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest
import redis
import structlog
from structlog.testing import capture_logs

from tests.workers.queue.desk import EVENT, SOON, Desk, opened, until
from workers.queue import queue as queue_module
from workers.queue.actors import DELIVER_QUEUE, DRAIN_QUEUE, EVENTS_QUEUE
from workers.queue.bells import BELLS_KEYS
from workers.queue.queue import THREADS_MAX, Queue, QueueUnavailableError


def test_stop_finishes_what_runs(url: str | None, desk: Desk) -> None:
    """Stopping waits for the running drain, and says so when it had to give up."""
    queue = Queue.open(url, desk)
    queue.start(threads=1)
    desk.may_go_on.clear()
    queue.ring_drain([1])
    assert desk.next() == {1}

    assert not queue.stop(0.05)

    desk.may_go_on.set()
    assert queue.stop(SOON)


def test_stop_waits_for_nobody_who_is_idle(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process threads that wait for work are woken: each would wait for an hour here."""
    monkeypatch.setattr(queue_module, "IDLE_MILLISECONDS", 3_600_000)
    queue = Queue.open(None, desk)
    queue.start()
    queue.publish([EVENT])
    assert desk.calls.get(timeout=SOON) == ["1"]
    stopping = Thread(target=queue.stop, daemon=True)

    stopping.start()
    stopping.join(SOON)

    assert not stopping.is_alive()


def test_stop_puts_back_what_was_not_begun(
    redis_url: str, desk: Desk, valkey: "redis.Redis"
) -> None:
    """What is taken while the last drain ends is there again for other processes, in one piece."""
    with opened(redis_url, desk, threads=1) as queue:
        desk.may_go_on.clear()
        queue.ring_drain([7])
        assert desk.next() == {7}
        stopping = Thread(target=queue.stop, args=(SOON,))
        stopping.start()
        until(lambda: len(_working(queue)) == 1)
        queue.publish([EVENT])
        queue.ring_deliver()
        until(lambda: valkey.zcard(BELLS_KEYS[DELIVER_QUEUE]) == 0)
        until(lambda: valkey.llen("dramatiq:events") == 0)
        desk.may_go_on.set()
        stopping.join(SOON)

    assert desk.calls.empty()
    assert valkey.llen("dramatiq:events") == valkey.hlen("dramatiq:events.msgs") == 1
    assert valkey.zrange(BELLS_KEYS[DELIVER_QUEUE], 0, -1) == ["deliver"]


def _working(queue: Queue) -> list[Thread]:
    """Return the threads that still answer messages."""
    worker = queue._worker  # noqa: SLF001 - nothing outside may know how many there are
    return [thread for thread in worker.workers if thread.is_alive()] if worker else []


def test_logs_name_the_message_and_nobody_in_it(
    redis_url: str, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """While a message is handled its actor and id are in the log; what it says never is."""
    caplog.set_level(logging.DEBUG, logger="dramatiq")
    seen: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Speaker(Desk):
        def accept(self, events: list[dict[str, Any]]) -> None:
            seen.put(structlog.contextvars.get_contextvars())
            raise RuntimeError(events[0]["id"])

    with opened(redis_url, Speaker(), threads=1) as queue, capture_logs() as logs:
        queue.publish([EVENT | {"id": "ana@example.org"}])
        context = seen.get(timeout=SOON)
        assert seen.get(timeout=SOON) == context

    assert context["actor"] == "accept"
    assert context["message"] in caplog.text
    assert "ana@" not in caplog.text + str(logs)


def test_an_address_that_is_none_is_refused_without_showing_it(desk: Desk) -> None:
    """A wrong address is an error with a hint, and the password in it is not repeated."""
    with pytest.raises(QueueUnavailableError, match="not one of Redis") as caught:
        Queue.open("postgresql://vouch:secret@127.0.0.1/0", desk)

    assert "secret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("threads", [0, THREADS_MAX + 1])
def test_threads_are_bounded(desk: Desk, threads: int) -> None:
    """A worker has at least one thread and at most `THREADS_MAX`."""
    with pytest.raises(ValueError, match="threads"):
        Queue.open(None, desk).start(threads)


def test_a_queue_starts_once(desk: Desk) -> None:
    """A second start would have two workers answer for one queue."""
    with (
        opened(None, desk, threads=THREADS_MAX) as queue,
        pytest.raises(ValueError, match="before"),
    ):
        queue.start(1)


def test_ping_answers_for_redis(url: str | None, desk: Desk) -> None:
    """A queue in memory always answers, one in Redis while Redis does."""
    with opened(url, desk) as queue:
        assert queue.ping()


def test_queues_keep_their_names() -> None:
    """Producers outside write to the queue by name."""
    assert (EVENTS_QUEUE, DRAIN_QUEUE) == ("events", "bells")
