"""The shipped programme on a clock of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.forgetting.tables import START
from tests.workers.library import apply_library
from workers.trial import Trial


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give the shipped programme on a clock of its own."""
    made = Trial(tmp_path, START)
    apply_library(made)
    yield made
    made.close()
