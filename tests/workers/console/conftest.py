"""A web process without a console, with one, and with somebody in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.console.visits import ANNA, SECRET, add, log_in
from tests.workers.web_world import World, migrated, world


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[World]:
    """Give a web process where nobody has a key of the console."""
    with world(migrated(tmp_path)) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        yield made


@pytest.fixture
def web(closed: World) -> World:
    """Give one where olga has a key."""
    add(closed, "olga", SECRET)
    return closed


@pytest.fixture
def inside(web: World) -> World:
    """Give one in which olga has logged in."""
    assert log_in(web).status_code == 303
    return web
