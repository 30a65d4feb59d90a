"""Queues that can be ended: whoever waits for the next item of one goes on at once.

dramatiq's threads wait for a second at a time and look then whether to stop. A process that
is asked to stop need not wait for that.
"""

from queue import PriorityQueue, Queue
from typing import Any


class EndingQueue(Queue[Any]):
    """A queue whose waits with a time limit are over when it is ended."""

    def __init__(self) -> None:
        super().__init__()
        self._is_ended = False

    def end(self) -> None:
        """Have everybody who waits look up; what is in the queue stays there."""
        with self.mutex:
            self._is_ended = True
            self.not_empty.notify_all()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401, FBT001, FBT002
        """Take the next item, as `Queue.get` does.

        Raises:
            queue.Empty: There is none after `timeout` seconds, or the queue was ended.
        """
        if not block or timeout is None:
            return super().get(block, timeout)
        with self.not_empty:
            self.not_empty.wait_for(lambda: self._qsize() or self._is_ended, timeout)
        return super().get(block=False)


class EndingPriorityQueue(EndingQueue, PriorityQueue[Any]):
    """The same, the smallest item first."""
