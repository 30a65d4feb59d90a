"""Which themes a text is about: an interface, and the plain way that ships, by words.

The engine asks a `Finder` and nothing else, so that something better (a model, a classifier)
can stand in its place. It must stay pure: the same text and locale give the same themes, for
ever, or a replay comes out differently.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol
from unicodedata import normalize

from workflows.policies import Themes


class Finder(Protocol):
    """Finds the themes of a text."""

    def find(self, text: str, locale: str) -> Collection[str]:
        """Return the names of the themes, in the order of the programme; none is fine.

        Args:
            text: What somebody wrote, as they wrote it.
            locale: Theirs; they may have written in another language all the same.
        """


MakeFinder = Callable[[Themes], Finder]


class WordFinder:
    """Finds themes by whole words and phrases of any language, in any case.

    A word is found between characters that belong to no word: `kosten` is in "De kosten!" and
    neither in "kostenlos" nor in "onkosten". The words of a phrase may stand apart by any
    white space.

    >>> WordFinder(Themes(words={"wait": ("te lang", "Wartezeit")})).find("Te  lang!", "nl")
    ['wait']
    """

    def __init__(self, themes: Themes) -> None:
        self._patterns = {name: _pattern(words) for name, words in themes.words.items() if words}

    def find(self, text: str, locale: str) -> list[str]:
        """Return the themes whose words are in the text; the locale does not matter."""
        plain = _plain(text)
        return [name for name, pattern in self._patterns.items() if pattern.search(plain)]


def _plain(text: str) -> str:
    return normalize("NFC", text.casefold())


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    phrases = (r"\s+".join(map(re.escape, _plain(word).split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(filter(None, phrases))})(?!\w)")


def texts_of(data: Mapping[str, object]) -> list[str]:
    """Return the free texts of an answer, those that say something."""
    found = (data.get(name) for name in ("improve", "comment"))
    return [text for text in found if isinstance(text, str) and text.strip()]
