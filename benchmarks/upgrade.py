"""`python -m benchmarks.upgrade`: from an older version to this one under load; effects counted.

An older commit's code makes the tables and runs. While events are published, this version
migrates beside it and takes its place process by process, as docs/operating.md says.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.chaos.__main__ import described
from benchmarks.chaos.count import PROGRAMME
from benchmarks.chaos.drill import Plan, Site, Told, play, settings
from benchmarks.chaos.servers import Postgres, Valkey
from benchmarks.chaos.sinks import sinks
from benchmarks.chaos.stack import Stack
from benchmarks.chaos.traffic import SOURCE
from benchmarks.processes import CHECKOUT, BenchError, run, wait_until
from events.errors import VouchError
from tests.processes import free_port

EVENTS = 20_000
MINUTES = 2.0
PROCESSES = ("worker-1", "worker-2", "clock", "web")
"""In the order in which they are replaced."""

_VERSIONS = "store/migrations/versions"


class NoHistoryError(BenchError):
    """There is no older version to begin with."""

    code = "no-history"


class Upgrade:
    """Migrates, and replaces one process after another, evenly over the time of publishing.

    The next one has its turn when the last one works, as a careful administrator does it.

    Attributes:
        done: What was done.
    """

    def __init__(self, stack: Stack, environ: dict[str, str], seconds: float) -> None:
        self.done: Counter[str] = Counter()
        self.exit_codes: list[int] = []
        self._environ, self._log = environ, stack.log
        self._processes = len(stack.processes)
        self._apart = seconds / (len(stack.processes) + 2)
        self._next = 0.0
        replaced = [partial(self._replace, stack, process.name) for process in stack.processes]
        self._left: list[Callable[[], None]] = [self._migrate, *replaced]

    def step(self) -> None:
        """Do the next thing when it is time."""
        now = time.monotonic()
        self._next = self._next or now + self._apart
        if self._left and now >= self._next and self._all_work():
            self._next = now + self._apart
            self._left.pop(0)()

    def heal(self) -> None:
        """Do whatever was not done in time; nothing before the first step."""
        while self._next and self._left:
            self._left.pop(0)()
            wait_until(self._all_work, "what was replaced works", self._log)

    def _all_work(self) -> bool:
        """Tell whether every process that was ever started has said that it is."""
        said = self._log.read_text(errors="replace").count('.started"')
        return said >= self._processes + len(self.exit_codes)

    def _migrate(self) -> None:
        run(["workers.main", "migrate"], self._environ)
        self.done["migrate"] += 1

    def _replace(self, stack: Stack, name: str) -> None:
        process = next(each for each in stack.processes if each.name == name)
        self.exit_codes.append(stack.replace(process, CHECKOUT))
        self.done[f"replace {name}"] += 1


def drill(folder: Path, old: Path, plan: Plan) -> tuple[Told, list[int]]:
    """Run one upgrade; return what was found, and how the old processes ended.

    Raises:
        BenchError: Something never settled; the hint has the processes' last words.
    """
    upgrades: list[Upgrade] = []
    with ExitStack() as held:
        postgres = held.enter_context(Postgres(folder / "postgres"))
        valkey = held.enter_context(Valkey(folder / "valkey"))
        found = held.enter_context(sinks(plan.seed))
        web = ("127.0.0.1", free_port())
        environ = settings(postgres.address, valkey.address, found, web)
        key = partial(_set_up, environ, old)
        site = Site(environ, found, folder / "vouch.log", web, checkout=old, key=key)

        def upgrade(stack: Stack) -> Upgrade:
            upgrades.append(Upgrade(stack, environ, plan.seconds))
            return upgrades[0]

        told = play(site, PROCESSES, upgrade, plan)
    return told, upgrades[0].exit_codes


def _set_up(environ: dict[str, str], old: Path) -> str:
    for command in (["migrate"], ["apply", str(PROGRAMME)]):
        run(["workers.main", *command], environ, checkout=old)
    add = ["workers.main", "keys", "add", SOURCE, "--source", SOURCE]
    return run(add, environ, checkout=old).strip()


def older(folder: Path, commit: str) -> tuple[Path, str]:
    """Unpack an older commit; without a name the last one before the newest migration.

    Raises:
        NoHistoryError: This is no clone, or a shallow one.
    """
    if not commit:
        added = ["log", "-1", "--format=%H", "--diff-filter=A", "--", f"{_VERSIONS}/*.py"]
        newest = _git(*added)
        commit = f"{newest}^" if newest else ""
    commit = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    old = folder / "old"
    old.mkdir(parents=True)
    archive = folder / "old.tar"
    _git("archive", f"--output={archive}", commit)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(old)], check=True)  # noqa: S607
    return old, commit[:10]


def _git(*words: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *words]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoHistoryError("git is not installed") from error
    if done.returncode != 0:
        raise NoHistoryError(
            "there is no older commit here", hint="clone it whole: git fetch --unshallow"
        )
    return done.stdout.strip()


def main() -> int:
    """Run an upgrade and print what was found; 1 if anything is missing or doubled."""
    parser = argparse.ArgumentParser(prog="benchmarks.upgrade", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many are published")
    parser.add_argument("--seed", type=int, default=1, help="draws the events")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="publishing takes so long")
    parser.add_argument("--from", dest="commit", default="", help="the commit to begin with")
    given = parser.parse_args()
    plan = Plan(given.events, given.seed, given.minutes * 60, every=0.0)
    with tempfile.TemporaryDirectory(prefix="vouch-upgrade-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)  # the user that Postgres runs as must get through
        try:
            old, commit = older(folder, given.commit)
            told, exit_codes = drill(folder, old, plan)
        except VouchError as error:
            print(f"{error}\n{error.hint}", file=sys.stderr)
            return 1
        before, after = (_revision(each) for each in (old, CHECKOUT))
    print(described(told))
    is_right = told.is_right and not any(exit_codes)
    verdict = "nothing missing, nothing doubled" if is_right else "WRONG"
    print(f"\nfrom {commit} (schema {before}) to this version (schema {after}): {verdict}")
    print(f"the old processes ended with {exit_codes}")
    return 0 if is_right else 1


def _revision(checkout: Path) -> str:
    return max(file.name.partition("_")[0] for file in (checkout / _VERSIONS).glob("[0-9]*.py"))


if __name__ == "__main__":
    sys.exit(main())
