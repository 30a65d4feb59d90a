"""Lines of text and names, as most titles are: filled without Jinja."""

from collections.abc import Mapping
from typing import TypeAlias

from jinja2 import nodes

Line: TypeAlias = tuple[str | tuple[str, ...], ...]
"""Texts, and the paths of the names between them."""


def line_of(tree: nodes.Template) -> Line | None:
    """Return a template as texts and names; None where it has more than these."""
    found: list[str | tuple[str, ...]] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            part = node.data if isinstance(node, nodes.TemplateData) else _path(node)
            if part is None:
                return None
            found.append(part)
    return tuple(found)


def filled(line: Line, values: Mapping[str, object]) -> str | None:
    """Return the line with its names filled in; None where a value is not a plain one.

    Then Jinja decides: what is absent is an error, what is an instant becomes a date.
    """
    parts = []
    for part in line:
        if isinstance(part, str):
            parts.append(part)
            continue
        value: object = values
        for name in part:
            if type(value) is not dict:
                return None
            value = value.get(name)
        if type(value) is not str and type(value) is not int:
            return None
        parts.append(str(value))
    return " ".join("".join(parts).split())


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    names: list[str] = []
    while isinstance(node, nodes.Getattr):
        names.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name):
        return None
    return (node.name, *reversed(names))
