"""Our processes as an administrator runs them: started, and started again when they die."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self

from benchmarks.processes import CHECKOUT, STOP_SECONDS_MAX

LOOK_SECONDS = 0.2
"""How soon a process manager notices that something ended."""


class Process:
    """One line of the Procfile, and whatever process stands for it now."""

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        log: Path,
        *,
        checkout: Path = CHECKOUT,
        command: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._prefix = prefix
        self.checkout = checkout
        self._environ, self._log = {**os.environ, **environ}, log
        self._command = list(command) or ["-m", "workers.main", name.split("-", maxsplit=1)[0]]
        self._process = self._start()
        self.restarts = 0
        self.frozen = False

    @property
    def pid(self) -> int:
        """The process that stands for it now."""
        return self._process.pid

    def _start(self) -> subprocess.Popen[bytes]:
        environ = {**self._environ, "PYTHONPATH": str(self.checkout)}
        with self._log.open("ab") as words:
            return subprocess.Popen(
                [*self._prefix, sys.executable, *self._command],
                env=environ,
                cwd=self.checkout,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )

    def look(self) -> None:
        """Start it again if it ended."""
        if self._process.poll() is not None:
            self.restarts += 1
            self._process = self._start()

    def signal(self, number: int) -> None:
        """Send a signal, if there is somebody to hear it."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def ask(self) -> None:
        """Ask it to end, also if it is frozen.

        Once: a second signal can meet an interpreter that is ending already, and kills it.
        """
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        try:
            return self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def replace(self, checkout: Path) -> int:
        """End it politely and start the version of another checkout; return its exit code."""
        self.ask()
        code = self.wait()
        self.checkout = checkout
        self._process = self._start()
        return code


class Stack:
    """Processes that are started again when they die, as systemd or honcho's user would."""

    def __init__(
        self, names: Sequence[str], environ: Mapping[str, str], log: Path, *,
        checkout: Path = CHECKOUT, prefix: Callable[[str], Sequence[str]] = lambda _name: (),
    ) -> None:  # fmt: skip
        self.processes = [
            Process(name, environ, log, checkout=checkout, prefix=prefix(name)) for name in names
        ]
        self.log = log
        self.exit_codes: list[int] = []
        self._stop, self._lock = Event(), Lock()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for process in self.processes:
            process.ask()
        self.exit_codes = [process.wait() for process in self.processes]

    def replace(self, process: Process, checkout: Path) -> int:
        """Put another version in the place of one process; return how the old one ended."""
        with self._lock:
            return process.replace(checkout)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            with self._lock:
                for process in self.processes:
                    process.look()
