"""What goes wrong, when, and for how long: drawn by seed, several at a time."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

import psycopg
import redis

from benchmarks.chaos.servers import Postgres, Valkey
from benchmarks.chaos.sinks import Mood, Sinks
from benchmarks.chaos.stack import Stack

Action = Callable[[], object]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: how it begins, how it ends, how long it lasts, what it holds.

    Two faults that hold the same thing never overlap.
    """

    name: str
    holds: str
    begin: Action
    end: Action
    seconds: tuple[float, float]


def nothing() -> None:
    """End what needs no end."""


def all_faults(
    stack: Stack, postgres: Postgres, valkey: Valkey, sinks: Sinks, *, lease: float
) -> list[Fault]:
    """Return everything that can go wrong in a drill on this machine."""
    found = [*_of_postgres(postgres), *_of_valkey(valkey)]
    for process in stack.processes:
        kill = partial(process.signal, signal.SIGKILL)
        stop = partial(process.signal, signal.SIGSTOP)
        wake = partial(process.signal, signal.SIGCONT)
        name = process.name
        found += [
            Fault(f"kill -9 {name}", name, kill, nothing, (0, 0)),
            Fault(f"freeze {name}", name, stop, wake, (lease + 1, lease + 3)),
        ]

    def feel(mood: Mood) -> None:
        sinks.mood = mood

    well = partial(feel, Mood.WELL)
    found += [
        Fault(f"sinks {mood}", "sinks", partial(feel, mood), well, (2, 4))
        for mood in Mood
        if mood is not Mood.WELL
    ]
    return found


def _of_postgres(postgres: Postgres) -> list[Fault]:
    found = [
        Fault("kill -9 postgres", "postgres", postgres.kill, postgres.start, (0.2, 2)),
        Fault("restart postgres", "postgres", postgres.stop, postgres.start, (0.2, 2)),
        Fault("cut connections", "postgres", postgres.cut, nothing, (0, 0)),
    ]
    if postgres.has_own_disk:
        full = Fault("disk full", "postgres", postgres.fill_disk, postgres.free_disk, (1, 3))
        found.append(full)
    return found


def _of_valkey(valkey: Valkey) -> list[Fault]:
    def empty() -> None:
        valkey.kill()
        valkey.forget()

    return [
        Fault("kill -9 valkey", "valkey", valkey.kill, valkey.start, (0.2, 2)),
        Fault("empty valkey", "valkey", empty, valkey.start, (0.2, 2)),
        Fault("flush valkey", "valkey", valkey.flush, nothing, (0, 0)),
    ]


class Trouble(Protocol):
    """What happens to the processes while events are published.

    Attributes:
        done: How often each thing happened.
    """

    done: Counter[str]

    def step(self) -> None:
        """Do what it is time for."""

    def heal(self) -> None:
        """Bring what is left to its end."""


class Havoc:
    """Lets faults begin and end, several at a time, every one as often as the others.

    Attributes:
        done: How often each fault happened.
    """

    def __init__(self, faults: Sequence[Fault], *, seed: int, every_seconds: float) -> None:
        self._faults = list(faults)
        self._draw = Random(f"faults/{seed}")
        self._every = every_seconds
        self._deck: list[Fault] = []
        self._open: dict[str, tuple[float, Fault]] = {}
        self._next = time.monotonic() + every_seconds
        self.done: Counter[str] = Counter()

    def step(self) -> None:
        """End what has lasted long enough, and begin something when it is time."""
        now = time.monotonic()
        for holds, (until, fault) in list(self._open.items()):
            if until <= now:
                del self._open[holds]
                fault.end()
        if now >= self._next:
            self._next = now + self._draw.expovariate(1 / self._every)
            self._begin(now)

    def _begin(self, now: float) -> None:
        if not self._deck:
            self._deck = self._draw.sample(self._faults, len(self._faults))
        at = next((at for at, f in enumerate(self._deck) if f.holds not in self._open), None)
        if at is None:
            return
        fault = self._deck.pop(at)
        with suppress(psycopg.Error, redis.RedisError):
            fault.begin()
        self.done[fault.name] += 1
        self._open[fault.holds] = (now + self._draw.uniform(*fault.seconds), fault)

    def heal(self) -> None:
        """End everything that is wrong."""
        for _, fault in self._open.values():
            fault.end()
        self._open.clear()
