"""`python -m benchmarks.figures_of NAME`: one figure, a table for people and a line of JSON."""

import argparse
import json
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Final

from benchmarks.figures_of.report import Asked, Row, table
from benchmarks.machine import described
from events.errors import VouchError

NAMES: Final = (
    "singles", "latency", "delivery", "timers", "growth", "embedded", "idle", "soak", "batches",
)  # fmt: skip


def measured(name: str, rounds: int, size: int | None, seconds: float | None) -> list[Row]:
    """Return what one figure finds; its own sizes where none are given."""
    module = import_module(f"benchmarks.figures_of.{name}")
    found: list[Row] = module.measure(
        Asked(
            rounds,
            module.SIZE if size is None else size,
            module.SECONDS if seconds is None else seconds,
        )
    )
    return found


def main(arguments: list[str]) -> int:
    """Measure one figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures_of", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, help="of what the figure counts; its module says what")
    parser.add_argument("--seconds", type=float, help="how long, where it watches for a while")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1:
        parser.error("at least one round")
    try:
        rows = measured(chosen.name, chosen.rounds, chosen.size, chosen.seconds)
    except VouchError as error:
        print(f"{chosen.name}: {error}\n{error.hint}", file=sys.stderr)
        return 1
    print(f"{chosen.name}; {described()}\n\n{table(rows)}\n")
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described(),
        chosen.name: [row.plain() for row in rows],
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
