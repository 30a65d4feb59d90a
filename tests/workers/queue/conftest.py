"""A desk, the queue in each mode, a Valkey, and a line to it that can be cut."""

from collections.abc import Iterator

import pytest
import redis

from tests.workers.line import Line
from tests.workers.queue.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(params=["embedded", "redis"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Give the queue's address in each mode."""
    if request.param == "embedded":
        return None
    address: str = request.getfixturevalue("redis_url")
    return address


@pytest.fixture
def valkey(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def line(redis_url: str) -> Iterator[Line]:
    line = Line(redis_url)
    yield line
    line.cut()
