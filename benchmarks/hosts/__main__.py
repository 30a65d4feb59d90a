"""`python -m benchmarks.hosts`: several hosts, their wires cut and healed; every effect counted."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.chaos.__main__ import described
from benchmarks.chaos.drill import Plan
from benchmarks.hosts.drill import HOSTS, OPERATOR, drill
from benchmarks.hosts.network import Network
from benchmarks.processes import CHECKOUT
from events.errors import VouchError

EVENTS = 20_000
MINUTES = 5.0
EVERY_SECONDS = 1.5


def main() -> int:
    """Make the network, run the drill on it, and print what it found; 1 if a count is wrong."""
    given = _parsed()
    try:
        if given.owner:
            return _on_the_operators_host(given)
        with tempfile.TemporaryDirectory(prefix="vouch-hosts-") as made:
            folder = (given.folder or Path(made)).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # the user that Postgres runs as must get through
            with Network(HOSTS, os.getpid()) as network:
                again = [*sys.argv[1:], "--folder", str(folder), "--owner", str(os.getpid())]
                command = [*network.on(OPERATOR), sys.executable, "-m", "benchmarks.hosts", *again]
                return subprocess.run(command, check=False, cwd=CHECKOUT).returncode
    except VouchError as error:
        print(f"seed {given.seed}: {error}\n{error.hint}", file=sys.stderr)
        return 1


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.hosts", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many are published")
    parser.add_argument("--seed", type=int, default=1, help="draws events and faults")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="publishing takes so long")
    parser.add_argument(
        "--every", type=float, default=EVERY_SECONDS, help="seconds between two faults, on average"
    )
    parser.add_argument("--folder", type=Path, help="keep data and logs here")
    parser.add_argument("--owner", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _on_the_operators_host(given: argparse.Namespace) -> int:
    network = Network(HOSTS, given.owner)
    plan = Plan(given.events, given.seed, given.minutes * 60, given.every)
    told = drill(given.folder, network, plan)
    print(described(told))
    verdict = "nothing missing, nothing doubled" if told.is_right else "WRONG"
    print(f"\nseed {given.seed}: {verdict}; {len(told.faults)} kinds of fault")
    return 0 if told.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
