"""Cuts connections whose time as a whole is up.

Timeouts of sockets begin anew with every byte: a server that sends one every nine seconds
would keep whoever waits for its answer for days, and the messages behind.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from time import monotonic

TICK_SECONDS = 0.25
"""How late a connection may be cut."""


class Watched:
    """A request under way, and the connection that it uses by now."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.line: socket.socket | None = None

    def use(self, line: socket.socket) -> None:
        """Note the connection that is to be cut when the time is up."""
        self.line = line

    def cut(self) -> None:
        """End the connection: whoever reads from it hears of it at once."""
        if self.line is not None:
            with suppress(OSError):  # it has ended by itself
                self.line.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Watches requests of many threads with one of its own, which lives while there are any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: set[Watched] = set()
        self._thread: Thread | None = None

    @contextmanager
    def watching(self, seconds: float) -> Iterator[Watched]:
        """Cut what is given to it if this is not left within so many seconds."""
        watched = Watched(monotonic() + seconds)
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield watched
        finally:
            with self._lock:
                self._watched.discard(watched)

    def _run(self) -> None:
        pause = Event()
        while True:
            pause.wait(TICK_SECONDS)
            with self._lock:
                for each in self._watched:
                    if each.until <= monotonic():
                        each.cut()
                if not self._watched:
                    self._thread = None
                    return
