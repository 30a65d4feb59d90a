"""Takes messages that carry data from Redis, and gives none of them up."""

import heapq
from collections import deque
from collections.abc import Iterable
from itertools import count
from threading import Event, Lock
from time import monotonic
from typing import Any

import redis
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import compute_backoff
from dramatiq.errors import ActorNotFound, DecodeError

from workers.queue.actors import (
    BACKOFF_MAX_MILLISECONDS,
    BACKOFF_MIN_MILLISECONDS,
    MalformedMessageError,
)
from workers.queue.outage import ASK_SECONDS, DatabaseGate, Outage

EVENTS_AT_ONCE = 800
"""Events that a process has in hand, beyond one message: others take the rest in their order."""

LATER_MAX = 1_000
"""Failed messages that wait for their next attempt without taking a place of the others."""


class QuietProxy(MessageProxy):
    """A message that shows dramatiq's log its id, never its arguments."""

    def __init__(self, message: Message[Any]) -> None:
        super().__init__(message)
        self.error: BaseException | None = None
        self.attempts = 0

    @property
    def redis_id(self) -> str:
        """Names the message in Redis; another one each time it is sent."""
        return str(self.options["redis_message_id"])

    def stuff_exception(self, exception: BaseException) -> None:
        """Keep what the actor raised, for `nack` to judge."""
        super().stuff_exception(exception)
        self.error = exception

    def __str__(self) -> str:
        return f"{self.actor_name} {self.message_id}"

    def __repr__(self) -> str:
        return f"<{self}>"


