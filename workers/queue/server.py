"""What kind of server the queue talks to, for whoever looks after it."""

from dataclasses import dataclass

import redis

from workers.queue.actors import EVENTS_QUEUE

REDIS_MAJOR_MIN = 7
"""BZMPOP came with Redis 7; every Valkey has it, and says that it speaks Redis 7."""

SECONDS_MAX = 3.0


@dataclass(frozen=True, slots=True)
class QueueServer:
    """A server that answers.

    Attributes:
        name: Redis or Valkey, with its version.
        is_able: Whether it has what bells need.
        evicts: Its policy, if it may throw away what it holds when memory is short.
        set_aside: Messages on the queue of events that were no lists of events.
        waiting: Messages of events that are not stored yet.
    """

    name: str
    is_able: bool
    evicts: str = ""
    set_aside: int = 0
    waiting: int = 0


def look(url: str) -> QueueServer | str:
    """Return the server at an address, or the kind of error in a word if there is none."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=SECONDS_MAX, socket_connect_timeout=SECONDS_MAX
        ) as client:
            info = client.info()
            set_aside = int(client.hlen(f"dramatiq:{EVENTS_QUEUE}.XQ.msgs"))
            waiting = int(client.hlen(f"dramatiq:{EVENTS_QUEUE}.msgs"))
    except (redis.RedisError, OSError, ValueError) as error:
        return type(error).__name__  # its text may hold the password
    speaks = str(info.get("redis_version", "0"))
    valkey = info.get("valkey_version")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    return QueueServer(
        f"Valkey {valkey}" if valkey else f"Redis {speaks}",
        is_able=bool(valkey) or int(speaks.partition(".")[0] or 0) >= REDIS_MAJOR_MIN,
        evicts="" if policy == "noeviction" else policy,
        set_aside=set_aside,
        waiting=waiting,
    )
