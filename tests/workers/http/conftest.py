"""A served web process, on SQLite or on each database, and logs that can be looked into."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from store.db import Store
from tests.workers.web_world import World, migrated, world
from workers import intake
from workers.web import wire


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The same on each database."""
    if request.param == "sqlite":
        store = migrated(tmp_path)
    else:
        store = Store.open(request.getfixturevalue("pg"), durable=False)
    with world(store) as made:
        yield made


@pytest.fixture
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that configured logs keeps its loggers; these tests want to look into theirs."""
    structlog.reset_defaults()
    for module in (wire, intake):
        monkeypatch.setattr(module, "log", structlog.get_logger())
