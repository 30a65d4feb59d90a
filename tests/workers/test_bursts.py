"""How much leaves between two commits, and so how much a process that dies leaves in doubt."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store.dialect import table_of
from store.tables import OutboxRow
from workers.channels.calls import Call, NoCaller
from workers.delivering import BURST_MAX, BURST_MIN, BURST_QUICK
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import instant, iso

CALLS = Path(__file__).parents[1] / "scenarios" / "programmes" / "calls"
MESSAGES = 2 * BURST_MIN + 4 * BURST_MIN + 2 * BURST_MAX
START = instant("2026-03-02T08:30:00Z")


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a trial in which many calls are due, and none left yet."""
    trial = Trial(tmp_path, START)
    trial.apply(load_programme(load_folder(CALLS)))
    trial.app.publish([_granted(number) for number in range(MESSAGES)])
    while trial.app.drain().inputs:
        pass
    yield trial
    trial.close()


def _granted(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": "favour.granted",
        "time": iso(START), "subject": f"contact/c-{number}", "data": {"note": "tea"},
    }  # fmt: skip


class Slow(NoCaller):
    """Takes so long for a call, and notes how many are leaving meanwhile."""

    def __init__(self, trial: Trial, takes: timedelta) -> None:
        self.trial = trial
        self.takes = takes
        self.leaving: list[int] = []

    def call(self, call: Call) -> int:
        """Take the call."""
        with self.trial.store.reader() as conn:
            outbox = table_of(OutboxRow)
            count = sa.select(sa.func.count()).where(outbox.c.status == "sending")
            self.leaving.append(conn.scalars(count).one())
        self.trial.clock.advance(self.takes)
        return 200


@pytest.mark.parametrize(
    ("takes", "most"),
    [
        (timedelta(0), BURST_MAX),
        (BURST_QUICK / BURST_MIN, 2 * BURST_MIN),
        (BURST_QUICK / BURST_MIN + timedelta(milliseconds=1), BURST_MIN),
    ],
)
def test_bursts_grow_while_they_are_quick(trial: Trial, takes: timedelta, most: int) -> None:
    """What is in doubt if a process dies is bounded by number, and past the least by time."""
    slow = Slow(trial, takes)
    trial.app.deliverer.calls.caller = slow

    handled = trial.app.deliver()

    assert (handled, len(slow.leaving)) == (MESSAGES, MESSAGES)
    assert max(slow.leaving) == most
