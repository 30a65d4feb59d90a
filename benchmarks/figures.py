"""Figures of a bench: rounds, their minimum, median and maximum, ratios, a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Round:
    """One measured round of one design.

    Attributes:
        seconds: From the first event published to the last effect committed.
        cpu_seconds: Processor time by kind of process in that while.
        memory_mib: Resident memory of the workers at its end.
    """

    events: int
    seconds: float
    cpu_seconds: Mapping[str, float]
    memory_mib: float

    @property
    def rate(self) -> float:
        """Events a second, end to end."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """What the rounds of one design came to; `key` is its name for machines."""

    key: str
    name: str
    rounds: tuple[Round, ...]

    @property
    def rates(self) -> tuple[float, float, float]:
        """The least, the median and the most events a second."""
        rates = sorted(each.rate for each in self.rounds)
        return rates[0], median(rates), rates[-1]

    @property
    def memory_mib(self) -> float:
        """The most memory that the workers had."""
        return max(each.memory_mib for each in self.rounds)

    def cpu_microseconds(self) -> dict[str, float]:
        """Return the median processor time of an event by kind of process."""
        kinds = dict.fromkeys(kind for each in self.rounds for kind in each.cpu_seconds)
        return {
            kind: median(1e6 * r.cpu_seconds.get(kind, 0.0) / r.events for r in self.rounds)
            for kind in kinds
        }


def times(figure: Figure, base: Figure) -> tuple[float, float, float]:
    """Return how many times faster than the base a design is: the least, the median, the most.

    The rounds of all designs take turns, so each is compared with the base's round beside it:
    a neighbour who slows the machine down for a while then slows down both.
    """
    pairs = zip(figure.rounds, base.rounds, strict=True)
    each = sorted(ours.rate / theirs.rate for ours, theirs in pairs)
    return each[0], median(each), each[-1]


def table(figures: Sequence[Figure], bases: Sequence[Figure]) -> str:
    """Return the figures for people."""
    compared = [f"x {base.key}" for base in bases]
    head = ["", "events/s", "min", "max", *compared, "MiB", "CPU us an event"]
    rows = [head, *(_row(figure, bases) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    return "\n".join(_line(row, widths) for row in rows)


def _row(figure: Figure, bases: Sequence[Figure]) -> list[str]:
    least, middle, most = figure.rates
    cpu = figure.cpu_microseconds()
    spent = " + ".join(f"{kind} {spent:.0f}" for kind, spent in cpu.items())
    return [
        figure.name,
        *(f"{rate:,.0f}" for rate in (middle, least, most)),
        *(f"{times(figure, base)[1]:.1f}" for base in bases),
        f"{figure.memory_mib:.0f}",
        f"{sum(cpu.values()):.0f} = {spent}",
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = row
    middle = [each.rjust(width) for each, width in zip(numbers, widths[1:-1], strict=True)]
    return "  ".join([first.ljust(widths[0]), *middle, last]).rstrip()


def summary(figures: Sequence[Figure], bases: Sequence[Figure]) -> dict[str, object]:
    """Return the figures for machines: plain values, rounded."""
    return {
        figure.key: {
            "events_a_second": _three(figure.rates, 0),
            "times": {base.key: _three(times(figure, base), 1) for base in bases},
            "cpu_us_an_event": {k: round(v) for k, v in figure.cpu_microseconds().items()},
            "memory_mib": round(figure.memory_mib),
            "rounds": len(figure.rounds),
            "events": figure.rounds[0].events,
        }
        for figure in figures
    }


def _three(values: tuple[float, float, float], digits: int) -> dict[str, float]:
    rounded = (round(each, digits) for each in values)
    return dict(zip(("min", "median", "max"), rounded, strict=True))
