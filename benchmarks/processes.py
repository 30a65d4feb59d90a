"""Processes of a bench: started with their words in a file, ended when it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, cast

from events.errors import VouchError

CHECKOUT = Path(__file__).parents[1]
READY_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30
LAST_WORDS = 15
ANOTHER_PYTHON = "BENCH_PYTHON"
"""Names the interpreter of a peer's environment to whoever starts the peer's programs."""


class BenchError(VouchError):
    """A bench that could not measure what it set out to."""

    code = "bench-failed"


def run(arguments: Sequence[str], environ: Mapping[str, str], *, checkout: Path = CHECKOUT) -> str:
    """Run one of our programs, of this version or another one, and return what it said.

    Raises:
        BenchError: It failed.
    """
    done = subprocess.run(
        [*_python(environ), *arguments],
        env={**os.environ, **environ, "PYTHONPATH": str(checkout)},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(arguments[:3])} failed", hint=done.stderr.strip()[-2_000:])
    return done.stdout


def _python(environ: Mapping[str, str]) -> list[str]:
    return [environ.get(ANOTHER_PYTHON, sys.executable), "-m"]


@contextmanager
def running(
    arguments: Sequence[str], environ: Mapping[str, str], log: Path, *,
    is_module: bool = True, checkout: Path = CHECKOUT,
) -> Iterator[int]:  # fmt: skip
    """Run a Python module, or another program, in the background; give its process id."""
    with log.open("ab") as words:
        process = subprocess.Popen(
            [*(_python(environ) if is_module else ()), *arguments],
            env={**os.environ, **environ},
            cwd=checkout,
            stdout=words,
            stderr=words,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    ready: Callable[[], bool], what: str, log: Path, *, seconds: float = READY_SECONDS_MAX
) -> None:
    """Wait until something is so.

    Raises:
        BenchError: It is not so after `seconds`; the hint has the last words of the log.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds:.0f} s", hint=last_words(log))
        time.sleep(0.05)


def last_words(log: Path) -> str:
    """Return the end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_WORDS:])


class Publisher:
    """The process that publishes one round: ready, then told to go."""

    def __init__(
        self, way: str, events: int, label: str, environ: Mapping[str, str], log: Path
    ) -> None:
        self._log = log
        with log.open("ab") as words:
            self._process = subprocess.Popen(
                [*_python(environ), "benchmarks.publish", way, str(events), label],
                env={**os.environ, **environ},
                cwd=CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            )
        self._says = cast("IO[str]", self._process.stdin)
        self._hears = cast("IO[str]", self._process.stdout)
        self._line()

    def go(self) -> float:
        """Let it publish; return when it began, in seconds of the epoch."""
        self._says.write("go\n")
        self._says.flush()
        return float(self._line())

    def is_done(self) -> bool:
        """Tell whether everything is published."""
        return self._process.poll() is not None

    def end(self) -> float:
        """Wait for its end; return the processor time that publishing took."""
        return float(self._line())

    def _line(self) -> str:
        line = self._hears.readline()
        if not line:
            raise BenchError("the publisher failed", hint=last_words(self._log))
        return line


def answers(port: int) -> bool:
    """Tell whether a web process is ready."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
