"""Bells and messages: on a real Valkey, in memory, and with everything that can go away."""

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest
import redis
import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import TimeLimitExceeded
from structlog.testing import capture_logs

from store.errors import DatabaseUnavailableError
from tests.workers.line import Line
from workers.queue import queue as queue_module
from workers.queue.actors import DELIVER_QUEUE, DRAIN_QUEUE, EVENTS_QUEUE
from workers.queue.bells import BELLS_KEYS, POP_MAX
from workers.queue.consumer import EVENTS_AT_ONCE
from workers.queue.queue import THREADS_MAX, Queue, QueueUnavailableError

SOON = 30.0
"""Seconds until a wait gives up; every wait ends with what it waits for."""

EVENT = {"specversion": "1.0", "id": "1", "source": "crm", "type": "nps.submitted"}

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


class Desk:
    """Handlers that write down each call, and do as they are told."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[object] = SimpleQueue()
        self.errors: SimpleQueue[BaseException] = SimpleQueue()
        self.may_go_on = Event()
        self.may_go_on.set()
        self.is_up = True

    def is_database_up(self) -> bool:
        return self.is_up

    def accept(self, events: list[dict[str, Any]]) -> None:
        self._work([event["id"] for event in events])

    def drain(self, slices: list[int]) -> None:
        self._work(set(slices))

    def deliver(self) -> None:
        self._work("deliver")

    def _work(self, call: object) -> None:
        self.calls.put(call)
        assert self.may_go_on.wait(SOON)
        try:
            raise self.errors.get_nowait()
        except Empty:
            return

    def next(self) -> object:
        return self.calls.get(timeout=SOON)


@contextmanager
def opened(url: str | None, desk: Desk, threads: int = 0) -> Iterator[Queue]:
    """Give a queue, started if it has threads, and stop it whatever happens."""
    queue = Queue.open(url, desk)
    try:
        if threads:
            queue.start(threads, accepts=threads)
        yield queue
    finally:
        desk.may_go_on.set()
        queue.stop(SOON)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(params=["embedded", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Give the queue's address in each mode."""
    if request.param == "embedded":
        return None
    address: str = request.getfixturevalue("redis_url")
    return address


@pytest.fixture
def valkey(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def line(redis_url: str) -> Iterator[Line]:
    line = Line(redis_url)
    yield line
    line.cut()


def test_everything_arrives(url: str | None, desk: Desk) -> None:
    """Published events reach accept, rung slices one drain, and a rung deliver deliver."""
    with opened(url, desk, threads=1) as queue:
        queue.publish([EVENT, EVENT | {"id": "2"}])
        assert desk.next() == ["1", "2"]

        assert queue.ring_drain([3, 63, 3])
        assert desk.next() == {3, 63}

        assert queue.ring_deliver()
        assert desk.next() == "deliver"


def test_rung_during_its_drain_rings_afterwards(url: str | None, desk: Desk) -> None:
    """What is rung while its drain runs is drained once more, however often it was rung."""
    with opened(url, desk, threads=1) as queue:
        desk.may_go_on.clear()
        queue.ring_drain([17])
        assert desk.next() == {17}

        for _ in range(5):
            queue.ring_drain([17])
        desk.may_go_on.set()

        assert desk.next() == {17}
        queue.ring_drain([18])
        assert desk.next() == {18}


@pytest.mark.parametrize("rung", [POP_MAX, POP_MAX + 1])
def test_one_drain_takes_many_slices(url: str | None, desk: Desk, rung: int) -> None:
    """Bells that rang before anybody came are answered together, up to `POP_MAX` at once."""
    with opened(url, desk) as queue:
        queue.ring_drain(range(rung))
        desk.may_go_on.clear()
        queue.start(threads=1)

        assert desk.next() == set(range(POP_MAX))
        queue.ring_drain([63])
        desk.may_go_on.set()
        assert desk.next() == {*range(POP_MAX, rung), 63}


def test_the_oldest_bell_is_answered_first(url: str | None, desk: Desk) -> None:
    """A bell keeps its place, whatever its number and however often it is rung again."""
    with opened(url, desk) as queue:
        queue.ring_drain([63])
        queue.ring_drain(range(POP_MAX))
        queue.ring_drain([63])
        queue.start(threads=1)

        assert desk.next() == {63, *range(POP_MAX - 1)}


def test_a_failed_nudge_is_over(url: str | None, desk: Desk) -> None:
    """A drain that fails is not repeated by the queue; an outage is logged as a warning only."""
    with opened(url, desk, threads=1) as queue, capture_logs() as logs:
        desk.errors.put(RuntimeError("ana@example.org is broken"))
        queue.ring_drain([1])
        assert desk.next() == {1}
        desk.errors.put(DatabaseUnavailableError("down"))
        queue.ring_drain([2])
        assert desk.next() == {2}
        queue.ring_drain([3])
        assert desk.next() == {3}

    failed = [entry for entry in logs if entry["event"] == "drain.failed"]
    assert [(entry["error"], entry["log_level"]) for entry in failed] == [
        ("RuntimeError", "error"), ("DatabaseUnavailableError", "warning"),
    ]  # fmt: skip
    assert "test_queue.py" in failed[0]["where"]
    assert "ana@" not in str(logs)


def test_a_nudge_whose_time_is_up_is_no_error(
    url: str | None, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine under load takes long: what is left is for the next bell, said in one line."""
    with opened(url, desk, threads=1) as queue, capture_logs() as logs:
        desk.errors.put(TimeLimitExceeded())
        queue.ring_drain([1])
        assert desk.next() == {1}
        queue.ring_drain([2])
        assert desk.next() == {2}

    cut = [entry for entry in logs if entry["event"] == "drain.interrupted"]
    assert [entry["log_level"] for entry in cut] == ["warning"]
    assert "unhandled" not in caplog.text


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
        _until(lambda: "accept.paused" in [entry["event"] for entry in logs])
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

        _until(queue.ping)
        _until(queue.ring_deliver)
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
        _until(queue.ring_deliver)

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
        _until(lambda: not worker.work_queue.unfinished_tasks)
        line.mend()
        _until(queue.ping)
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
        _until(lambda: len(_working(queue)) == 1)
        queue.publish([EVENT])
        queue.ring_deliver()
        _until(lambda: valkey.zcard(BELLS_KEYS[DELIVER_QUEUE]) == 0)
        _until(lambda: valkey.llen("dramatiq:events") == 0)
        desk.may_go_on.set()
        stopping.join(SOON)

    assert desk.calls.empty()
    assert valkey.llen("dramatiq:events") == valkey.hlen("dramatiq:events.msgs") == 1
    assert valkey.zrange(BELLS_KEYS[DELIVER_QUEUE], 0, -1) == ["deliver"]


def _working(queue: Queue) -> list[Thread]:
    """Return the threads that still answer messages."""
    worker = queue._worker  # noqa: SLF001 - nothing outside may know how many there are
    return [thread for thread in worker.workers if thread.is_alive()] if worker else []


def _until(is_so: Callable[[], object]) -> None:
    """Wait until something is so; asking is all there is for what another process did."""
    pause = Event()
    for _ in range(int(SOON / 0.02)):
        if is_so():
            return
        pause.wait(0.02)
    pytest.fail("it never came")


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
