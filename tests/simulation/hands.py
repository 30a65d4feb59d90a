"""An operator at work: pauses, resumes, cancels and retries runs, withdraws asks."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import sqlalchemy as sa

from store.tables import AskRow, RunRow
from tests.simulation.shapes import IMPATIENCE, shape_of
from workers.app import App
from workers.running import retry_runs, say_to_runs, withdraw_asks
from workflows.state import MOVED

OFTEN = 0.01
"""How likely an operator says something after each turn."""
VERBS = ("pause", "pause", "resume", "cancel", "retry", "withdraw")
BY = "operator"

Peek = Callable[[Any], list[Any]]


class Hands:
    """What an operator says in a seed.

    Attributes:
        often: How likely something is said after each turn.
        verbs: What is drawn from.
    """

    def __init__(self, seed: int) -> None:
        self._draw = Random(f"operator/{seed}")
        self.often = OFTEN if shape_of(seed).is_operated else 0.0
        self.verbs: tuple[str, ...] = VERBS
        self._patience = IMPATIENCE if shape_of(seed).is_brief else None
        self._paused_at: datetime | None = None

    def are_due(self) -> bool:
        """Tell whether somebody says something now."""
        return bool(self.often) and self._draw.random() < self.often

    def are_impatient(self, now: datetime) -> bool:
        """Tell whether what was paused has waited long enough."""
        since, patience = self._paused_at, self._patience
        return since is not None and patience is not None and now - since >= patience

    def work(self, app: App, peek: Peek) -> None:
        """Say one thing to one run or ask that is there."""
        draw = self._draw
        verb, number = draw.choice(self.verbs), draw.randrange(1_000)
        if verb == "withdraw":
            asks = _rows(peek, AskRow.key, AskRow.actor)
            if asks:
                withdraw_asks(app, [asks[number % len(asks)]], by=BY)
            return
        runs = _rows(peek, RunRow.id, RunRow.actor)
        if not runs:
            return
        row = runs[number % len(runs)]
        if verb == "retry":
            retry_runs(app, [row], by=BY)
        else:
            say_to_runs(app, verb, [row], by=BY)
            if verb == "pause" and self._paused_at is None:
                self._paused_at = app.clock.now()

    def resume(self, app: App, peek: Peek) -> None:
        """Let every run go on."""
        say_to_runs(app, "resume", _rows(peek, RunRow.id, RunRow.actor), by=BY)
        self._paused_at = None


def _rows(peek: Peek, key: Any, actor: Any) -> list[dict[str, Any]]:
    gone = key.class_.status == MOVED  # with a merge: the same is at who remains
    found = peek(sa.select(key, actor).where(~gone).order_by(key))
    return [{key.key: name, "actor": whose} for name, whose in found]
