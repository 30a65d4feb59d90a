"""The queue as the application sees it: ring, publish, start, stop."""

from collections.abc import Collection
from time import monotonic
from types import TracebackType
from typing import Any, Self

import redis
from dramatiq import Message, Worker
from dramatiq.common import join_all
from dramatiq.errors import ConnectionClosed

from events.errors import VouchError
from workers.queue.actors import (
    DELIVER_QUEUE,
    DRAIN_QUEUE,
    EVENTS_QUEUE,
    Handlers,
    declare_accept,
    declare_deliver,
    declare_drain,
)
from workers.queue.bells import DELIVER, DRAIN
from workers.queue.brokers import AnyBroker, BellBroker, boot, open_broker
from workers.queue.ending import EndingPriorityQueue
from workers.queue.outage import DatabaseGate

IDLE_MILLISECONDS = 1_000
"""How long a thread with nothing to do waits before it looks whether to stop, and beats."""

THREADS_MAX = 64

DRAINS_AT_ONCE = 1
"""Of one process: what rings meanwhile goes into one batch with whatever rings next. Two would
take turns with one interpreter, and share the same work in halves that cost as much each."""

ACCEPTS_AT_ONCE = 16
"""Messages of events in hand at a time: they wait for one commit together, most of the time."""


class QueueUnavailableError(VouchError):
    """A message could not be put into the queue."""

    code = "queue-unavailable"


class Queue:
    """Nudges between processes, and the one message that carries data.

    Opening it starts nothing and connects to nothing: web, clock and command line ring and
    publish, a worker also calls `start`. Without an address everything stays in this process.
    """

    def __init__(self, broker: AnyBroker) -> None:
        self._broker = broker
        self._worker: Worker | None = None
        self._work = EndingPriorityQueue()
        self._is_stopping = False

    @classmethod
    def open(cls, url: str | None, handlers: Handlers) -> Self:
        """Return the queue at a Redis address, or without one a queue in memory.

        Raises:
            QueueUnavailableError: the address is none of Redis.
        """
        try:
            broker = open_broker(url, DatabaseGate(handlers.is_database_up))
        except ValueError:
            raise QueueUnavailableError(
                "the queue's address is not one of Redis",  # it holds a password
                hint="write redis://HOST:PORT/NUMBER, rediss:// or unix://",
            ) from None
        declare_accept(broker, handlers)
        declare_drain(broker, handlers)
        declare_deliver(broker, handlers)
        return cls(broker)

    def ring_drain(self, slices: Collection[int]) -> bool:
        """Ask for a drain of the slices. False: nobody heard; the clock will ring again."""
        return self._broker.bells[DRAIN_QUEUE].ring([f"{DRAIN}{number}" for number in slices])

    def ring_deliver(self) -> bool:
        """Ask for a look at what is due to be sent. False as in `ring_drain`."""
        return self._broker.bells[DELIVER_QUEUE].ring([DELIVER])

    def publish(self, events: list[dict[str, Any]]) -> None:
        """Send events as one `accept` message: durable as Redis is, until intake committed.

        Raises:
            QueueUnavailableError: Redis did not confirm. Send again: what arrived twice is
                accepted once.
        """
        message: Message[None] = Message(
            queue_name=EVENTS_QUEUE, actor_name="accept", args=(events,), kwargs={}, options={}
        )
        try:
            self._broker.enqueue(message)
        except ConnectionClosed as error:
            raise QueueUnavailableError(
                "the queue did not take the events", hint="send them again, or over HTTP"
            ) from error

    def start(self, threads: int = 4, *, accepts: int = ACCEPTS_AT_ONCE) -> None:
        """Start sending in as many threads, draining and taking in in others; return at once.

        No more messages than threads are taken, so that a busy process leaves the rest to
        others. Redis need not be there yet.

        Raises:
            ValueError: started before, or not 1 to `THREADS_MAX` threads.
        """
        if self._worker is not None:
            raise ValueError("the queue was started before")
        if not 1 <= threads <= THREADS_MAX:
            raise ValueError(f"threads: {threads} is not 1 to {THREADS_MAX}")
        boot(self._broker, {DRAIN_QUEUE: DRAINS_AT_ONCE, DELIVER_QUEUE: threads})
        self._worker = Worker(
            self._broker,
            worker_threads=DRAINS_AT_ONCE + threads + accepts,
            worker_timeout=IDLE_MILLISECONDS,
        )
        self._worker.work_queue = self._work
        self._worker.queue_prefetch = accepts
        self._worker.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """Finish what runs, put back what was not begun, and close the connections.

        Returns:
            Whether everything that ran had ended within `timeout` seconds. What had not is
            taken up by another process.
        """
        finished, self._is_stopping = True, True
        if self._worker is not None:
            self._stop(self._worker, int(timeout * 1000))
            finished = not any(thread.is_alive() for thread in self._worker.workers)
        self._broker.close()
        return finished

    def _stop(self, worker: Worker, milliseconds: int) -> None:
        """Stop the threads, waking those that wait for work.

        Consumers beat for what is in hand, so they are woken after the last of that.
        """
        began = monotonic()
        for thread in worker.workers:
            thread.stop()
        self._work.end()
        join_all(worker.workers, milliseconds)  # type: ignore[no-untyped-call]
        self._broker.end()
        left = milliseconds - int((monotonic() - began) * 1000)
        worker.stop(timeout=max(left, IDLE_MILLISECONDS))

    def ping(self) -> bool:
        """Tell whether the queue answers."""
        if not isinstance(self._broker, BellBroker):
            return True
        try:
            return bool(self._broker.client.ping())
        except redis.RedisError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
