"""Pages as tests see them: headings, links, fenced examples."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

_FENCE = re.compile(
    r"^(?P<mark>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=mark)$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced example.

    Attributes:
        language: The first word after the fence.
        path: The second, where there is one: which file of a programme it is.
        line: Of the first line of its body, from 1.
    """

    page: str
    line: int
    language: str
    path: str
    body: str

    @property
    def place(self) -> str:
        """Where it stands, for whoever must mend it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file of the repository."""

    path: str
    text: str

    @property
    def prose(self) -> str:
        """The text without fenced examples; lines keep their numbers."""
        return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), self.text)

    def fences(self, *languages: str) -> list[Fence]:
        """Return the fenced examples in these languages, or all."""
        found = []
        for match in _FENCE.finditer(self.text):
            words = match["info"].split()
            line = self.text.count("\n", 0, match.start("body")) + 1
            language, path = (*words, "", "")[:2]
            fence = Fence(self.path, line, language, path, match["body"])
            if not languages or fence.language in languages:
                found.append(fence)
        return found

    def links(self) -> Iterator[str]:
        """Give the targets of links and pictures outside code."""
        for match in _LINK.finditer(_CODE.sub("", self.prose)):
            yield match[1]

    def anchors(self) -> set[str]:
        """Return what a link can name in this page, as GitHub makes it from headings."""
        found: set[str] = set()
        for heading in _HEADING.findall(self.prose):
            slug = _slug(heading)
            number = 0
            while (name := slug if not number else f"{slug}-{number}") in found:
                number += 1
            found.add(name)
        return found


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def pages() -> list[Page]:
    """Return every page for readers: README, CHANGELOG and docs."""
    files = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(file.relative_to(ROOT).as_posix(), file.read_text()) for file in files]
