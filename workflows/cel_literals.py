"""What an expression compares its names with: texts that can be misspelt, and what is less."""

from collections.abc import Iterator
from typing import NamedTuple

from workflows.cel_syntax import Node, Source

_EQUALITY = frozenset({"_==_", "_!=_"})
_IN = "@in"
_LESS, _MORE = frozenset({"_<_", "_<=_"}), frozenset({"_>_", "_>=_"})


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


class Early(NamedTuple):
    """A name that has to be earlier, or less, than something, and where it stands."""

    path: str
    offset: int
    end: int


class Named(NamedTuple):
    """The names of an expression: all, those it asks `has()` of, those that have to be less."""

    paths: frozenset[str]
    asked: frozenset[str]
    early: tuple[Early, ...]


def named(tree: Node, source: Source) -> Named:
    """Return the names of an expression, by what it asks of them."""
    nodes = list(tree.walk())
    early: list[Early] = []
    for node in nodes:
        if node.kind == "call" and node.name in _LESS | _MORE:
            less = node.children[0 if node.name in _LESS else 1]
            if path := _path(less):
                early.append(Early(path, *source.span(less)))
    asked = (node for node in nodes if node.kind == "select" and node.flag)
    return Named(
        paths=frozenset(filter(None, map(_path, nodes))),
        asked=frozenset(f"{_path(node.children[0])}.{node.name}" for node in asked),
        early=tuple(early),
    )


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
