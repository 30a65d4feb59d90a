"""A shared lock within a process: many work beside each other, or one works alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

PATIENCE_SECONDS = 10.0
"""How long who wants to be alone waits for the others; then it goes ahead beside them."""


class SharedLock:
    """What lets an input be tried while nothing else in its process can be to blame for a death.

    Who waits to be alone goes before those who come later, so that it comes to its turn; who
    waits longer than its patience goes ahead, since a server that hangs must not stop a drain.
    """

    def __init__(self, condition: Condition | None = None) -> None:
        self._changed = condition or Condition()
        self._working = 0
        self._alone = 0  # who waits for it, or has it

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits to be alone, or is."""
        return bool(self._alone)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others, once nobody is alone; not to be entered twice by one thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone, timeout=PATIENCE_SECONDS)
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Work while nobody else does; gives whether that is so, or patience was at its end."""
        with self._changed:
            self._alone += 1
            try:
                is_alone = self._changed.wait_for(
                    lambda: not self._working, timeout=PATIENCE_SECONDS
                )
            except BaseException:  # interrupted by the queue: nobody is to wait for us any more
                self._alone -= 1
                self._changed.notify_all()
                raise
            self._working += 1
        try:
            yield is_alone
        finally:
            with self._changed:
                self._alone -= 1
                self._working -= 1
                self._changed.notify_all()
