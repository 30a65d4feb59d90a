"""Keeps workers alive: forks them from one loaded process, and forks again when one dies.

`python -m tests.faults.nursery SEED LOG ONE_IN COUNT`; a byte a death goes to standard
output. SIGUSR1: all workers are killed and replaced by ones that do not die. SIGTERM: all
are asked to stop, and it ends with the worst of their exit codes.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from tests.faults import worker


class Nursery:
    """The children, and what they are told."""

    def __init__(self, seed: int, log: Path, one_in: int, count: int) -> None:
        self._seed, self._log, self._one_in = seed, log, one_in
        self._count = count
        self._children: set[int] = set()
        self._stopping = False

    def run(self) -> int:
        """Keep the children alive until SIGTERM; return the worst exit code of the last ones."""
        signal.signal(signal.SIGUSR1, self._calm)
        signal.signal(signal.SIGTERM, self._stop)
        worst = 0
        while True:
            while not self._stopping and len(self._children) < self._count:
                self._fork()
            if not self._children:
                return worst
            try:
                child, status = os.wait()
            except (ChildProcessError, InterruptedError):
                continue
            self._children.discard(child)
            code = os.waitstatus_to_exitcode(status)
            if code == -signal.SIGKILL:
                os.write(1, b".")
            else:
                worst = max(worst, abs(code))

    def _fork(self) -> None:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            code = 1
            try:
                worker.work(self._seed, self._log, self._one_in)
                code = 0
            finally:
                os._exit(code)
        self._children.add(child)

    def _calm(self, _signum: int, _frame: FrameType | None) -> None:
        self._one_in = 0
        for child in self._children:
            os.kill(child, signal.SIGKILL)

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for child in self._children:
            os.kill(child, signal.SIGTERM)


def main() -> None:
    """Run."""
    seed, log, one_in, count = sys.argv[1:5]
    sys.exit(Nursery(int(seed), Path(log), int(one_in), int(count)).run())


if __name__ == "__main__":
    main()
