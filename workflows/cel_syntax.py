"""The syntax tree of an expression and where each part stands in its text.

The CEL library hands out the parsed expression as a serialized protobuf message.
Reading its few fields here takes 100 lines and gives exact positions without a
protobuf package; the library's own messages only know where a part begins.
"""

import re
import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>(?:[bB]?[rR][bB]?)(?:'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"[^"]*")
                  |[bB]?(?:'''(?:\\.|.)*?'''|\"\"\"(?:\\.|.)*?\"\"\"
                          |'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))
      | (?P<number>0[xX][0-9a-fA-F]+[uU]?
                  |\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uU]?|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*|`[^`]*`)
      | (?P<sign>&&|\|\||==|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression, with its place in the text."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression.

    Attributes:
        kind: `const`, `ident`, `select`, `call`, `list`, `struct`, `comprehension`.
        name: Of an ident, a field, a function or a comprehension's variable.
        children: A select's operand; a call's target (if `has_target`) and arguments; a
            comprehension's range, start value, condition, step and result.
        value: Of a constant; a `float` for any that is written with a fraction.
        flag: The select is the argument of `has()`; the call has a target.
    """

    kind: str
    pos: int
    name: str = ""
    children: tuple["Node", ...] = ()
    value: object = None
    flag: bool = False

    def walk(self) -> Iterator["Node"]:
        """Give this node and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class Source:
    """The text of an expression as words, to find where a part ends."""

    def __init__(self, text: str) -> None:
        found = (
            Token(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)
        )
        self.text = text
        self.tokens = tuple(token for token in found if token.kind != "space")
        self._starts = [token.start for token in self.tokens]
        self._partner = _pairs(self.tokens)

    @property
    def is_open(self) -> bool:
        """Whether a bracket is not closed."""
        brackets = sum(token.text in _CLOSES for token in self.tokens if token.kind == "sign")
        return brackets > len(self._partner)

    def index(self, pos: int) -> int:
        """Return the number of the word at a position (the last word when past the end)."""
        return min(bisect_left(self._starts, pos), len(self.tokens) - 1)

    def name_span(self, paren: int) -> tuple[int, int]:
        """Return where the name before an opening bracket stands."""
        token = self.tokens[max(self.index(paren) - 1, 0)]
        return token.start, token.end

    def span(self, node: Node) -> tuple[int, int]:
        """Return where a part begins and ends, without brackets around the whole of it."""
        at = self.index(node.pos)
        token = self.tokens[at]
        match node.kind:
            case "select" if not node.flag:
                return self.span(node.children[0])[0], self.tokens[at + 1].end
            case "select" | "comprehension":
                start = self.tokens[at - 1].start
                if node.kind == "comprehension":
                    start = self.wide(node.children[0])[0]
                return start, self._closing(at)
            case "list" | "struct":
                return token.start, self._closing(at)
            case "call":
                return self._call_span(node, at)
            case "const" if token.text == "-":
                return token.start, self.tokens[at + 1].end
            case _:
                return token.start, token.end

    def _call_span(self, node: Node, at: int) -> tuple[int, int]:
        if self.tokens[at].text == "(" and not node.name.startswith(("_", "!", "-", "@")):
            start = self.tokens[at - 1].start
            if node.flag:
                start = self.wide(node.children[0])[0]
            return start, self._closing(at)
        if node.name.startswith("_["):
            return self.wide(node.children[0])[0], self._closing(at)
        spans = [self.wide(child) for child in node.children]
        starts = [start for start, _ in spans]
        return min(self.tokens[at].start, *starts), max(end for _, end in spans)

    def wide(self, node: Node) -> tuple[int, int]:
        """Return where a part stands, with the brackets that group it."""
        start, end = self.span(node)
        while True:
            first, after = self.index(start) - 1, bisect_left(self._starts, end)
            if first < 0 or after >= len(self.tokens) or self.tokens[first].text != "(":
                return start, end
            called = first > 0 and self.tokens[first - 1].kind == "name"
            if self._partner.get(first) != after or (
                called and self.tokens[first - 1].text != "in"
            ):
                return start, end
            start, end = self.tokens[first].start, self.tokens[after].end

    def operands(self) -> tuple[str, ...]:
        """Return the texts joined by `&&` at the top; the whole text if it is no such chain."""
        low, high = 0, len(self.tokens)
        while high - low > 2 and self._partner.get(low) == high - 1 and self._is_group(low):  # noqa: PLR2004
            low, high = low + 1, high - 1
        parts, begin, at = [], low, low
        while at < high:
            text = self.tokens[at].text
            if text in {"||", "?"}:
                return (self.text.strip(),)
            if text == "&&":
                parts.append((begin, at))
                begin = at + 1
            at = self._partner.get(at, at) + 1
        parts.append((begin, high))
        return tuple(self.text[self.tokens[a].start : self.tokens[b - 1].end] for a, b in parts)

    def _is_group(self, at: int) -> bool:
        return self.tokens[at].text == "("

    def _closing(self, at: int) -> int:
        return self.tokens[self._partner.get(at, at)].end


def _pairs(tokens: tuple[Token, ...]) -> dict[int, int]:
    open_, pairs = [], {}
    for at, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        if token.text in _CLOSES:
            open_.append(at)
        elif open_ and _CLOSES[tokens[open_[-1]].text] == token.text:
            pairs[open_.pop()] = at
    return pairs


def read_parsed(serialized: bytes) -> Node:
    """Return the tree of a serialized `google.protobuf.Any` that holds a `cel.expr.ParsedExpr`.

    Depth is bounded by the library's parser (32 levels), size by the expression's own bound.
    """
    message = _one(serialized, 2)
    positions: dict[int, int] = {}
    for number, entry in _fields(_one(message, 3)):
        if number == 4 and isinstance(entry, bytes):  # noqa: PLR2004
            pair = dict(_fields(entry))
            positions[int(pair.get(1, 0))] = int(pair.get(2, 0))
    return _node(_one(message, 2), positions)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Give number and value of each field of a protobuf message; 64-bit ones as bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
            case 1:
                yield key >> 3, data[at : at + 8]
                at += 8
            case _:
                length, at = _varint(data, at)
                yield key >> 3, data[at : at + length]
                at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004
            return value, at
        shift += 7


def _one(data: bytes, number: int) -> bytes:
    return next((v for n, v in _fields(data) if n == number and isinstance(v, bytes)), b"")


def _all(data: bytes, number: int) -> list[bytes]:
    return [v for n, v in _fields(data) if n == number and isinstance(v, bytes)]


def _text(data: bytes, number: int) -> str:
    return _one(data, number).decode("utf-8", "replace")


_KINDS = {
    3: "const", 4: "ident", 5: "select", 6: "call", 7: "list", 8: "struct", 9: "comprehension",
}  # fmt: skip
_BELOW: dict[str, tuple[int, ...]] = {
    "const": (), "ident": (), "select": (1,), "call": (1, 3), "list": (1,), "struct": (2,),
    "comprehension": (2, 4, 5, 6, 7),
}  # fmt: skip


def _node(data: bytes, positions: dict[int, int]) -> Node:
    ident, kind, body = 0, "const", b""
    for number, value in _fields(data):
        if number == 2 and isinstance(value, int):  # noqa: PLR2004
            ident = value
        elif isinstance(value, bytes):
            kind, body = _KINDS[number], value
    pos = positions.get(ident, 0)

    parts = [part for field in _BELOW[kind] for part in _all(body, field)]
    if kind == "struct":
        parts = [part for entry in parts for field in (3, 4) for part in _all(entry, field)]
    children = tuple(_node(part, positions) for part in parts)
    match kind:
        case "const":
            return Node(kind, pos, value=_constant(body))
        case "select":
            tested = any(number == 3 and value for number, value in _fields(body))  # noqa: PLR2004
            return Node(kind, pos, _text(body, 2), children, flag=tested)
        case "call":
            return Node(kind, pos, _text(body, 2), children, flag=bool(_all(body, 1)))
        case "list":
            return Node(kind, pos, children=children)
        case _:
            return Node(kind, pos, _text(body, 1), children)


def _constant(body: bytes) -> object:
    for number, value in _fields(body):
        if isinstance(value, int):
            if number == 2:  # noqa: PLR2004
                return bool(value)
            return value - (1 << 64) if number == 3 and value >> 63 else value  # noqa: PLR2004
        if number == 5:  # noqa: PLR2004
            return float(struct.unpack("<d", value)[0])
        if number == 6:  # noqa: PLR2004
            return value.decode("utf-8", "replace")
        return value
    return None
