"""Running a seed, on SQLite or Postgres: a fresh database, a world, and the oracle's verdict."""

import argparse
import atexit
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp
from typing import cast

from store.db import Store
from tests.simulation.company import Company
from tests.simulation.faults import Faults
from tests.simulation.oracle import judge
from tests.simulation.programmes import versions_of
from tests.simulation.shapes import shape_of
from tests.simulation.store import BoundaryStore
from tests.simulation.world import StuckError, World

Change = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a seed."""

    seed: int
    findings: list[str]
    fingerprint: str
    happened: dict[str, int]
    trace: list[str]
    commits: int


def _folder() -> Path:
    """Return a new folder, in memory where the machine has such a place; it goes at the end."""
    memory = Path("/dev/shm")  # noqa: S108 - as the Linux kernel calls it; the folder is ours
    path = mkdtemp(prefix="vouch-simulation-", dir=memory if memory.is_dir() else None)
    atexit.register(rmtree, path, ignore_errors=True)
    return Path(path)


@cache
def _sqlite() -> BoundaryStore:
    """Return this process's database: its engine knows every statement after the first seed."""
    path = _folder() / "world.db"
    return cast("BoundaryStore", BoundaryStore.open(f"sqlite:///{path}", durable=False))


@cache
def _template() -> Path:
    """Return a migrated file, and nothing in it."""
    path = _folder() / "template.db"
    plain = Store.open(f"sqlite:///{path}", durable=False)
    plain.migrate()
    plain.close()
    return path


def play(seed: int, *, url: str = "", change: Change | None = None) -> Played:
    """Play a seed to its end and judge it.

    Args:
        seed: Decides everything: the programme, the events, the order of turns, the faults.
        url: A migrated, empty Postgres; SQLite without it.
        change: Makes the world another one before it begins, for tests of single faults.
    """
    if not url:
        _sqlite().empty(_template())
        return _play(seed, _sqlite(), change)
    store = cast("BoundaryStore", BoundaryStore.open(url, durable=False))
    try:
        return _play(seed, store, change)
    finally:
        store.close()


def _play(seed: int, store: BoundaryStore, change: Change | None) -> Played:
    density = shape_of(seed).density
    faults = Faults(Random(f"faults/{seed}"), store.dialect, density=density)
    skews = store.dialect != "sqlite"
    world = World(seed, store, Company(seed), versions_of(seed), faults, skews=skews)
    if change is not None:
        change(world)
    findings = []
    try:
        world.run()
    except StuckError as error:
        findings.append(f"stuck: {error}")
    findings += judge(world)
    return Played(
        seed, findings, world.fingerprint, world.faults.happened, world.trace, len(world.log)
    )


def main(arguments: list[str]) -> int:
    """Play seeds; print what is wrong, and with one the trace."""
    parser = argparse.ArgumentParser("tests.simulation", description="Play seeds, and judge them.")
    parser.add_argument("seeds", type=seeds, help="one, or FIRST-LAST")
    parser.add_argument("--trace", action="store_true", help="of one seed print all that happened")
    chosen = parser.parse_args(arguments)
    wrong = 0
    for seed in chosen.seeds:
        played = play(seed)
        is_one = len(chosen.seeds) == 1
        if is_one and chosen.trace:
            sys.stdout.write("\n".join(played.trace) + "\n")
        if played.findings or is_one:
            sys.stdout.write(f"seed {seed}: {played.commits} commits, {played.happened}\n")
        wrong += bool(played.findings)
        for finding in played.findings:
            sys.stdout.write(f"  {finding}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen.seeds)} played, {wrong} with findings\n")
    return 1 if wrong else 0


def seeds(text: str) -> range:
    """Return the seeds that somebody names: one, or FIRST-LAST."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
