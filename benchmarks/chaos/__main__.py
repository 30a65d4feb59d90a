"""`python -m benchmarks.chaos`: break everything at random, and count what came of it."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos.count import table
from benchmarks.chaos.drill import Plan, Told, drill
from events.errors import VouchError

EVENTS = 100_000
MINUTES = 10.0
EVERY_SECONDS = 1.5


def main() -> int:
    """Run a drill and print what it found; 1 if anything is missing or doubled."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many are published")
    parser.add_argument("--seed", type=int, default=1, help="draws events and faults")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="publishing takes so long")
    parser.add_argument(
        "--every", type=float, default=EVERY_SECONDS, help="seconds between two faults, on average"
    )
    parser.add_argument("--folder", type=Path, help="keep data and logs here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vouch-chaos-", ignore_cleanup_errors=True) as made:
        folder = (given.folder or Path(made)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        try:
            plan = Plan(given.events, given.seed, given.minutes * 60, given.every)
            told = drill(folder, plan)
        except VouchError as error:
            print(f"seed {given.seed}: {error}\n{error.hint}", file=sys.stderr)
            return 1
    print(described(told))
    if told.is_right:
        print(f"\nseed {given.seed}: nothing missing, nothing doubled")
        return 0
    again = f"--events {given.events} --seed {given.seed} --minutes {given.minutes}"
    print(f"\nWRONG. To repeat: python -m benchmarks.chaos {again} --every {given.every}")
    return 1


def described(told: Told) -> str:
    """Return what a drill found, as text."""
    return "\n".join([
        table(told.lines),
        "",
        f"faults       {_listed(told.faults)}",
        f"restarts     {_listed(told.restarts)}",
        f"publishing   {_listed(told.publishing)}",
        f"in doubt     {_listed(told.doubts)}",
        f"exit codes   {told.exit_codes}",
    ])  # fmt: skip


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


if __name__ == "__main__":
    sys.exit(main())
