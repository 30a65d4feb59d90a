"""An input that the engine could not handle: whether it is tried again, and how it is headed."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from traceback import extract_tb

from events.errors import VouchError
from workflows.cel_scope import EvaluationError
from workflows.state import Input
from workflows.words_types import WordsError

WORDS_TRIES_MAX = 5
"""How often an input is tried whose words cannot be made; then it is a dead letter."""


class PoisonError(Exception):
    """One input that the engine could not handle; the others are unharmed."""

    def __init__(self, item: Input, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.item = item
        self.error = error


@dataclass(slots=True)
class Failures:
    """How often inputs failed in the drain at hand."""

    _count: Counter[tuple[str, int, str]] = field(default_factory=Counter)

    def is_final(self, poison: PoisonError) -> bool:
        """Count a failure, and tell whether the input is set aside now.

        Words come from the newest programme, and each try asks for that anew: mended words,
        applied meanwhile, are found. The tries follow each other at once, so that what came
        after the input waits for no clock. Every other failure is the same a second time.
        """
        if not isinstance(poison.error, WordsError):
            return True
        item = poison.item
        key = (item.actor, item.seq, item.timer.key if item.timer else "")
        self._count[key] += 1
        if self._count[key] < WORDS_TRIES_MAX:
            return False
        poison.item = replace(item, tries=self._count.pop(key))
        return True


def heading(error: BaseException) -> str:
    """Return what went wrong and where, in words that name nobody."""
    frames = extract_tb(error.__traceback__)
    where = ""
    if frames:
        place = frames[-1]
        where = f" at {PurePath(place.filename).name}:{place.lineno}"
    said = f": {error}" if isinstance(error, VouchError) else ""
    if isinstance(error, EvaluationError):  # it says which value it could not take
        said = f": {error.hint}" if error.hint else ""
    return f"{type(error).__name__}{where}{said}"
