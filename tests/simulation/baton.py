"""Jobs that take turns in one thread: only one ever runs, and the seed says which.

A job parks at every boundary (a transaction, a call to the outside). Whoever holds the baton
wakes one of the parked jobs and goes on when it parks again or ends. So two workers interleave
at their transactions exactly as the seed says, and the same seed interleaves them so again.

A job has a stack of its own and no thread: handing over the baton costs a microsecond, and no
scheduler has a word in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

_T = TypeVar("_T")


class KilledError(BaseException):
    """The process is gone, as after SIGKILL: no handler of `Exception` hears of it."""


@dataclass(slots=True)
class Note:
    """What a transaction did; it counts from the commit."""

    kind: str
    doc: dict[str, Any]


@dataclass(slots=True)
class Job:
    """A piece of work of one process: what a thread of it does, on a stack of its own.

    Attributes:
        where: At which boundary it is parked.
        depth: Open transactions: it never parks in one, others would wait for its locks.
        fuse: Statements until an error of the database or the end of the process; 0 is never.
        notes: What the transaction in progress will have done, if it commits.
        used: What the decisions of this job were made with: programme and instant, by subject.
        began: When it chose what to send, in the seconds of breakers.
    """

    name: str
    process: str
    work: Callable[[], object]
    where: str = "start"
    depth: int = 0
    fuse: int = 0
    blows: str = ""
    doomed: bool = False
    done: bool = False
    error: BaseException | None = None
    notes: list[Note] = field(default_factory=list)
    used: dict[Any, Any] = field(default_factory=dict)
    began: float | None = None
    _stack: greenlet | None = None

    def resume(self) -> None:
        """Let it run until it parks again or ends."""
        if self._stack is None:
            self._stack = greenlet(self._run)
        self._stack.switch()

    def park(self, where: str) -> None:
        """Give the baton back; returns when this job is resumed.

        Raises:
            KilledError: Its process was killed meanwhile.
        """
        self.where = where
        if not self.doomed:
            self._back()
        if self.doomed:
            raise KilledError

    def is_here(self) -> bool:
        """Tell whether the code that asks is this job's."""
        return getcurrent() is self._stack

    def _back(self) -> None:
        assert self._stack is not None
        assert self._stack.parent is not None
        self._stack.parent.switch()

    def _run(self) -> None:
        try:
            if not self.doomed:
                self.work()
        except BaseException as error:  # noqa: BLE001 - whoever holds the baton judges it
            self.error = error
        self.done = True


WAITS_MAX = 50


class BatonCondition(Condition):
    """What the jobs of a process wait for: only one job ever runs, so nothing is locked.

    Who waits gives its turn to others instead, and after `WAITS_MAX` turns its patience ends.
    """

    def __init__(self, park: Callable[[], object]) -> None:
        super().__init__()
        self._park = park

    def __enter__(self) -> bool:
        """Lock nothing."""
        return True

    def __exit__(self, *_: object) -> None:
        """Unlock nothing."""

    def wait_for(self, predicate: Callable[[], _T], timeout: float | None = None) -> _T:
        """Give turns to others until it is so, or patience ends."""
        del timeout
        for _ in range(WAITS_MAX):
            if found := predicate():
                return found
            self._park()
        return predicate()

    def notify_all(self) -> None:
        """Wake nobody: who waits looks by itself."""
