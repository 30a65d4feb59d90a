"""Handlers that write down what the queue hands them, and a queue that always stops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

import pytest

from workers.queue.queue import Queue

SOON = 30.0
"""Seconds until a wait gives up; every wait ends with what it waits for."""

EVENT = {"specversion": "1.0", "id": "1", "source": "crm", "type": "nps.submitted"}


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


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so; asking is all there is for what another process did."""
    pause = Event()
    for _ in range(int(SOON / 0.02)):
        if is_so():
            return
        pause.wait(0.02)
    pytest.fail("it never came")
