"""Messages that carry events: given out until they are committed, whoever sent or held them."""

import signal
import subprocess
import sys
from typing import Any

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from structlog.testing import capture_logs

from tests.workers.queue.desk import EVENT, SOON, Desk, opened, until
from workers.queue.actors import DRAIN_QUEUE, EVENTS_QUEUE
from workers.queue.bells import BELLS_KEYS
from workers.queue.consumer import EVENTS_AT_ONCE

PRODUCER = """
import sys
import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(url=sys.argv[1])

@dramatiq.actor(broker=broker, queue_name="events")
def accept(events): ...

accept.send([{"id": "plain"}])
accept.send_with_options(args=([{"id": "delayed"}],), delay=1)
"""

KILLED_WORKER = """
import sys
from threading import Event
from workers.queue.queue import Queue

class Handlers:
    def accept(self, events):
        print(events[0]["id"], flush=True)
        Event().wait()

    def is_database_up(self):
        return True

queue = Queue.open(sys.argv[1], Handlers())
queue.start(threads=1)
Event().wait()
"""


def test_failed_events_come_again(url: str | None, desk: Desk) -> None:
    """A message whose commit failed is given out again until it is committed."""
    with opened(url, desk, threads=1) as queue:
        desk.errors.put(ConnectionError("lost"))
        queue.publish([EVENT])

        assert [desk.next(), desk.next()] == [["1"], ["1"]]
    assert desk.calls.empty()


def test_committed_events_leave_redis(redis_url: str, desk: Desk, valkey: "redis.Redis") -> None:
    """After the commit nothing of a message stays behind, failed attempts or not."""
    with opened(redis_url, desk, threads=1) as queue:
        desk.errors.put(ConnectionError("lost"))
        queue.publish([EVENT])
        assert [desk.next(), desk.next()] == [["1"], ["1"]]

    assert valkey.keys("dramatiq:*events*") == []


def test_a_database_that_is_down_pauses_intake(
    redis_url: str, desk: Desk, valkey: "redis.Redis"
) -> None:
    """While the database is down no further message is taken; then all are, at once."""
    desk.is_up = False
    desk.errors.put(ConnectionError("database is down"))
    with opened(redis_url, desk, threads=1) as queue, capture_logs() as logs:
        queue.publish([EVENT])
        assert desk.next() == ["1"]
        queue.publish([EVENT | {"id": "2"}])
        queue.ring_deliver()
        assert desk.next() == "deliver"  # bells have no part in it
        until(lambda: "accept.paused" in [entry["event"] for entry in logs])
        assert valkey.llen("dramatiq:events") == 1

        desk.is_up = True

        assert sorted([desk.next(), desk.next()], key=str) == [["1"], ["2"]]
    words = [entry["event"] for entry in logs]
    assert words.count("accept.paused") == words.count("accept.resumed") == 1


def test_a_message_of_another_shape_is_set_aside(
    redis_url: str, desk: Desk, valkey: "redis.Redis"
) -> None:
    """What can never be accepted is set aside with a line in the log; its neighbours go in."""
    plain = RedisBroker(url=redis_url)  # type: ignore[no-untyped-call]
    plain.declare_queue(EVENTS_QUEUE)
    with plain.client, opened(redis_url, desk) as queue:
        for args, kwargs in [((), {}), (("x",), {}), (([],), {"more": 1}), (([], 2), {})]:
            plain.enqueue(_message("accept", args, kwargs))
        plain.enqueue(_message("unknown", ([],), {}))
        valkey.hset("dramatiq:events.msgs", "broken", "{")
        valkey.rpush("dramatiq:events", "broken", "without-data")
        queue.publish([EVENT])

        with capture_logs() as logs:
            queue.start(threads=1)
            assert desk.next() == ["1"]
            queue.publish([EVENT | {"id": "2"}])
            assert desk.next() == ["2"]

    assert [entry["event"] for entry in logs].count("accept.malformed") == 4
    assert valkey.hlen("dramatiq:events.msgs") == 0
    assert valkey.hlen("dramatiq:events.XQ.msgs") == 6


def _message(actor: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Message[Any]:
    return Message(queue_name="events", actor_name=actor, args=args, kwargs=kwargs, options={})


def test_any_dramatiq_producer_can_publish(redis_url: str, desk: Desk) -> None:
    """A process with dramatiq and none of our code publishes, delayed messages too."""
    with opened(redis_url, desk, threads=1):
        subprocess.run([sys.executable, "-P", "-c", PRODUCER, redis_url], check=True, cwd="/")  # noqa: S603 - our own words

        assert sorted([desk.next(), desk.next()], key=str) == [["delayed"], ["plain"]]


def test_messages_of_a_killed_worker_come_back(redis_url: str, desk: Desk) -> None:
    """What a worker held when it was killed with SIGKILL is handled by another one."""
    command = [sys.executable, "-c", KILLED_WORKER, redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:  # noqa: S603
        assert worker.stdout is not None
        with opened(redis_url, desk) as queue:
            queue.publish([EVENT])
            assert worker.stdout.readline() == "1\n"
            worker.send_signal(signal.SIGKILL)
            worker.wait(SOON)

            queue.start(threads=1)

            assert desk.next() == ["1"]


def test_who_only_publishes_takes_nothing(
    redis_url: str, desk: Desk, valkey: "redis.Redis"
) -> None:
    """A queue that was not started consumes nothing, and leaves what it sent."""
    with opened(redis_url, desk) as queue:
        queue.publish([EVENT])
        queue.ring_drain([5])

    assert valkey.llen("dramatiq:events") == 1
    assert valkey.zrange(BELLS_KEYS[DRAIN_QUEUE], 0, -1) == ["drain:5"]
    assert desk.calls.empty()


def test_a_process_has_no_more_events_in_hand_than_it_may(
    redis_url: str, desk: Desk, valkey: "redis.Redis"
) -> None:
    """Large messages are taken a few at a time, so that others take the rest in their order."""
    each = EVENTS_AT_ONCE // 2
    with opened(redis_url, desk) as queue:
        for number in range(5):
            queue.publish([EVENT | {"id": f"{number}"}] * each)
        desk.may_go_on.clear()
        queue.start(threads=1, accepts=4)
        assert isinstance(desk.next(), list)
        assert isinstance(desk.next(), list)
        queue.ring_drain([1])
        assert desk.next() == {1}

        assert valkey.llen("dramatiq:events") >= 1
        assert desk.calls.empty()