class EventsConsumer(Consumer):
    """dramatiq's Redis queue without its polling, and without its ways to mislay a message.

    - Idle, it blocks on the queue's list until something is there. The list's head is moved
      onto itself, so waiting takes nothing away.
    - It beats at least every `seconds`, however busy or closed it is; a process that stops
      beating loses its messages to the others after the broker's `heartbeat_timeout`.
    - A message whose actor failed stays unacknowledged and comes again from here, after a
      growing wait, or as soon as the database is back.
    - A reply of Redis that was lost on the way leaves messages that are marked as ours and
      that we never saw: after every error they are looked for and put back.
    - An acknowledgement that does not get through is owed, not forgotten.
    """

    def __init__(
        self,
        broker: RedisBroker,
        outage: Outage,
        gate: DatabaseGate,
        *,
        queue: str,
        prefetch: int,
        seconds: float,
    ) -> None:
        self._redis: Any = broker  # its commands are made on demand
        self._client: Any = broker.client
        self._outage = outage
        self._gate = gate
        self._queue = queue
        self._list = f"{self._redis.namespace}:{queue}"
        self._acks = f"{self._redis.namespace}:__acks__.{self._redis.broker_id}.{queue}"
        self._prefetch = prefetch
        self._seconds = seconds
        self._lock = Lock()
        self._freed = Event()
        self._fetched: deque[QuietProxy] = deque()
        self._later: list[tuple[float, int, QuietProxy]] = []
        self._numbers = count()
        self._held: dict[str, int] = {}  # with the number of events of each
        self._usual = EVENTS_AT_ONCE  # one message, to see
        self._owed: set[str] = set()
        self._was_open = True
        self.is_doubtful = False

    def __next__(self) -> MessageProxy | None:
        try:
            return self._next()
        except redis.RedisError as error:
            self._outage.failed(error)
            self.is_doubtful = True
            Event().wait(ASK_SECONDS)
            return None

    def _next(self) -> MessageProxy | None:
        self._freed.clear()
        self._settle()
        if not self._gate.is_open():
            self._was_open = False
            self._beat()
            return None
        if (message := self._due()) or (message := self._first()):
            return message
        free = self._free()
        if not free:
            self._beat()
            return None
        self._decode(self._redis.do_fetch(self._queue, free))
        self._outage.healed()
        if not self._fetched and not self.is_doubtful:
            self._client.blmove(self._list, self._list, self._pause(), "LEFT", "LEFT")
        return self._first()

    def _first(self) -> QuietProxy | None:
        return self._fetched.popleft() if self._fetched else None

    def _decode(self, found: Iterable[bytes | None]) -> None:
        for data in found:
            try:
                message = QuietProxy(Message.decode(data or b""))
                self._usual = _events_in(message)
                self._held[message.redis_id] = self._usual
                self._fetched.append(message)
            except (DecodeError, KeyError):
                self.is_doubtful = True  # Redis did not say which one it was

    def _beat(self) -> None:
        """Say that this process lives, then wait until a place is free or for a while."""
        self._redis.do_fetch(self._queue, 0)
        self._outage.healed()
        self._freed.wait(self._pause())

    def _pause(self) -> float:
        with self._lock:
            due = self._later[0][0] if self._later else monotonic() + self._seconds
        return min(max(due - monotonic(), 0.01), self._seconds)

    def _free(self) -> int:
        with self._lock:
            if len(self._later) >= LATER_MAX:
                return 0
            waiting = {message.redis_id for _, _, message in self._later}
            sizes = [size for name, size in self._held.items() if name not in waiting]
        places = self._prefetch - len(sizes)
        room = (EVENTS_AT_ONCE - sum(sizes)) // self._usual
        return max(min(places, room), 0 if sizes else 1)

    def _due(self) -> QuietProxy | None:
        with self._lock:
            if not self._was_open:  # the database is back: no reason left to wait
                self._later = [(0.0, number, message) for _, number, message in self._later]
                heapq.heapify(self._later)
                self._was_open = True
            if not self._later or self._later[0][0] > monotonic():
                return None
            message = heapq.heappop(self._later)[2]
        message.failed = False
        return message

    def ack(self, message: MessageProxy) -> None:
        """Tell Redis that a message is done."""
        self._finish("ack", message)

    def nack(self, message: MessageProxy) -> None:
        """Keep a message for later; to the dead letters goes only what can never succeed."""
        if not isinstance(message, QuietProxy):
            return
        if isinstance(message.error, (MalformedMessageError, ActorNotFound)):
            self._finish("nack", message)
            return
        self._gate.suspect()
        _, milliseconds = compute_backoff(
            message.attempts,
            factor=BACKOFF_MIN_MILLISECONDS,
            max_backoff=BACKOFF_MAX_MILLISECONDS,
        )
        message.attempts += 1
        with self._lock:
            entry = (monotonic() + milliseconds / 1000, next(self._numbers), message)
            heapq.heappush(self._later, entry)
        self._freed.set()

    def _finish(self, command: str, message: MessageProxy) -> None:
        name = str(message.options["redis_message_id"])
        try:
            getattr(self._redis, f"do_{command}")(self._queue, name)
        except redis.RedisError as error:
            self._outage.failed(error)
            with self._lock:  # at once: in between it would look like nobody's
                if command == "ack":
                    self._owed.add(name)
                self._held.pop(name, None)
            self.is_doubtful = True
        else:
            with self._lock:
                self._held.pop(name, None)
        self._freed.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Put back what a stopping worker had taken and not begun."""
        self._put_back([str(message.options["redis_message_id"]) for message in messages])

    def close(self) -> None:
        """Put back what waits here; after an outage the other processes find it by themselves."""
        with self._lock:
            waiting = [*self._fetched, *(message for _, _, message in self._later)]
            self._fetched.clear()
            self._later.clear()
        self._put_back([message.redis_id for message in waiting])
        self.is_doubtful = True

    def _put_back(self, names: list[str]) -> None:
        try:
            for name in names:
                self._redis.do_requeue(self._queue, name)
        except redis.RedisError as error:
            self._outage.failed(error)
        with self._lock:
            for name in names:
                self._held.pop(name, None)

    def _settle(self) -> None:
        """Pay owed acknowledgements, then look for messages that are ours unseen."""
        if not self.is_doubtful and not self._owed:
            return
        self.is_doubtful = False  # first: doubts that come meanwhile are for the next time
        with self._lock:
            owed = list(self._owed)
        for name in owed:
            self._redis.do_ack(self._queue, name)
            with self._lock:
                self._owed.discard(name)
        marked = {name.decode() for name in self._client.smembers(self._acks)}
        with self._lock:  # after the look: what is finished meanwhile is put back by nobody
            unseen = marked - self._held.keys() - self._owed
        for name in unseen:
            self._find_place(name)

    def _find_place(self, name: str) -> None:
        data = self._client.hget(f"{self._list}.msgs", name)
        if data is None:
            self._client.srem(self._acks, name)
            return
        try:
            readable = QuietProxy(Message.decode(data)).redis_id == name
        except (DecodeError, KeyError):
            readable = False
        (self._redis.do_requeue if readable else self._redis.do_nack)(self._queue, name)


def _events_in(message: MessageProxy) -> int:
    """Return how many events a message holds, at least one: it may be anything."""
    events = message.args[0] if message.args else message.kwargs.get("events")
    return len(events) or 1 if isinstance(events, list) else 1
