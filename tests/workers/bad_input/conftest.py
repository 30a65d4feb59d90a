"""A served web process that knows Anna, for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.workers.bad_input.careless import ANNA
from tests.workers.web_world import World, migrated, world


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(migrated(tmp_path_factory.mktemp("web")), sources=["*"]) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "email": "anna@example.com"}})
        yield made
