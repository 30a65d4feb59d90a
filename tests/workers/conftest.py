"""What commands are typed in: a folder of the test's own, as a session left it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.workers.shell import Prepared, Shell

Ready: TypeAlias = Callable[..., Shell]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Give folders that are typed in once for all tests of this process."""
    return Prepared(lambda: tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def ready(prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ready:
    """Give what makes the test's folder, which it is in, a copy of one that was typed in."""
    monkeypatch.chdir(tmp_path)
    return lambda *typed: prepared.copy(tmp_path, *typed)
