"""Fixtures every test can ask for: a fresh Postgres database, an empty Valkey.

Each pytest-xdist worker starts servers of its own, at the first test that asks: two
idle servers cost less than agreeing on who starts, who waits and who stops.
"""

import gc
import os
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from store.db import Store
from tests.compiling import compile_ours, rewrite, share
from tests.examples import NIGHTLY
from tests.memory import use_memory
from tests.services import new_database, require, sibling

# Two busy cores make any example slow once; bugs do not depend on it.
# CI tries the same examples for the same code; a night, and everybody else, looks for new ones.
hypothesis.settings.register_profile(
    "vouch",
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")) and not NIGHTLY,
)
hypothesis.settings.load_profile("vouch")

if not NIGHTLY:
    use_memory()

_numbers = count(1)

# What is imported and collected stays to the end. While it comes, a third of the time would go
# into looking which of it is garbage, and afterwards every look would go through all of it.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Compile our packages before the processes of pytest-xdist do, each for itself."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        compile_ours()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Begin with this process's share of what has to be rewritten, where all is collected."""
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if worker and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        number = int(worker["workerid"].removeprefix("gw"))
        rewrite(share(number, worker["workercount"]))


def pytest_collection_finish() -> None:
    """Leave what was collected alone from now on, and look for garbage among what comes."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the address of a Postgres server whose databases are ours to make and drop."""
    with require("postgres") as address:
        yield address


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """Give the name of the database that every test's own is copied from: the empty schema."""
    name = f"vouch_template_{os.getpid()}"
    with new_database(postgres_url, name) as address:
        store = Store.open(address, durable=False)
        store.migrate()
        store.close()
        yield name


@pytest.fixture
def pg(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """Give the address of a migrated Postgres database that no other test has touched."""
    name = f"vouch_test_{os.getpid()}_{next(_numbers)}"
    with new_database(postgres_url, name, template=postgres_template) as address:
        yield address


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Give the address of a database of a Valkey that is this worker's alone.

    On a server given by `VOUCH_TEST_REDIS_URL` the workers of pytest-xdist take the
    address's database number and the ones after it.
    """
    with require("valkey") as address:
        first = urlsplit(address).path.strip("/") or "0"
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield sibling(address, int(first) + int(worker))


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Give the address of an empty Valkey database; whatever it held is gone."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server
