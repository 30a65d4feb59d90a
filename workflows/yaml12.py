"""YAML 1.2 as programmes use it, with the place of every key and value.

Only `true`, `false`, whole numbers and `null` are anything but strings. Tags, anchors, aliases,
merge keys and duplicate keys are findings: a programme means what a reader sees on the page.
Nothing here raises on what a file holds; what is wrong is a finding with its place.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from workflows.check.findings import Finding, Severity
from workflows.check.yaml_mistakes import Mistake, bare_item, begins_text, diagnose, misread_value
from workflows.scalars import offsets_of

FILE_BYTES_MAX = 64 * 1024
NESTING_MAX = 40
"""Mappings and lists in each other: far beyond what a workflow may nest, short of a bomb."""
DIGITS_MAX = 18

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_ODD_NUMBER = re.compile(
    r"[-+]?(?:0[0-9_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*_[0-9_]*"
    r"|[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+)\Z"
)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

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
    """A file as plain data, with the places of its parts and what is wrong with its form."""

    file: str
    text: str
    root: Node | None = None
    findings: list[Finding] = field(default_factory=list)
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
        if node is None or not found or not isinstance(node.data, str):
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


def load_yaml(text: str, file: str) -> Document:
    """Return the file as plain data with places; what is wrong is in its `findings`.

    A file with a finding that hides its structure has no `root`.
    """
    text = text.removeprefix("\ufeff")
    document = Document(file, text)
    if len(text.encode("utf-8", "replace")) > FILE_BYTES_MAX:
        message = f"the file is larger than {FILE_BYTES_MAX // 1024} KiB"
        document.findings.append(
            document.finding("V007", Spot(1, 1, 2), message, "split it, or shorten it")
        )
        return document
    builder = _Builder(document)
    odd = _NOT_TEXT.search(text)
    if odd:
        message = f"the character U+{ord(odd[0]):04X} is not allowed in YAML"
        builder.report("V007", odd.start(), odd.end(), message, "remove it")
        return document
    try:
        document.root = builder.build(yaml.parse(text, Loader=yaml.CBaseLoader))
    except _TooDeepError as error:
        builder.report("V007", error.start, error.start + 1, f"nested deeper than {NESTING_MAX}")
    except yaml.MarkedYAMLError as error:
        builder.misread(error)
    except yaml.YAMLError as error:
        builder.report("V001", 0, 1, f"this is not YAML: {error}")
    return document


class _TooDeepError(Exception):
    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


class _Builder:
    """Makes nodes of the parser's events, and findings of what programmes may not use."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def report(self, code: str, start: int, end: int, message: str, help_: str = "") -> None:
        spot = self.document.span(start, end)
        self.document.findings.append(self.document.finding(code, spot, message, help_))

    def misread(self, error: yaml.MarkedYAMLError) -> None:
        """Report text that is no YAML, by the mistake that most likely made it so."""
        problem = error.problem_mark.index if error.problem_mark else 0
        context = error.context_mark.index if error.context_mark else problem
        self.tell(diagnose(self.document.text, problem, context, error.problem or ""))

    def tell(self, mistake: Mistake) -> None:
        """Report what an author meant otherwise, once a line: the rest of it follows from this."""
        line = self.document.span(mistake.start, mistake.end).line
        if all(finding.line != line for finding in self.document.findings):
            self.report(*mistake)

    def build(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    start = event.start_mark.index
                    message = "a second document in one file"
                    self.report("V001", start, start + 3, message, "one file, one document")
                    return root
                root = self.value(next(events), events, "", 1)
        if root is None:
            self.report("V001", 0, 1, "the file is empty")
        return root

    def value(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        start, end = event.start_mark.index, event.end_mark.index
        if depth > NESTING_MAX:
            raise _TooDeepError(start)
        if isinstance(event, yaml.AliasEvent):
            self.tell(misread_value(self.document.text, start, end, key))
            return Node(start, end)
        # libyaml forgets the tag "!" by itself, but its event starts there.
        bare = isinstance(event, yaml.ScalarEvent) and self.document.text[start : start + 1] == "!"
        if bare or event.tag is not None or event.anchor is not None:
            self.tell(misread_value(self.document.text, start, end, key))
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, key)
        if event.flow_style and begins_text(self.document.text, start, key):
            self.tell(misread_value(self.document.text, start, end, key))
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, events, key, depth)
        return self.mapping(event, events, key, depth)

    def scalar(self, event: Any, key: str) -> Node:  # noqa: ANN401
        start, end = event.start_mark.index, event.end_mark.index
        text: str = event.value
        style: str = event.style or ""
        if style:
            return Node(start, end, text, style)
        if text in _WORDS:
            return Node(start, end, _WORDS[text])
        if _WHOLE.match(text):
            if len(text.lstrip("-")) <= DIGITS_MAX:
                return Node(start, end, int(text))
            message = f"a number of more than {DIGITS_MAX} digits"
            self.report("V006", start, end, message, "in quotes it is a string")
        elif _ODD_NUMBER.match(text):
            message = f'"{text}" is read differently by different tools'
            self.report("V006", start, end, message, "write plain digits, or put it in quotes")
        return Node(start, end, text)

    def sequence(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        node = Node(event.start_mark.index, 0, [], "{" if event.flow_style else "")
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                node.end = item.end_mark.index
                break
            child = self.value(item, events, key, depth + 1)
            node.children[len(node.data)] = child
            node.data.append(child.data)
        return node

    def mapping(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        node = Node(event.start_mark.index, 0, {}, "{" if event.flow_style else "")
        for item in events:
            if isinstance(item, yaml.MappingEndEvent):
                node.end = item.end_mark.index
                break
            self.entry(node, item, events, key, depth)
        return node

    def entry(self, node: Node, item: Any, events: Iterator[Any], key: str, depth: int) -> None:  # noqa: ANN401
        start, end = item.start_mark.index, item.end_mark.index
        name_node = self.value(item, events, key, depth + 1)
        name: str | None = item.value if isinstance(item, yaml.ScalarEvent) else None
        value_event = next(events)
        child = self.value(value_event, events, name or "", depth + 1)
        text = self.document.text
        if name is None:
            self.tell(misread_value(text, start, name_node.end, key))
        elif name == "<<" and not item.style:
            self.report("V005", start, end, "merge keys are not allowed", "repeat the entries")
        elif name in node.keys:
            line = self.document.span(*node.keys[name]).line
            message = f'the key "{name}" is here twice; the first is in line {line}'
            self.report("V002", start, end, message, "keep one of them")
        else:
            if node.style and child.data is None and ":" not in text[end : child.start + 1]:
                self.tell(bare_item(text, start, end))
            node.keys[name] = (start, end)
            node.children[name] = child
            node.data[name] = child.data
