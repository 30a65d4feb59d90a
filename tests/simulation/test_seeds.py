"""Every seed comes out right: whatever dies, hangs, is lost, comes twice or in another order."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import shapes
from tests.simulation.mutations import outage
from tests.simulation.runs import play

COUNT = int(os.environ.get("VOUCH_TEST_SEEDS", "0"))
"""How many seeds are played; the nightly setting is 20,000."""
FIRST = int(os.environ.get("VOUCH_TEST_SEEDS_FROM", shapes.BRIEF))
"""The first; another night may begin where the last one ended."""
CHUNK = 20
FEW = [*range(shapes.BRIEF, shapes.BRIEF + 200), *range(shapes.FORGETFUL, shapes.FORGETFUL + 20)]
"""What is played without that: one of ten is long, six of ten are wide; the last forget."""
SEEDS = [*range(FIRST, FIRST + COUNT)] if COUNT else FEW

FAILED_ONCE = [
    known
    for known in json.loads((Path(__file__).parent / "failed_once.json").read_text())
    if not known.get("long") or os.environ.get("VOUCH_NIGHTLY")
]
"""A run that takes ten times as long as others is played at night."""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(0, len(SEEDS), CHUNK))
def test_nothing_is_lost_or_doubled_whatever_happens(first: int) -> None:
    """The database, the facts and what people got are what the oracle says, for each seed."""
    wrong = {
        seed: played.findings
        for seed in SEEDS[first : first + CHUNK]
        if (played := play(seed)).findings
    }

    assert not wrong, f"python -m tests.simulation SEED --trace: {wrong}"


ON_POSTGRES = SEEDS[: COUNT // 20] or FEW[:6]
"""There a seed takes several times as long, and two drains interleave under their locks."""


@pytest.mark.parametrize("seed", ON_POSTGRES)
def test_nothing_is_lost_or_doubled_on_postgres(seed: int, pg: str) -> None:
    """The same on Postgres, where clocks of machines differ and drains hold slices at once."""
    assert play(seed, url=pg).findings == []


@pytest.mark.parametrize("known", FAILED_ONCE, ids=lambda known: str(known["seed"]))
def test_a_seed_that_failed_once_stays_right(known: dict[str, object]) -> None:
    """What a seed found was mended, and stays so."""
    assert play(int(str(known["seed"]))).findings == []


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    """A seed gives the same trace, whatever the hashes are and whatever was played before."""
    seeds = [41, 10_513, shapes.BRIEF]
    code = (
        "import sys; from tests.simulation.runs import play; "
        "print(sorted(play(int(seed)).fingerprint for seed in sys.argv[1:]))"
    )
    hashes = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # others than ours
    said = subprocess.run(  # noqa: S603 - this interpreter, with our own words
        [sys.executable, "-c", code, *map(str, reversed(seeds))],
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said == f"{sorted(play(seed).fingerprint for seed in seeds)}\n"


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_an_outage_makes_no_dead_letter(seed: int) -> None:
    """However often the database fails, only poison is set aside, and all is done afterwards."""
    played = play(seed, change=outage)

    assert played.happened["database"] > 100
    assert played.findings == []


def test_an_outage_of_postgres_makes_no_dead_letter(pg: str) -> None:
    """Lost connections, shutdowns, full disks and deadlocks blame nobody."""
    played = play(5, url=pg, change=outage)

    assert played.happened["database"] > 100
    assert played.findings == []
