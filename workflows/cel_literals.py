"""The texts that an expression compares its names with, so that misspelt ones can be told."""

from collections.abc import Iterator
from typing import NamedTuple

from workflows.cel_syntax import Node, Source

_EQUALITY = frozenset({"_==_", "_!=_"})
_IN = "@in"


class Compared(NamedTuple):
    """A literal text that a name is compared with, and where it stands in the expression."""

    path: str
    text: str
    offset: int
    end: int


def compared_texts(tree: Node, source: Source) -> Iterator[Compared]:
    """Give every literal text that a dotted path is compared with, or looked for among."""
    for node in tree.walk():
        if node.kind != "call" or len(node.children) != 2:  # noqa: PLR2004
            continue
        left, right = node.children
        if node.name in _EQUALITY:
            yield from _compared(left, right, source)
            yield from _compared(right, left, source)
        elif node.name == _IN:
            for item in right.children if right.kind == "list" else ():
                yield from _compared(left, item, source)
            yield from _compared(right, left, source)


def _compared(named: Node, literal: Node, source: Source) -> Iterator[Compared]:
    path = _path(named)
    if path and literal.kind == "const" and isinstance(literal.value, str):
        yield Compared(path, literal.value, *source.span(literal))


def _path(node: Node) -> str:
    """Return `a.b.c` of a chain of selects; '' for anything else."""
    names: list[str] = []
    while node.kind == "select" and not node.flag:
        names.append(node.name)
        node = node.children[0]
    if node.kind != "ident":
        return ""
    return ".".join([node.name, *reversed(names)])
