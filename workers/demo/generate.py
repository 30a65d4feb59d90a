"""The generator of the demo's event file: `python -m workers.demo.generate --seed 1`.

The file holds what upstream systems publish by themselves. What people answer to Vouch's own
messages and tasks cannot be known in advance: that is `workers.demo.reactions`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

from workers.demo import flaws, year
from workers.demo.company import found
from workers.demo.lines import ENDS_AT, Line, Wire, dice

SEED = 1
"""The seed of the committed file."""


def generate(seed: int) -> Iterator[Line]:
    """Give the year's lines in order of arrival: the same for the same seed, on any machine."""
    wire = Wire()
    year.play(wire, seed, *found(seed))
    inside = [line for line in wire.lines() if line.arrival < ENDS_AT]
    lines = flaws.disturb(inside, dice(seed, "flaws"))
    yield from sorted((line for line in lines if line.arrival < ENDS_AT), key=lambda x: x.arrival)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the lines of one seed to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help="which year; the same gives the same"
    )
    seed = parser.parse_args(arguments).seed
    for line in generate(seed):
        sys.stdout.buffer.write(line.encode())


if __name__ == "__main__":
    main()
