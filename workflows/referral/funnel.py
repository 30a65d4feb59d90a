"""The funnel of word of mouth: how many customers take part, contribute, introduce somebody.

Each level is a share of the one that SCENARIOS names: participants of customers, the two
others of participants. A contact counts once per level.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

BENCHMARK: Mapping[str, int] = MappingProxyType(
    {"participation": 25, "involved": 10, "committed": 2}
)
"""What good programmes reach, in per cent."""

NO_SHARE = "—"
"""What is shown where the share's denominator is 0."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a contact did for us, as far as the funnel counts it.

    Attributes:
        contact: The contact's id.
        merged_into: The contact that lives on in its place; empty if it was not merged.
        customer: It is a person at a customer, not somebody who was recommended to us.
        participant: It confirmed taking part; who was erased later stays in past periods.
        gave: It gave an idea, a quote or a recommendation.
        introduced: A recommendation of it was accepted: not its own address, not rejected.
        days: On which days it gave something, in the programme's zone.
    """

    contact: str
    merged_into: str = ""
    customer: bool = True
    participant: bool = False
    gave: bool = False
    introduced: bool = False
    days: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the funnel, with its benchmark.

    >>> Level("committed", count=2, of=100, benchmark=2).share
    2.0
    """

    name: str
    count: int
    of: int
    benchmark: int

    @property
    def share(self) -> float | None:
        """The share in per cent; None of nobody."""
        return 100 * self.count / self.of if self.of else None

    @property
    def shown(self) -> str:
        """The share as people read it.

        >>> Level("committed", 0, of=0, benchmark=2).shown
        '—'
        """
        return NO_SHARE if self.share is None else f"{self.share:.1f} %"

    @property
    def met(self) -> bool:
        """Whether the benchmark is reached; of nobody it is not."""
        return self.share is not None and self.share >= self.benchmark


def levels(
    *, customers: int, participants: int, involved: int, committed: int
) -> tuple[Level, ...]:
    """Return the three levels, each with the share of those it could have been."""
    return (
        Level("participation", participants, customers, BENCHMARK["participation"]),
        Level("involved", involved, participants, BENCHMARK["involved"]),
        Level("committed", committed, participants, BENCHMARK["committed"]),
    )


def funnel(standings: Iterable[Standing]) -> tuple[Level, ...]:
    """Return the three levels of these contacts.

    What a merged contact did counts for the one it lives on in, once. Only participants are
    involved or committed: what others give is welcome, and not the programme's doing.
    """
    rows = list(standings)
    into = {row.contact: row.merged_into for row in rows if row.merged_into}
    who = [(_last(row.contact, into), row) for row in rows]
    takes_part = {name for name, row in who if row.participant}
    return levels(
        customers=len({name for name, row in who if row.customer}),
        participants=len(takes_part),
        involved=len({name for name, row in who if row.gave or row.introduced} & takes_part),
        committed=len({name for name, row in who if row.introduced} & takes_part),
    )


LOYAL_DAYS_MIN = 2
"""On how many days somebody gave who is loyal: they came back."""


def loyal(standings: Iterable[Standing]) -> int:
    """Return how many participants are loyal: involved on one day, and on another again.

    It lies between involved and committed: who gave once may have been asked well, who came back
    wanted to. No benchmark is known for it.
    """
    rows = list(standings)
    into = {row.contact: row.merged_into for row in rows if row.merged_into}
    days: defaultdict[str, set[date]] = defaultdict(set)
    takes_part: set[str] = set()
    for row in rows:
        name = _last(row.contact, into)
        days[name] |= row.days
        if row.participant:
            takes_part.add(name)
    return sum(len(days[name]) >= LOYAL_DAYS_MIN for name in takes_part)


def _last(contact: str, into: Mapping[str, str]) -> str:
    seen = {contact}
    while (following := into.get(contact, "")) and following not in seen:
        seen.add(following)
        contact = following
    return contact
