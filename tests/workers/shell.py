"""A folder in which commands are typed, and what they said."""

import json
import shutil
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from typer.testing import CliRunner

from store import drain
from workers.cli.developing import with_defaults
from workers.cli.root import app
from workers.compose import open_process
from workers.settings import Settings

ROUNDS_MAX = 50
AGE_SECONDS_MAX = 30
"""How old a folder may be that tests get a copy of: what is due in it comes due meanwhile."""


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Types commands in a folder, which the test has changed into."""

    folder: Path
    env: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, *words: str, given: str = "") -> Said:
        """Type `vouch WORDS`."""
        env = {"COLUMNS": "100", "TERM": "dumb", **self.env}
        done = CliRunner().invoke(app, list(words), input=given, env=env)
        return Said(done.exit_code, done.stdout, done.stderr)

    def settings(self) -> Settings:
        """Return the settings that its commands have, with what `vouch dev` fills in."""
        return with_defaults(Settings.from_env({k: v for k, v in self.env.items() if v}))

    def work(self) -> None:
        """Do what a worker would, until nothing is left to do now."""
        process = open_process(self.settings())
        try:
            for _ in range(ROUNDS_MAX):
                process.app.drain()
                sent = process.app.deliver()
                with process.app.store.reader() as conn:
                    if not sent and not drain.pending_inputs(conn):
                        return
            raise AssertionError("there is work for ever")
        finally:
            process.close()


Typing = Callable[[Shell], None]
"""What is typed in a folder, which is the current one then."""


@dataclass
class Prepared:
    """Folders in which the same is typed before many tests: typed once, then copied.

    To read, check and compile the shipped programme takes longer than most tests of a command.
    """

    new_folder: Callable[[], Path]
    made: dict[tuple[Typing, ...], tuple[Path, float]] = field(default_factory=dict)

    def copy(self, to: Path, *typed: Typing) -> Shell:
        """Return a shell in the folder `to`, in which all of this was typed, in this order."""
        shutil.copytree(self._folder(typed), to, dirs_exist_ok=True)
        return Shell(to)

    def _folder(self, typed: tuple[Typing, ...]) -> Path:
        folder, made_at = self.made.get(typed, (None, 0.0))
        if folder is None or monotonic() - made_at > AGE_SECONDS_MAX:
            folder, made_at = self.new_folder(), monotonic()
            if before := typed[:-1]:
                self.copy(folder, *before)
                made_at = self.made[before][1]
            with chdir(folder):
                typed[-1](Shell(folder))
            self.made[typed] = folder, made_at
        return folder


def shipped(shell: Shell) -> None:
    """Type what applies the programme that ships."""
    for words in (["init", "programme"], ["migrate"], ["apply", "programme"]):
        assert shell(*words).code == 0


def event(number: int, kind: str, subject: str = "contact/c-anna", **data: object) -> str:
    """Return a line of a file of events."""
    told = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "test",
        "type": kind,
        "subject": subject,
        "time": "2025-01-06T10:00:00Z",
        "data": data,
    }
    return json.dumps(told)
