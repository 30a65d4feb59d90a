"""What a seed's story is like: how long, how eventful, and what happens in it besides.

Most of what goes wrong takes few events, and much misfortune around them: so a brief story
finds as much as a long one in a fraction of the time, and many brief ones find more. The seeds
before the first brief one stay as they were, since some of them failed once.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random

EARLY_MAX = 100
"""Seeds in which nobody operates."""
WIDE = 10_001
"""From here on nine of ten have merges, erasures, calls and syncs, until the brief ones begin."""
BRIEF = 100_001
"""From here on nine of ten stories are brief, and all else is drawn."""
FORGETFUL = 3_000_001
"""From here on words are emptied when they are an hour old, or at once, or a day."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is drawn from for a seed's story.

    Attributes:
        is_brief: Whether it is one of the brief ones.
        is_wide: Whether people merge and are forgotten, and others are called and told.
        is_operated: Whether an operator pauses, resumes, cancels, retries and withdraws.
        contacts: Fewest and most customers.
        days: For how long things happen at the company.
        quiet_days: For how long the world goes on afterwards.
        batches: Fewest and most requests with events.
        density: How much likelier a fault is at a boundary than in a long story.
        keeps: How long the words of what happened are kept; None for ever.
    """

    is_brief: bool = False
    is_wide: bool = False
    is_operated: bool = True
    contacts: tuple[int, int] = (2, 5)
    days: tuple[int, ...] = (6, 12, 25)
    quiet_days: tuple[int, ...] = (0, 20)
    batches: tuple[int, int] = (4, 16)
    density: float = 1.0
    keeps: timedelta | None = None


@cache
def shape_of(seed: int) -> Shape:
    """Return the shape of a seed.

    >>> [seed for seed in (10_000, 10_001, 10_010, 20_000, 20_001) if shape_of(seed).is_wide]
    [10001, 20001]
    """
    if seed < BRIEF:
        return Shape(is_wide=seed >= WIDE and bool(seed % 10), is_operated=seed > EARLY_MAX)
    draw = Random(f"shape/{seed}")
    is_wide, is_operated = draw.random() < 0.6, draw.random() < 0.6
    keeps = draw.choice(KEEPS) if seed >= FORGETFUL else None
    if draw.random() < 0.1:
        return Shape(is_wide=is_wide, is_operated=is_operated, keeps=keeps)
    return Shape(
        is_brief=True,
        is_wide=is_wide,
        is_operated=is_operated,
        contacts=(2, 3),
        days=(1, 3, 6, 12),
        quiet_days=(0, 0, 9),
        batches=(2, 7),
        density=2.5,
        keeps=keeps,
    )


KEEPS = (timedelta(), timedelta(hours=1), timedelta(days=1))
IMPATIENCE = timedelta(hours=6)
"""For how long an operator of a brief story lets a run wait that was paused."""
