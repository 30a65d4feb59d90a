"""`vouch bench`: what Vouch reaches on this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from workers.cli.context import UsageError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""Where the bench lies, beside what it measures: a container has the second only."""
EVENTS_MIN: Final = 4_800
"""As the bench itself has it: fewer warm nothing up."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("bench")(bench)


def bench(
    rounds: Annotated[int, typer.Option(help="Measured rounds of each design.", min=1)] = 3,
    events: Annotated[int, typer.Option(help="Events a round.", min=EVENTS_MIN)] = 24_000,
) -> None:
    """Measure how many events a second this machine handles.

    Beside it the actor most would write first, with a transaction an event; on a Postgres and
    a Valkey of its own, in a temporary folder. It needs the source tree with its virtualenv,
    two or three minutes, and a machine that does nothing else. `make bench` is the same.

    Example: vouch bench --rounds 1
    """
    if not (CHECKOUT / "benchmarks" / "__main__.py").is_file():
        raise UsageError(
            "the bench is not part of this installation", hint="in the source tree: make bench"
        )
    asked = ["--rounds", str(rounds), "--events", str(events)]
    done = subprocess.run(  # noqa: S603 - our own module, numbers that were checked
        [sys.executable, "-m", "benchmarks", *asked], cwd=CHECKOUT, check=False
    )
    raise typer.Exit(done.returncode)
