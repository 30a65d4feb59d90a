"""One fixture, two databases: every store test runs on SQLite and on Postgres."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.db import Store
from tests.services import new_database


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """Give the name of a migrated database; `pg` copies it, which beats migrating each."""
    name = f"vouch_migrated_{os.getpid()}"
    with new_database(postgres_url, name) as address:
        _migrate(address)
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file that every test's own is copied from."""
    path = tmp_path_factory.mktemp("template") / "vouch.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a migrated database of each kind that no other test has touched."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("pg")
        return address
    path = tmp_path / "vouch.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Give an open, migrated, empty store."""
    opened = Store.open(database_url, durable=False)
    yield opened
    opened.close()


@pytest.fixture
def postgres(pg: str) -> Iterator[Store]:
    """Give a store with row locks and a clock of its own: what only Postgres has."""
    opened = Store.open(pg, durable=False)
    yield opened
    opened.close()


def _migrate(address: str) -> None:
    store = Store.open(address)
    store.migrate()
    store.close()
