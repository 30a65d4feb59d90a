"""Bells: nudges that say "look here", kept as a set, so that ringing twice is ringing once."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from threading import Condition, Event, Semaphore
from typing import Any, Protocol

import redis
from dramatiq import Consumer, Message, MessageProxy

from workers.queue.actors import DELIVER_QUEUE, DRAIN_QUEUE
from workers.queue.outage import ASK_SECONDS, Outage

BELLS_KEYS = {DRAIN_QUEUE: "vouch:bells", DELIVER_QUEUE: "vouch:bells:deliver"}
"""Sorted sets with a member for each bell that nobody has answered yet, by queue."""

DELIVER = "deliver"
DRAIN = "drain:"

POP_MAX = 32
"""Bells answered by one message: a drain takes up to 32 slices in one transaction."""

# First rung, first answered, by a number of Redis' own: machines' clocks differ, and without
# an order the bell with the greatest name would wait behind all others for ever.
_RING = """
local last = redis.call('INCRBY', KEYS[2], #ARGV)
for index, bell in ipairs(ARGV) do
  redis.call('ZADD', KEYS[1], 'NX', last - #ARGV + index, bell)
end
"""


class Bells(Protocol):
    """A set of bells that ring until somebody takes them."""

    def ring(self, bells: Collection[str]) -> bool:
        """Add bells; one that rings already stays as it is. False: nobody heard it."""

    def pop(self, seconds: float) -> Sequence[str]:
        """Take the oldest bells, up to `POP_MAX`; wait for the first up to `seconds`.

        They are out of the set before anybody acts on them: rung in the middle of that, a
        bell is there again afterwards.
        """


class RedisBells:
    """Bells between processes: a sorted set in Redis (7 or later, or any Valkey)."""

    def __init__(self, client: "redis.Redis", outage: Outage, queue: str) -> None:
        self._client = client
        self._outage = outage
        self._key = BELLS_KEYS[queue]
        self._script = client.register_script(_RING)

    def ring(self, bells: Collection[str]) -> bool:
        """Add bells; never raises, since the clock rings again what was lost."""
        if not bells:
            return True
        if not self._outage.may_ask():
            return False
        try:
            self._script(keys=[self._key, f"{self._key}:order"], args=list(bells))
        except redis.RedisError as error:
            self._outage.failed(error)
            return False
        self._outage.healed()
        return True

    def pop(self, seconds: float) -> Sequence[str]:
        """Take the oldest bells, in one round trip; empty also while Redis is away."""
        try:
            popped: Any = self._client.bzmpop(seconds, 1, [self._key], min=True, count=POP_MAX)
        except redis.RedisError as error:
            self._outage.failed(error)
            Event().wait(ASK_SECONDS)
            return ()
        self._outage.healed()
        return [member.decode() for member, _ in popped[1]] if popped else ()


class MemoryBells:
    """Bells within one process."""

    def __init__(self) -> None:
        self._ringing: dict[str, None] = {}
        self._rung = Condition()
        self._is_ended = False

    def end(self) -> None:
        """Have everybody who waits for a bell go on at once."""
        with self._rung:
            self._is_ended = True
            self._rung.notify_all()

    def ring(self, bells: Collection[str]) -> bool:
        """Add bells."""
        with self._rung:
            for bell in bells:
                self._ringing.setdefault(bell)
            self._rung.notify()
        return True

    def pop(self, seconds: float) -> Sequence[str]:
        """Take the oldest bells."""
        with self._rung:
            self._rung.wait_for(lambda: self._ringing or self._is_ended, seconds)
            popped = list(self._ringing)[:POP_MAX]
            for bell in popped:
                del self._ringing[bell]
            if self._ringing:
                self._rung.notify()
            return popped


class BellConsumer(Consumer):
    """Hands dramatiq a message for the bells that ring.

    It takes no more than `slots` messages that are not done, so that a busy process leaves
    bells to an idle one, and those that ring meanwhile are answered together. Acknowledging a
    nudge means only that its slot is free.
    """

    def __init__(self, bells: Bells, *, queue: str, slots: int, seconds: float) -> None:
        self._bells = bells
        self._queue = queue
        self._seconds = seconds
        self._slots = Semaphore(slots)
        self._ready: deque[Message[None]] = deque()

    def __next__(self) -> MessageProxy | None:
        if not self._slots.acquire(timeout=self._seconds):
            return None
        if not self._ready:
            self._ready.extend(messages(self._queue, self._bells.pop(self._seconds)))
        if not self._ready:
            self._slots.release()
            return None
        return MessageProxy(self._ready.popleft())

    def ack(self, message: MessageProxy) -> None:
        """Free the slot."""
        self._slots.release()

    def nack(self, message: MessageProxy) -> None:
        """Free the slot: the clock rings again where something is left to do."""
        self._slots.release()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Ring again what a stopping worker had taken and not begun."""
        self._bells.ring([bell for message in messages for bell in bells_of(message)])

    def close(self) -> None:
        """Ring again what nobody asked for yet."""
        left = [bell for message in self._ready for bell in bells_of(message)]
        self._ready.clear()
        self._bells.ring(left)


def messages(queue: str, bells: Iterable[str]) -> list[Message[None]]:
    """Return the messages that answer the bells: one drain for all slices, one deliver."""
    bells = list(bells)
    slices = [int(bell.removeprefix(DRAIN)) for bell in bells if bell.startswith(DRAIN)]
    found = [_message(queue, "drain", slices)] if slices else []
    return [*found, _message(queue, "deliver")] if DELIVER in bells else found


def bells_of(message: Message[None] | MessageProxy) -> list[str]:
    """Return the bells that a message answers."""
    if message.actor_name == "deliver":
        return [DELIVER]
    return [f"{DRAIN}{number}" for number in message.args[0]]


def _message(queue: str, actor: str, *args: object) -> Message[None]:
    return Message(queue_name=queue, actor_name=actor, args=args, kwargs={}, options={})
