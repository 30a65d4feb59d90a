"""The publisher of a bench, in a process of its own: `python -m benchmarks.publish WAY N LABEL`.

It makes its events, says READY, waits for a line, publishes as fast as it can, and tells when
it began and what processor time publishing took. WAY is a design of `benchmarks.designs`;
addresses come from the environment.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from importlib import import_module
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

from benchmarks.workload import Event, batches, make_events, make_openings

BATCH = 100
HTTP_CONNECTIONS = 4
ACCEPTED = HTTPStatus.ACCEPTED


def by_actor(events: Sequence[Event]) -> None:
    """Send a dramatiq message an event, as the baseline's user does."""
    from benchmarks.baseline import handle  # noqa: PLC0415 - it connects where it is imported

    for event in events:
        handle.send(event)


def one_by_one(events: Sequence[Event]) -> None:
    """Send a dramatiq message an event to the actor of `benchmarks.one_by_one`."""
    import dramatiq  # noqa: PLC0415 - the other ways do without
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    broker = RedisBroker(url=os.environ["BENCH_REDIS"])  # type: ignore[no-untyped-call]

    @dramatiq.actor(broker=broker)
    def handle(event: Event) -> None:
        """Stand for the actor that the workers run."""

    for event in events:
        handle.send(event)


def by_queue(events: Sequence[Event]) -> None:
    """Send `accept` messages from any dramatiq producer, without a package of ours."""
    import dramatiq  # noqa: PLC0415 - the other ways do without
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415

    broker = RedisBroker(url=os.environ["VOUCH_REDIS_URL"])  # type: ignore[no-untyped-call]

    @dramatiq.actor(broker=broker, queue_name="events")
    def accept(events: list[Event]) -> None:
        """Stand for the actor that the workers run."""

    for batch in batches(events, BATCH):
        accept.send(batch)


def by_http(events: Sequence[Event]) -> None:
    """Post batches over a few connections; each waits for its answer before the next."""
    waiting: SimpleQueue[list[Event] | None] = SimpleQueue()
    for batch in batches(events, BATCH):
        waiting.put(batch)
    refused: list[str] = []
    threads = [Thread(target=_post, args=(waiting, refused)) for _ in range(HTTP_CONNECTIONS)]
    for thread in threads:
        waiting.put(None)
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        sys.exit(f"not accepted: {refused[0]}")


def _post(waiting: "SimpleQueue[list[Event] | None]", refused: list[str]) -> None:
    where = urlsplit(os.environ["BENCH_WEB"])
    connection = HTTPConnection(where.hostname or "", where.port)
    headers = {
        "Content-Type": "application/cloudevents-batch+json",
        "Authorization": f"Bearer {os.environ['BENCH_KEY']}",
    }
    while (batch := waiting.get()) is not None:
        connection.request("POST", "/events", json.dumps(batch).encode(), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != ACCEPTED or json.loads(body)["accepted"] != len(batch):
            refused.append(f"{answer.status} {body[:500]!r}")
    connection.close()


Publish = Callable[[Sequence[Event]], None]

WAYS: dict[str, Publish] = {
    "baseline": by_actor,
    "single": one_by_one,
    "queue": by_queue,
    "http": by_http,
}


def main(way: str, count: str, label: str) -> None:
    """Publish `count` events and tell what it took."""
    # A minute ago: within what intake believes, and never ahead of its clock.
    at = datetime.now(UTC) - timedelta(minutes=1)
    if way in WAYS:
        publish, events = WAYS[way], make_events(int(count), label, at)
    else:  # a peer: it does one kind of event, and connects before the clock starts
        publish = import_module(f"benchmarks.peers.{way}").publisher()
        events = make_openings(int(count), label, at)
    print("READY", flush=True)
    sys.stdin.readline()
    began, used = time.time(), time.process_time()
    print(began, flush=True)
    publish(events)
    print(time.process_time() - used, flush=True)


if __name__ == "__main__":
    main(*islice(sys.argv, 1, None))
