"""What is published during a drill, through both doors, again and again until it is taken."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event, Thread
from typing import Any

import dramatiq
import psycopg
import redis
from dramatiq.brokers.redis import RedisBroker

from benchmarks.processes import BenchError
from tests.services import libpq

BATCH = 40
TWICE = 0.02
"""One event in fifty is published a second time, with the same id."""

QUEUED = 0.3
"""The share of events that come over the queue."""

CONTACTS = 300
PAUSE_SECONDS = 0.3
AGAIN_SECONDS = 2.0
SOURCE = "chaos"
KINDS = ("nps.answered", "nps.answered", "problem.solved", "project.delivered")
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY,
          HTTPStatus.INTERNAL_SERVER_ERROR}  # fmt: skip

Raw = dict[str, Any]


def introductions(now: datetime) -> list[Raw]:
    """Return the events that give every contact an address."""
    return [
        _envelope(f"known-{number}", "contact.updated", f"c-{number}", now - timedelta(minutes=2),
                  {"email": f"c-{number}@chaos.example", "first_name": "Kim"})
        for number in range(CONTACTS)
    ]  # fmt: skip


def make_events(count: int, *, seed: int, now: datetime) -> list[Raw]:
    """Return events whose effects hang on nothing but themselves."""
    draw = Random(f"traffic/{seed}")
    made: list[Raw] = []
    for number in range(count):
        kind = draw.choice(KINDS)
        data: dict[str, Any] = {}
        match kind:
            case "nps.answered":
                data = {"response": f"r-{number}", "score": draw.randrange(11)}
            case "project.delivered":
                data = {"project_id": f"p-{number}"}
            case _:
                data = {"ticket": f"t-{number}"}
        at = now - timedelta(seconds=draw.randrange(60))
        contact = f"c-{draw.randrange(CONTACTS)}"
        made.append(_envelope(f"e-{number}", kind, contact, at, data))
    return made


def _envelope(id_: str, kind: str, contact: str, at: datetime, data: dict[str, Any]) -> Raw:
    return {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": kind,
        "time": at.isoformat(), "subject": f"contact/{contact}", "data": data,
    }  # fmt: skip


@dataclass
class Tally:
    """What publishing took."""

    posted: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    queued: int = 0
    queued_again: int = 0
    wrong: list[str] = field(default_factory=list)

    def answer(self, what: str) -> None:
        """Count an answer, or the lack of one."""
        self.answers[what] = self.answers.get(what, 0) + 1


class Traffic:
    """Publishes a list of events in so many seconds, over HTTP and over the queue.

    Over HTTP a batch is sent until it is answered with 202. The queue answers nobody: what
    Redis lost with its memory is found missing in the database, and sent again.
    """

    def __init__(self, events: Sequence[Raw], *, seed: int, seconds: float) -> None:
        draw = Random(f"doors/{seed}")
        doubled = [draw.choice(events) for _ in range(int(len(events) * TWICE))]
        every = [*events, *doubled]
        cut = int(len(every) * QUEUED)
        self._queued, self._posted = every[:cut], every[cut:]
        self._seconds = seconds
        self.tally = Tally()
        self.stop = Event()
        self._threads: list[Thread] = []

    def start(self, web: str, port: int, key: str, queue: str) -> None:
        """Begin."""
        work: list[tuple[Callable[..., None], tuple[object, ...]]] = [
            (self._post, (web, port, key)),
            (self._queue, (queue,)),
        ]
        self._threads = [Thread(target=run, args=given, daemon=True) for run, given in work]
        for thread in self._threads:
            thread.start()

    @property
    def is_done(self) -> bool:
        """Whether everything was published, or something was answered that must not be."""
        return bool(self.tally.wrong) or not any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Stop publishing.

        Raises:
            BenchError: An answer was neither 202 nor one that says to come back.
        """
        self.stop.set()
        for thread in self._threads:
            thread.join()
        if self.tally.wrong:
            raise BenchError("a publisher was refused", hint=self.tally.wrong[0])

    def _paced(self, events: Sequence[Raw]) -> list[tuple[float, list[Raw]]]:
        batches = [list(events[at : at + BATCH]) for at in range(0, len(events), BATCH)]
        apart = self._seconds / max(1, len(batches))
        return [(number * apart, batch) for number, batch in enumerate(batches)]

    def _post(self, web: str, port: int, key: str) -> None:
        began = time.monotonic()
        for at, batch in self._paced(self._posted):
            self.stop.wait(max(0.0, began + at - time.monotonic()))
            while not self.stop.is_set() and not self._post_once(web, port, key, batch):
                self.stop.wait(PAUSE_SECONDS)
            self.tally.posted += len(batch)

    def _post_once(self, web: str, port: int, key: str, batch: list[Raw]) -> bool:
        connection = HTTPConnection(web, port, timeout=10)
        headers = {"Content-Type": "application/cloudevents-batch+json",
                   "Authorization": f"Bearer {key}"}  # fmt: skip
        try:
            connection.request("POST", "/events", json.dumps(batch).encode(), headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            self.tally.answer(type(error).__name__)
            return False
        finally:
            connection.close()
        self.tally.answer(str(answer.status))
        if answer.status == HTTPStatus.ACCEPTED:
            told = json.loads(body)
            if told["accepted"] + told["duplicates"] != len(batch):
                self.tally.wrong.append(body.decode()[:500])
            return True
        if answer.status not in _LATER:
            self.tally.wrong.append(f"{answer.status} {body.decode()[:500]}")
        return False

    def _queue(self, queue: str) -> None:
        began = time.monotonic()
        for at, batch in self._paced(self._queued):
            self.stop.wait(max(0.0, began + at - time.monotonic()))
            while not self.stop.is_set() and not enqueue(queue, batch):
                self.stop.wait(PAUSE_SECONDS)
            self.tally.queued += len(batch)

    def repair(self, queue: str, database: str) -> int:
        """Send again over the queue what the database does not have; return how much that was."""
        missing = self._missing(database)
        for at in range(0, len(missing), BATCH):
            enqueue(queue, missing[at : at + BATCH])
        self.tally.queued_again += len(missing)
        return len(missing)

    def _missing(self, database: str) -> list[Raw]:
        with psycopg.connect(libpq(database)) as conn:
            known = {row[0] for row in conn.execute("SELECT id FROM event WHERE source = 'chaos'")}
        return [event for event in self._queued if event["id"] not in known]


def enqueue(queue: str, batch: Sequence[Raw]) -> bool:
    """Send one `accept` message as any dramatiq producer does; False if Redis did not take it."""
    broker = RedisBroker(url=queue)  # type: ignore[no-untyped-call]
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name="events", actor_name="accept", args=(list(batch),), kwargs={}, options={}
    )
    broker.declare_queue("events")
    try:
        broker.enqueue(message)
    except (dramatiq.errors.BrokerConnectionError, redis.RedisError):
        return False
    finally:
        with suppress(redis.RedisError):
            broker.close()
    return True
