"""What every command shares: settings from the environment, and how a programme is found."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from events.errors import VouchError
from store.db import Store
from workers.compose import Process, open_process, open_store
from workers.logs import configure_logs
from workers.settings import Settings
from workflows.load import Loaded, load_folder, load_programme

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"


class UsageError(VouchError):
    """A command that was called with words it does not take."""

    code = "usage"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this environment, read once."""
    return Settings.from_env(os.environ)


def programme_folder(given: Path | None) -> Path:
    """Return the programme's folder: named on the command line, in the environment, or here.

    Raises:
        UsageError: There is none.
    """
    named = given or settings().programme
    if named is not None:
        return named
    here = Path.cwd()
    if (here / "programme.yaml").exists():
        return here
    raise UsageError(
        "no programme: neither a folder on the command line nor VOUCH_PROGRAMME",
        hint="make one with: vouch init programme",
    )


def load(given: Path | None) -> Loaded:
    """Read a programme's folder."""
    return load_programme(load_folder(programme_folder(given)))


@contextmanager
def the_store() -> Iterator[Store]:
    """Give the store of the settings, and close it."""
    store = open_store(settings())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def the_process() -> Iterator[Process]:
    """Give an App on the settings, and close it."""
    configure_logs(settings().log_format)
    process = open_process(settings())
    try:
        yield process
    finally:
        process.close()
