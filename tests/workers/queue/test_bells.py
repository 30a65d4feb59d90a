"""Bells on a real Valkey and in memory: each drain once, in order, and what fails is over."""

import pytest
from dramatiq.middleware import TimeLimitExceeded
from structlog.testing import capture_logs

from store.errors import DatabaseUnavailableError
from tests.workers.queue.desk import EVENT, Desk, opened
from workers.queue.bells import POP_MAX


def test_everything_arrives(url: str | None, desk: Desk) -> None:
    """Published events reach accept, rung slices one drain, and a rung deliver deliver."""
    with opened(url, desk, threads=1) as queue:
        queue.publish([EVENT, EVENT | {"id": "2"}])
        assert desk.next() == ["1", "2"]

        assert queue.ring_drain([3, 63, 3])
        assert desk.next() == {3, 63}

        assert queue.ring_deliver()
        assert desk.next() == "deliver"


def test_rung_during_its_drain_rings_afterwards(url: str | None, desk: Desk) -> None:
    """What is rung while its drain runs is drained once more, however often it was rung."""
    with opened(url, desk, threads=1) as queue:
        desk.may_go_on.clear()
        queue.ring_drain([17])
        assert desk.next() == {17}

        for _ in range(5):
            queue.ring_drain([17])
        desk.may_go_on.set()

        assert desk.next() == {17}
        queue.ring_drain([18])
        assert desk.next() == {18}


@pytest.mark.parametrize("rung", [POP_MAX, POP_MAX + 1])
def test_one_drain_takes_many_slices(url: str | None, desk: Desk, rung: int) -> None:
    """Bells that rang before anybody came are answered together, up to `POP_MAX` at once."""
    with opened(url, desk) as queue:
        queue.ring_drain(range(rung))
        desk.may_go_on.clear()
        queue.start(threads=1)

        assert desk.next() == set(range(POP_MAX))
        queue.ring_drain([63])
        desk.may_go_on.set()
        assert desk.next() == {*range(POP_MAX, rung), 63}


def test_the_oldest_bell_is_answered_first(url: str | None, desk: Desk) -> None:
    """A bell keeps its place, whatever its number and however often it is rung again."""
    with opened(url, desk) as queue:
        queue.ring_drain([63])
        queue.ring_drain(range(POP_MAX))
        queue.ring_drain([63])
        queue.start(threads=1)

        assert desk.next() == {63, *range(POP_MAX - 1)}


def test_a_failed_nudge_is_over(url: str | None, desk: Desk) -> None:
    """A drain that fails is not repeated by the queue; an outage is logged as a warning only."""
    with opened(url, desk, threads=1) as queue, capture_logs() as logs:
        desk.errors.put(RuntimeError("ana@example.org is broken"))
        queue.ring_drain([1])
        assert desk.next() == {1}
        desk.errors.put(DatabaseUnavailableError("down"))
        queue.ring_drain([2])
        assert desk.next() == {2}
        queue.ring_drain([3])
        assert desk.next() == {3}

    failed = [entry for entry in logs if entry["event"] == "drain.failed"]
    assert [(entry["error"], entry["log_level"]) for entry in failed] == [
        ("RuntimeError", "error"), ("DatabaseUnavailableError", "warning"),
    ]  # fmt: skip
    assert "desk.py" in failed[0]["where"]
    assert "ana@" not in str(logs)


def test_a_nudge_whose_time_is_up_is_no_error(
    url: str | None, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine under load takes long: what is left is for the next bell, said in one line."""
    with opened(url, desk, threads=1) as queue, capture_logs() as logs:
        desk.errors.put(TimeLimitExceeded())
        queue.ring_drain([1])
        assert desk.next() == {1}
        queue.ring_drain([2])
        assert desk.next() == {2}

    cut = [entry for entry in logs if entry["event"] == "drain.interrupted"]
    assert [entry["log_level"] for entry in cut] == ["warning"]
    assert "unhandled" not in caplog.text
