"""The desk of every test of intake, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.blank import write_blank
from store.db import Store
from tests.workers.intake.desk import NOW, Desk
from workers.clock import VirtualClock


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "sqlite":
        write_blank(tmp_path / "vouch.db")
        store = Store.open(f"sqlite:///{tmp_path / 'vouch.db'}", durable=False)
    else:
        store = Store.open(request.getfixturevalue("pg"), durable=False)
    yield Desk(store, VirtualClock(NOW))
    store.close()
