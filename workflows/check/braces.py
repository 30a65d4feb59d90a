"""Names in the braces of another tool: `{contact.name}`, `${contact.name}`, sent as they stand."""

import re
from collections.abc import Collection, Iterator

from workflows.check.findings import Finding
from workflows.yaml_document import Document, Loc, Spot

_BARE = re.compile(
    r"(?<![{$\\])\$?\{\s*"
    r"(?P<name>(?:contact|account|trigger|referral|steps|programme|links|sender|to)\.[a-z_.]+)"
    r"\s*\}(?!\})"
)


def bare_in_file(document: Document, told: Collection[Finding]) -> list[Finding]:
    """Return such names in a file of words, those left out that were told before."""
    found = [
        _finding(document, document.span(*match.span()), match["name"])
        for match in _found(document.text)
    ]
    return [finding for finding in found if finding not in told]


def bare_in_title(document: Document, loc: Loc, text: str) -> list[Finding]:
    """Return such names in the title at a place of a workflow."""
    return [
        _finding(document, document.inside(loc, match.start(), len(match[0])), match["name"])
        for match in _found(text)
    ]


def _found(text: str) -> Iterator[re.Match[str]]:
    return _BARE.finditer(text) if "{" in text else iter(())


def _finding(document: Document, spot: Spot, name: str) -> Finding:
    message = f'"{name}" is no name in single braces: they are read out as they stand'
    return document.finding("V050", spot, message, f"write {{{{ {name} }}}}", "warning")
