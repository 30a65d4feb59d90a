"""A span of the programme in somebody's own words: `3mo` is "three months"."""

from collections.abc import Iterator, Mapping

from events.errors import VouchError
from workflows.durations import Span, parse_span

_IN_WORDS = 2
"""The first number that has a word in the list of a language; one has its own with each unit."""
_MONTHS_A_YEAR = 12
_DAYS_A_WEEK = 7


def span_in_words(text: str, words: Mapping[str, str]) -> str:
    """Return a span as a sentence of that language says it; '' for one that cannot be said.

    `words` has for each unit its singular and its plural, as they stand behind "in", and the
    numbers from two on. A span that the programme should not have is no reason to show no page.
    """
    try:
        span = parse_span(text)
    except VouchError:
        return ""
    said = [_counted(number, words[f"span_{unit}"], words) for unit, number in _parts(span)]
    if len(said) > 1:
        return words["span_and"].join((", ".join(said[:-1]), said[-1]))
    return "".join(said)


def _parts(span: Span) -> Iterator[tuple[str, int]]:
    """Give the units of a span with how many there are of each, the greatest first."""
    years, months = divmod(span.months, _MONTHS_A_YEAR)
    weeks, days = divmod(span.days, _DAYS_A_WEEK)
    if days:
        weeks, days = 0, span.days
    business = span.business_seconds or 0
    parts = {
        "y": years, "mo": months, "w": weeks, "d": days, "bd": span.business_days or 0,
        "h": span.seconds // 3600, "m": span.seconds % 3600 // 60,
        "bh": business // 3600, "bm": business % 3600 // 60,
    }  # fmt: skip
    yield from ((unit, number) for unit, number in parts.items() if number)


def _counted(number: int, unit: str, words: Mapping[str, str]) -> str:
    one, _, many = unit.partition("|")
    if number == 1:
        return one
    numbers = words["span_numbers"].split()
    place = number - _IN_WORDS
    return f"{numbers[place] if place < len(numbers) else number} {many}"
