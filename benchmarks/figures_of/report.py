"""What a figure found: rows of values, one a round, beside what was to be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.tables import markdown

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever runs a figure asked for.

    Attributes:
        rounds: How often to measure.
        size: How many of whatever the figure counts.
        seconds: How long, where a figure watches for a while.
    """

    rounds: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a figure.

    Attributes:
        what: In words.
        unit: Of the values.
        values: One a round.
        aim: What was to be reached, in words; empty where nothing was.
        at: The load or the size it was measured at, for a plot; None where there is none.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    aim: str = ""
    at: float | None = None

    @property
    def middle(self) -> float:
        """The median of its rounds."""
        return median(self.values)

    def plain(self) -> dict[str, object]:
        """Return it for machines."""
        digits = 3 if self.middle < PERCENT else 0
        least, most = min(self.values), max(self.values)
        found = {"min": least, "median": self.middle, "max": most}
        rounded = {name: round(value, digits) for name, value in found.items()}
        return {"what": self.what, "unit": self.unit, "aim": self.aim, "at": self.at, **rounded}


def table(rows: Sequence[Row]) -> str:
    """Return rows for people."""
    heads = ["what", "median", "min to max", "unit", "to reach"]
    return markdown(
        heads,
        [
            [
                row.what,
                spelt(row.middle),
                f"{spelt(min(row.values))} to {spelt(max(row.values))}",
                row.unit,
                row.aim,
            ]
            for row in rows
        ],
    )


def spelt(value: float) -> str:
    """Return a value with the digits that mean something.

    >>> [spelt(12_345.6), spelt(42.25), spelt(0.1234)]
    ['12,346', '42.2', '0.123']
    """
    if abs(value) >= PERCENT:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return what so many percent of the values do not exceed.

    >>> percentile([1.0, 2.0, 3.0], 50)
    2.0
    """
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=PERCENT, method="inclusive")[percent - 1]
