"""A served web process that knows Anna."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.pages.links import ANNA
from tests.workers.web_world import World, migrated, world


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path)) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        yield made
