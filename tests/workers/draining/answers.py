"""Answers of customers, one of them bad, and engines that fail or die of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from store.db import Store
from store.listings import work
from workers import draining
from workflows import engine
from workflows.state import Input, iso

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)


class ProcessKilledError(BaseException):
    """Stands for a death of the process: nothing after it runs."""


def answered(count: int, *, bad: int = -1) -> list[dict[str, Any]]:
    return [
        {
            "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": "nps.answered",
            "time": iso(NOW), "subject": f"contact/c-{number % 7}",
            "data": {"response": f"r-{number}", "score": 7,
                     "comment": "poison" if number == bad else "fine"},
        }
        for number in range(count)
    ]  # fmt: skip


def fails_on(comment: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    decide = engine.decide

    def failing(programme: Any, state: Any, item: Input, **rest: Any) -> None:
        if item.event is not None and item.event["data"].get("comment") == comment:
            raise error
        decide(programme, state, item, **rest)

    monkeypatch.setattr(draining, "decide", failing)


def dies(*_: object, **__: object) -> None:
    raise ProcessKilledError


def runs(store: Store) -> int:
    with store.reader() as conn:
        return len(work.runs(conn))
