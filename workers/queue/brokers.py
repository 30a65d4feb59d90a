"""The two brokers: Redis between processes, memory within one."""

from collections.abc import Mapping
from typing import Any

import redis
from dramatiq import Consumer, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Retries, TimeLimit
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.queue.actors import NUDGES
from workers.queue.bells import BellConsumer, MemoryBells, RedisBells
from workers.queue.consumer import EventsConsumer
from workers.queue.ending import EndingQueue
from workers.queue.middleware import LogContext, RetriesInPlace
from workers.queue.outage import DatabaseGate, Outage

SOCKET_SECONDS = 2.0
"""A reply that takes longer is lost; every blocking command waits less."""

CONNECT_SECONDS = 1.0

HEARTBEAT_MILLISECONDS = 5_000
"""After this silence a process is dead and its messages go back to the queue."""

ALWAYS = 1_000_000
"""dramatiq draws a number up to this before each command, and looks for the dead if it wins.

For each dead process it lists the database's keys: Vouch wants a database number of its own.
"""


class BellBroker(RedisBroker):
    """Redis: dramatiq's own queue for events, a set of bells for nudges.

    The messages of a killed process come back `HEARTBEAT_MILLISECONDS` after its last sign
    of life, when the next consumer looks: idle or busy, each looks once a second.
    """

    def __init__(self, url: str, gate: DatabaseGate) -> None:
        # No retries inside the client: a fetch that is repeated unseen mislays the messages
        # of its first reply. The pool replaces connections that a server closed meanwhile.
        client = redis.Redis.from_url(
            url,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        super().__init__(  # type: ignore[no-untyped-call]
            client=client,
            middleware=[TimeLimit(), LogContext(), RetriesInPlace()],
            heartbeat_timeout=HEARTBEAT_MILLISECONDS,
            maintenance_chance=ALWAYS,
        )
        self.at_once: Mapping[str, int] = {}
        self.outage = Outage()
        self.bells = {queue: RedisBells(client, self.outage, queue) for queue in NUDGES}
        self._gate = gate
        self._consumers: dict[str, Consumer] = {}

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; bells are never delayed and have no queue for that."""
        if queue_name not in NUDGES:
            super().declare_queue(queue_name)
        elif queue_name not in self.queues:
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        """Return the queue's consumer.

        dramatiq asks again after an error. The consumer stays the same, since it knows which
        messages are still being handled; a queue of delayed messages starts afresh, since
        dramatiq forgets those.
        """
        consumer = self._consumers.get(queue_name)
        if consumer is None or queue_name == dq_name(queue_name):
            consumer = self._consumer(queue_name, prefetch, timeout / 1000)
            self._consumers[queue_name] = consumer
        return consumer

    def _consumer(self, queue: str, prefetch: int, seconds: float) -> Consumer:
        if queue in NUDGES:
            return BellConsumer(
                self.bells[queue], queue=queue, slots=self.at_once[queue], seconds=seconds
            )
        made = EventsConsumer(
            self, self.outage, self._gate, queue=queue, prefetch=prefetch, seconds=seconds
        )
        made.is_doubtful = queue in self._consumers
        return made

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message into its queue.

        Raises:
            ConnectionClosed: Redis did not confirm; the message may be there all the same.
        """
        try:
            sent: Message[Any] = super().enqueue(message, delay=delay)
        except redis.RedisError as error:
            self.outage.failed(error)
            raise ConnectionClosed(type(error).__name__) from error  # type: ignore[no-untyped-call]
        self.outage.healed()
        return sent

    def end(self) -> None:
        """Leave those who wait for Redis alone: it lets go of them within a second."""

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class EmbeddedBroker(StubBroker):
    """One process: the same actors, messages and bells in memory."""

    def __init__(self) -> None:
        super().__init__(middleware=[TimeLimit(), LogContext(), Retries()])
        self.at_once: Mapping[str, int] = {}
        self.bells = {queue: MemoryBells() for queue in NUDGES}
        self._bell_consumers: dict[str, BellConsumer] = {}

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; the bells' one is the set of bells."""
        if queue_name in self.queues:
            return
        if queue_name in NUDGES:
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)
            return
        super().declare_queue(queue_name)
        for name in (queue_name, dq_name(queue_name)):
            self.queues[name] = EndingQueue()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        """Return a consumer of the queue; of bells always the same."""
        if queue_name not in NUDGES:
            return super().consume(queue_name, prefetch, timeout)
        if queue_name not in self._bell_consumers:
            self._bell_consumers[queue_name] = BellConsumer(
                self.bells[queue_name], queue=queue_name,
                slots=self.at_once[queue_name], seconds=timeout / 1000,
            )  # fmt: skip
        return self._bell_consumers[queue_name]

    def end(self) -> None:
        """Have everybody who waits for a message or a bell look up."""
        for bells in self.bells.values():
            bells.end()
        for queue in self.queues.values():
            if queue is not None:
                queue.end()


AnyBroker = BellBroker | EmbeddedBroker


def open_broker(url: str | None, gate: DatabaseGate) -> AnyBroker:
    """Return the broker for an address, or without one the broker in memory.

    Nothing connects before the first message.
    """
    return EmbeddedBroker() if url is None else BellBroker(url, gate)


def boot(broker: AnyBroker, nudges: Mapping[str, int]) -> None:
    """Say how many nudges of each queue are answered at a time, and start the middleware."""
    broker.at_once = nudges
    broker.emit_after("process_boot")
