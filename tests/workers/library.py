"""The shipped programme, read and compiled once for the tests of a process that only run it."""

from functools import cache

from tests.replay import LIBRARY
from workers.programmes import Applied
from workers.trial import Trial
from workflows.compiled import version_of
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded


@cache
def loaded() -> Loaded:
    """Return it as it was read."""
    return load_programme(load_folder(LIBRARY))


def apply_library(trial: Trial) -> None:
    """Apply it to a trial."""
    trial.apply(loaded(), compiled=_applied())


@cache
def _applied() -> Applied:
    bundle = loaded().bundle()
    return Applied(version_of(bundle), bundle)
