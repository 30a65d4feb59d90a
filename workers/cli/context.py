"""What every command shares: settings from the environment, and how a programme is found."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from events.errors import VouchError
from store.db import Connection, Store
from workers.clock import SystemClock
from workers.compose import Process, open_process, open_store, require_schema
from workers.logs import configure_logs
from workers.programmes import NoProgrammeError, Programmes
from workers.settings import Settings
from workflows.compiled import Programme

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"

Format = Annotated[str, typer.Option("--format", help="text or json")]
Folder = Annotated[Path | None, typer.Argument(help="The programme's folder.", show_default=False)]


class UsageError(VouchError):
    """A command that was called with words it does not take."""

    code = "usage"


def settings() -> Settings:
    """Return the settings of this environment."""
    return Settings.from_env(os.environ)


def programme_folder(given: Path | None) -> Path:
    """Return the programme's folder: named on the command line, in the environment, or here.

    Raises:
        UsageError: There is none.
    """
    named = given or settings().programme or Path.cwd()
    if not named.exists():
        raise UsageError(f"there is no folder {named}", hint=f"make one: vouch init {named}")
    if named.is_dir() and (named / "programme.yaml").exists():
        return named
    if given is None and named == Path.cwd():
        raise UsageError(
            "no programme: neither on the command line, nor in VOUCH_PROGRAMME, nor here",
            hint="make one: vouch init programme",
        )
    if named.is_file():
        raise UsageError(f"{named} is a file", hint=f"give the programme's folder: {named.parent}")
    hint = "make a programme: vouch init FOLDER"
    if (named / "programme.yml").exists():
        hint = "name its programme.yml programme.yaml"
    raise UsageError(f"{named} holds no programme.yaml", hint=hint)


def require_format(format_: str, *known: str) -> None:
    """Return if a format is one of those a command speaks.

    Raises:
        UsageError: It is none.
    """
    if format_ not in known:
        raise UsageError(f"unknown format {format_!r}", hint=" or ".join(known))


def operator() -> str:
    """Return the name under which whoever types is known to this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return "operator"


def programme_of(store: Store) -> Programme | None:
    """Return the programme that is applied; None before the first, so that one can look anyway."""
    try:
        return Programmes(store, SystemClock()).current().programme
    except NoProgrammeError:
        return None


@contextmanager
def the_store(*, migrated: bool = True) -> Iterator[Store]:
    """Give the store of the settings, and close it.

    Raises:
        SchemaError: Its tables are not there, or not those of this version.
    """
    found = settings()
    configure_logs(found.log_format)
    store = open_store(found)
    try:
        if migrated:
            require_schema(store, found)
        yield store
    finally:
        store.close()


@contextmanager
def the_reader() -> Iterator[Connection]:
    """Give a connection that sees one state of the database and changes nothing."""
    with the_store() as store, store.reader() as conn:
        yield conn


@contextmanager
def the_process() -> Iterator[Process]:
    """Give an App on the settings that signs nothing, and close it."""
    found = settings()
    configure_logs(found.log_format)
    process = open_process(found, signs=False)
    try:
        require_schema(process.app.store, found)
        yield process
    finally:
        process.close()
