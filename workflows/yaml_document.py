"""A YAML file as data with the place of each key and value."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workflows.check.findings import Finding, Severity
from workflows.scalars import offsets_of

Part = str | int
Loc = Sequence[Part]


class Spot(NamedTuple):
    """A place in a file: line and column from 1, `end_column` after the last character."""

    line: int
    column: int
    end_column: int


@dataclass(slots=True)
class Node:
    """A value of the document with the place of its text.

    Attributes:
        start: Index of its first character in the file.
        end: Index after its last one.
        data: The value as plain data.
        style: `'`, `"`, `|`, `>` of a scalar; `{` of a flow collection; '' otherwise.
        children: Of a mapping by key, of a list by index.
        keys: Of a mapping: where each key stands.
    """

    start: int
    end: int
    data: Any = None
    style: str = ""
    children: dict[Part, "Node"] = field(default_factory=dict)
    keys: dict[Part, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """A file as plain data, with the places of its parts and what is wrong with its form.

    Attributes:
        lacking: Mappings that hold a key nobody knows: what they lack may stand there.
    """

    file: str
    text: str
    root: Node | None = None
    findings: list[Finding] = field(default_factory=list)
    lacking: set[tuple[Part, ...]] = field(default_factory=set)
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    @property
    def data(self) -> Any:  # noqa: ANN401 (whatever the file holds)
        """The document as plain data: dict, list, str, int, bool, None."""
        return self.root.data if self.root else None

    def node(self, loc: Loc) -> tuple[Node | None, bool]:
        """Return the node that `loc` leads to, and whether its last part was in the document.

        Parts that are not in the document are passed over: pydantic adds tags of its own.
        """
        here, found = self.root, True
        for part in loc:
            child = None if here is None else here.children.get(part)
            if child is None and here is not None and isinstance(part, int):
                child = here.children.get(str(part))
            here, found = (child, True) if child else (here, False)
        return here, found

    def called(self, loc: Loc, name: str) -> None:
        """Let the value of the misspelt key at `loc` be found under the name that was meant."""
        parent, found = self.node(loc[:-1])
        if parent is not None and found and name not in parent.keys and loc[-1] in parent.keys:
            parent.keys[name] = parent.keys[loc[-1]]
            parent.children[name] = parent.children[loc[-1]]

    def around(self, loc: Loc) -> Iterator[Spot]:
        """Give the places of the mapping at `loc`, its keys and those of mappings in it."""
        node, found = self.node(loc)
        if node is None or not found:
            return
        yield from (self.position(loc), self.key_position(loc))
        for key in node.keys:
            yield from self.around((*loc, key))

    def position(self, loc: Loc) -> Spot:
        """Return where the value at `loc` stands, or the nearest value around it."""
        node, _ = self.node(loc)
        return self.span(*self._shown(node)) if node else Spot(1, 1, 2)

    def key_position(self, loc: Loc) -> Spot:
        """Return where the key at the end of `loc` stands; of a list's item, the item."""
        for size in range(len(loc), 0, -1):
            parent, found = self.node(loc[: size - 1])
            if parent is None or not found:
                continue
            key = parent.keys.get(loc[size - 1])
            if key:
                return self.span(*key)
            if loc[size - 1] in parent.children:
                return self.position(loc[:size])
        return self.position(())

    def inside(self, loc: Loc, offset: int, width: int) -> Spot:
        """Return where a part of the text at `loc` stands in the file.

        `offset` and `width` count characters of the value, whatever quotes, escapes or
        folded lines the file spells it with.
        """
        node, found = self.node(loc)
        if node is None or not found or not isinstance(node.data, str) or not node.data:
            return self.position(loc)
        places = offsets_of(self.text[node.start : node.end], node.data, node.style)
        first = node.start + places[min(max(offset, 0), len(node.data))]
        last = node.start + places[min(max(offset + width - 1, 0), len(node.data))]
        return self.span(first, last + 1)

    def span(self, start: int, end: int) -> Spot:
        """Return the place of the characters from `start` to `end`, no further than their line."""
        start = min(max(start, 0), len(self.text))
        line = bisect_right(self._starts, start) - 1
        first = self._starts[line]
        stop = first + len(self.line(line + 1))
        return Spot(line + 1, start - first + 1, max(min(end, stop), start + 1) - first + 1)

    def line(self, number: int) -> str:
        """Return a line of the file, from 1, without its end."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def finding(
        self, code: str, spot: Spot, message: str, help_: str = "", severity: Severity = "error"
    ) -> Finding:
        """Return a finding at a place of this file, with its source line."""
        line = self.line(spot.line)
        return Finding(code, severity, self.file, *spot, message, help_, line)

    def _shown(self, node: Node) -> tuple[int, int]:
        if node.style in ("|", ">") and isinstance(node.data, str) and node.data:
            places = offsets_of(self.text[node.start : node.end], node.data, node.style)
            return node.start + places[0], node.end
        if not node.style and node.keys:  # a block mapping shows its first key
            return next(iter(node.keys.values()))
        return node.start, node.end
