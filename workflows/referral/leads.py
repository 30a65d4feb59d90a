"""Where customers heard of us, as they said it to whoever asked."""

from collections import Counter
from collections.abc import Iterable

HEARD = "heard_of_us"
"""The field in which a task asks where a customer heard of us."""
MANY_WAYS = 20
"""Different ways and answers shown."""


def heard_of(answers: Iterable[str]) -> Counter[str]:
    """Return how many said what; case, spaces and a full stop make no other answer.

    >>> heard_of(["Van Anna.", " van  anna", "Internet", " "])
    Counter({'van anna': 2, 'internet': 1})
    """
    return Counter(_said(text) for text in answers if text.strip())


def _said(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .!")[:100]
