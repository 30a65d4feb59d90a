"""Many work beside each other, or one works alone."""

from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Any

import pytest

from workers import shared_lock
from workers.shared_lock import SharedLock


def test_who_wants_to_be_alone_waits_and_goes_before_those_who_come_later() -> None:
    """First who works already, then who is alone, then everybody else."""
    lock, order = SharedLock(), []
    working, leave = Event(), Event()

    def first() -> None:
        with lock.shared():
            working.set()
            leave.wait(10)
            order.append("first")

    def alone() -> None:
        with lock.alone() as is_alone:
            order.append(f"alone {is_alone}")

    def later() -> None:
        with lock.shared():
            order.append("later")

    threads = [Thread(target=each) for each in (first, alone, later)]
    threads[0].start()
    assert working.wait(10)
    threads[1].start()
    while not lock.is_wanted:
        pass
    threads[2].start()
    leave.set()
    for thread in threads:
        thread.join(10)

    assert order == ["first", "alone True", "later"]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside somebody who never ends one goes ahead, and is told so."""
    monkeypatch.setattr(shared_lock, "PATIENCE_SECONDS", 0.01)
    lock = SharedLock()

    with lock.shared(), lock.alone() as is_alone:
        assert not is_alone

    with lock.alone() as is_alone:
        assert is_alone


class _Interrupted(Condition):
    """A condition whose waits are interrupted, as the queue does it when time is up."""

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        raise KeyboardInterrupt


def test_who_is_interrupted_while_it_waits_is_waited_for_by_nobody() -> None:
    """The others do not lose their patience over somebody who has gone, at each turn for ever."""
    lock = SharedLock(_Interrupted())

    with pytest.raises(KeyboardInterrupt), lock.alone():
        raise AssertionError

    assert not lock.is_wanted
