"""A trial of the shipped programme."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.draining.answers import NOW
from tests.workers.library import apply_library
from workers.trial import Trial


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a trial of the shipped programme."""
    trial = Trial(tmp_path, NOW)
    apply_library(trial)
    yield trial
    trial.close()
