"""Tools over real HTTP."""

from collections.abc import Iterator

import pytest

from tests.workers.tools import Tools, serving


@pytest.fixture
def tools() -> Tools:
    return Tools(
        members={"anna@acme.example": {}},
        subscribers={"Anna@acme.example": {}},
        persons={7: {"id": 7, "name": "Anna", "emails": [{"value": "Anna@acme.example"}]}},
    )


@pytest.fixture
def port(tools: Tools) -> Iterator[int]:
    with serving(tools) as port:
        yield port
