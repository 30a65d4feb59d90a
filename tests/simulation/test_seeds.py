"""Every seed comes out right: whatever dies, hangs, is lost, comes twice or in another order."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.runs import play

COUNT = int(os.environ.get("VOUCH_TEST_SEEDS", "60"))
"""How many seeds are played; the nightly setting is 20,000."""
FIRST = int(os.environ.get("VOUCH_TEST_SEEDS_FROM", "1"))
"""The first of them: another night may begin where the last one ended."""
CHUNK = 20

FAILED_ONCE = json.loads((Path(__file__).parent / "failed_once.json").read_text())
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, CHUNK))
def test_nothing_is_lost_or_doubled_whatever_happens(first: int) -> None:
    """The database, the facts and what people got are what the oracle says, for each seed."""
    wrong = {
        seed: played.findings
        for seed in range(first, min(first + CHUNK, FIRST + COUNT))
        if (played := play(seed)).findings
    }

    assert not wrong, f"python -m tests.simulation SEED --trace: {wrong}"


ON_POSTGRES = max(6, COUNT // 20)
"""There a seed takes several times as long, and two drains interleave under their locks."""


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ON_POSTGRES))
def test_nothing_is_lost_or_doubled_on_postgres(seed: int, pg: str) -> None:
    """The same on Postgres, where clocks of machines differ and drains hold slices at once."""
    assert play(seed, url=pg).findings == []


@pytest.mark.parametrize("known", FAILED_ONCE, ids=lambda known: str(known["seed"]))
def test_a_seed_that_failed_once_stays_right(known: dict[str, object]) -> None:
    """What a seed found was mended, and stays so."""
    assert play(int(str(known["seed"]))).findings == []


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    """Twice the same seed is twice the same trace, also where hashes are seeded otherwise."""
    code = "from tests.simulation.runs import play; print(play(41).fingerprint)"
    prints = {
        subprocess.run(  # noqa: S603 - this interpreter, with our own words
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }

    assert prints == {play(41).fingerprint + "\n"}
