"""YAML 1.2 as programmes use it, with the place of every key and value.

Only `true`, `false`, whole numbers and `null` are anything but strings. Tags, anchors, aliases,
merge keys and duplicate keys are findings: a programme means what a reader sees on the page.
Nothing here raises on what a file holds; what is wrong is a finding with its place.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from workflows.check.findings import Finding
from workflows.check.yaml_mistakes import (
    EXPRESSION_KEYS,
    Mistake,
    bare_item,
    begins_text,
    diagnose,
    misread_value,
)
from workflows.yaml_document import Document, Node, Spot

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
_ODD_SPACE = re.compile("(?P<key>[\\w-]*[:-])?(?P<space>[\u00a0\u2007\u202f\u200b\ufeff])")
"""A space that is none to YAML, where one is needed: at the beginning, or behind `key:`."""
_DASH = re.compile(r"\n[ ]*(?P<item>- +[^\n]*)")
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


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
        document.findings += builder.suspects  # of text that is no YAML the error tells more
    except _TooDeepError as error:
        builder.report(
            "V007", error.start, error.start + 1, f"nested deeper than {NESTING_MAX}", "flatten it"
        )
    except yaml.MarkedYAMLError as error:
        builder.misread(error)
    except yaml.YAMLError as error:
        builder.report(
            "V001", 0, 1, f"this is not YAML: {error}", "look at its quotes and brackets"
        )
    return document


class _TooDeepError(Exception):
    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


class _Builder:
    """Makes nodes of the parser's events, and findings of what programmes may not use."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.suspects: list[Finding] = []

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
                    start = _start(event)
                    message = "a second document in one file"
                    self.report("V001", start, start + 3, message, "one file, one document")
                    return root
                root = self.value(next(events), events, "", 1)
        if root is None:
            self.report("V001", 0, 1, "the file is empty", "write something in it, or remove it")
        return root

    def value(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        start, end = _start(event), _end(event)
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
        start, end = _start(event), _end(event)
        text: str = event.value
        style: str = event.style or ""
        if style:
            return Node(start, end, text, style)
        self.look_alikes(start, text)
        self.read_on(start, end, key)
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

    def read_on(self, start: int, end: int, key: str) -> None:
        """Report an item that stands too far in, so that it is text of the one before."""
        dash = _DASH.search(self.document.text, start, end)
        if dash and key not in EXPRESSION_KEYS:
            message = "this item is read as more text of the line before"
            help_ = "indent it as far as the items it belongs to, or put the text in quotes"
            spot = self.document.span(dash.start("item"), dash.end())
            self.suspects.append(self.document.finding("V001", spot, message, help_))

    def look_alikes(self, start: int, text: str) -> None:
        """Report characters that look like a space or a quote and are letters to YAML."""
        space = _ODD_SPACE.match(text)
        if space:
            at = start + space.start("space")
            message = f"U+{ord(space['space']):04X} looks like a space and is none"
            self.report("V003", at, at + 1, message, "write a common space")
        elif text[:1] in _CURLY and text[-1:] in _CURLY and " " not in text and text:
            message = f"{text[0]} is no quotation mark to YAML"
            help_ = f'write "{text[1:-1]}", or no quotes at all'
            self.report("V003", start, start + len(text), message, help_)

    def sequence(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        node = Node(_start(event), 0, [], "{" if event.flow_style else "")
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                node.end = _end(item)
                break
            child = self.value(item, events, key, depth + 1)
            node.children[len(node.data)] = child
            node.data.append(child.data)
        return node

    def mapping(self, event: Any, events: Iterator[Any], key: str, depth: int) -> Node:  # noqa: ANN401
        node = Node(_start(event), 0, {}, "{" if event.flow_style else "")
        for item in events:
            if isinstance(item, yaml.MappingEndEvent):
                node.end = _end(item)
                break
            self.entry(node, item, events, key, depth)
        return node

    def entry(self, node: Node, item: Any, events: Iterator[Any], key: str, depth: int) -> None:  # noqa: ANN401
        start, end = _start(item), _end(item)
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


def _start(event: Any) -> int:  # noqa: ANN401  libyaml's events always have marks
    return int(event.start_mark.index)


def _end(event: Any) -> int:  # noqa: ANN401
    return int(event.end_mark.index)
