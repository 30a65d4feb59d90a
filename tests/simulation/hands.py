"""An operator at work: pauses, resumes, cancels and retries runs, withdraws asks.

The first hundred seeds are without: those that failed once are kept among them as they were.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import sqlalchemy as sa

from store.tables import AskRow, RunRow
from workers.app import App
from workers.running import retry_runs, say_to_runs, withdraw_asks
from workflows.state import MOVED

EARLY_MAX = 100
"""Seeds in which nobody operates."""
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
        self.often = OFTEN if seed > EARLY_MAX else 0.0
        self.verbs: tuple[str, ...] = VERBS

    def are_due(self) -> bool:
        """Tell whether somebody says something now."""
        return bool(self.often) and self._draw.random() < self.often

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

    @staticmethod
    def resume(app: App, peek: Peek) -> None:
        """Let every run go on."""
        say_to_runs(app, "resume", _rows(peek, RunRow.id, RunRow.actor), by=BY)


def _rows(peek: Peek, key: Any, actor: Any) -> list[dict[str, Any]]:
    gone = key.class_.status == MOVED  # with a merge: the same is at who remains
    found = peek(sa.select(key, actor).where(~gone).order_by(key))
    return [{key.key: name, "actor": whose} for name, whose in found]
