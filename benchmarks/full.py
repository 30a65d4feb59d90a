"""`python -m benchmarks.full`: every figure in one go, tables, JSON and pictures in a folder.

Each figure runs by itself, one after the other; one that fails is named, and the others go on.
`--quick` makes everything small, to see that it runs: its figures mean nothing.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import described
from benchmarks.plots import Plot, Point, write
from benchmarks.processes import CHECKOUT


@dataclass(frozen=True, slots=True)
class Part:
    """One command of the whole.

    Attributes:
        command: The module and what it is always given.
        quick: What makes it small.
        takes_rounds: Whether it can be measured more than once.
    """

    command: Sequence[str]
    quick: Sequence[str]
    takes_rounds: bool = True


def _figure(name: str, *quick: str, takes_rounds: bool = True) -> Part:
    return Part(("benchmarks.figures_of", name), quick, takes_rounds)


PARTS: Final[Mapping[str, Part]] = {
    "end_to_end": Part(("benchmarks",), ("--events", "4800")),
    "peers": Part(("benchmarks.peers",), ("--seconds", "0.2")),
    "singles": _figure("singles", "--size", "500"),
    "latency": _figure("latency", "--size", "5", "--seconds", "1"),
    "delivery": _figure("delivery", "--size", "100"),
    "timers": _figure("timers", "--size", "5000", "--seconds", "3"),
    "batches": _figure("batches", "--size", "2000"),
    "growth": _figure("growth", "--size", "5000", "--seconds", "0.5"),
    "embedded": _figure("embedded", "--size", "2000"),
    "idle": _figure("idle", "--size", "50", "--seconds", "5"),
    "soak": _figure("soak", "--seconds", "20", "--size", "50", takes_rounds=False),
}


def main(arguments: list[str]) -> int:
    """Run all, or some, and write what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.full", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".bench" / "results")
    parser.add_argument("--quick", action="store_true", help="see that all of it runs")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    found["machine"] = described()
    failed = []
    for name in chosen.only:
        began = time.monotonic()
        part = PARTS[name]
        command = [*part.command, *(part.quick if chosen.quick else ())]
        if part.takes_rounds:
            command += ["--rounds", str(chosen.rounds)]
        print(f"## {name}\n", flush=True)
        words = _said(command)
        if words is None:
            failed.append(name)
            continue
        table, _, last = words.rstrip().rpartition("\n")
        (chosen.folder / f"{name}.md").write_text(f"{table.rstrip()}\n")
        found[name] = json.loads(last)
        print(f"{table.rstrip()}\n\n{time.monotonic() - began:.0f} s\n", flush=True)
    (chosen.folder / "figures.json").write_text(json.dumps(found, indent=1) + "\n")
    pictures = write(dict(_plots(found)), chosen.folder)
    print("\n".join(str(path) for path in [chosen.folder / "figures.json", *pictures]))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _said(command: Sequence[str]) -> str | None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return None if done.returncode else done.stdout


def _plots(found: Mapping[str, Any]) -> Iterator[tuple[str, Plot]]:
    if "batches" in found:
        lines = {"HTTP, 4 connections": _points(found["batches"]["batches"])}
        title = "Throughput by batch size"
        yield "throughput-by-batch", Plot(title, "events a request", "events/s", lines)
    if "latency" in found:
        rows = found["latency"]["latency"]
        series = {f"{way}, {part}" for way, _, part in map(_words, rows)}
        lines = {
            name: _points([row for row in rows if _series(row) == name]) for name in sorted(series)
        }
        title = "Latency by load: publish to committed effect"
        yield "latency-by-load", Plot(title, "events a second", "ms", lines, logarithmic=True)
    if "growth" in found:
        rows = [row for row in found["growth"]["growth"] if row["unit"] == "us an event"]
        lines = {"all processes": _points(rows)}
        title = "Processor time of an event by stored runs"
        yield "cost-by-stored-runs", Plot(title, "stored runs", "us an event", lines)


def _words(row: Mapping[str, Any]) -> list[str]:
    return str(row["what"]).split(", ")


def _series(row: Mapping[str, Any]) -> str:
    way, _, part = _words(row)
    return f"{way}, {part}"


def _points(rows: Sequence[Mapping[str, Any]]) -> list[Point]:
    return [(row["at"], row["min"], row["median"], row["max"]) for row in rows]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
