"""The root of every error that Vouch raises on purpose."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import ClassVar


class VouchError(Exception):
    """Base of every error that Vouch raises on purpose.

    Attributes:
        code: Stable name for logs, metrics and the CLI; never reworded.
        hint: What the reader can do next, if we know.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"Hint: {hint}")  # shows under the traceback


SHORT_MIN = 3
"""A name of so many letters can be what somebody shortened: `mon` for Monday."""
NEAR = 0.6
"""So close is a name to the one that is meant (see `difflib`)."""
LISTED_MAX = 12
"""Of what is known so many are listed; the rest would hide the advice."""


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a hint that names the closest of `known`, or lists a few of them.

    >>> did_you_mean("scor", ["score", "band"])
    'did you mean "score"?'
    """
    close = [each for each in known if each.casefold() == name.casefold()]
    close = close or get_close_matches(name, known, n=1, cutoff=NEAR)
    close = close or get_close_matches(name.casefold(), known, n=1, cutoff=NEAR)
    close = close or [
        each for each in known if len(each) >= SHORT_MIN and name.casefold().startswith(each)
    ]
    if close:
        return f'did you mean "{close[0]}"?'
    listed = ", ".join(sorted(known)[:LISTED_MAX])
    more = ", ..." if len(known) > LISTED_MAX else ""
    return f"known: {listed}{more}" if listed else ""
