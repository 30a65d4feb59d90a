"""Reading the text form of protocol buffers, as far as files of test data need it."""

import ast
import re
from collections.abc import Iterator
from typing import TypeAlias

Fields: TypeAlias = "list[tuple[str, object]]"
"""The fields of a message in order: a message, a text, bytes, or a bare word such as `17`."""

_WORDS = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<extension>\[[\w./-]+\])
      | (?P<word>[-+.\w]+)
      | (?P<sign>[{}<>\[\]:;,])""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"{": "}", "<": ">"}


class TextprotoError(ValueError):
    """A file that is not in this form."""


class Quoted(str):
    """A text that stood in quotes, as opposed to a number or the name of a constant."""

    __slots__ = ("raw",)
    raw: bytes

    @staticmethod
    def of(raw: bytes) -> "Quoted":
        """Return the text of its bytes, which need not be UTF-8."""
        text = Quoted(raw.decode("utf-8", "replace"))
        text.raw = raw
        return text


def parse(text: str) -> Fields:
    """Return the fields of the message that a file holds.

    >>> parse('name: "a" item { size: 3 } item { size: 4 }')
    [('name', 'a'), ('item', [('size', '3')]), ('item', [('size', '4')])]

    Raises:
        TextprotoError: It cannot be read; the message names the character.
    """
    words = list(_scan(text))
    words.append(("end", "", len(text)))
    fields, at = _message(words, 0, "")
    if words[at][0] != "end":
        raise TextprotoError(f"not expected at character {words[at][2]}: {words[at][1]}")
    return fields


def _scan(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        found = _WORDS.match(text, at)
        if found is None:
            raise TextprotoError(f"not expected at character {at}: {text[at]}")
        if found.lastgroup != "space":
            yield str(found.lastgroup), found.group(), at
        at = found.end()


def _message(words: list[tuple[str, str, int]], at: int, closes: str) -> tuple[Fields, int]:
    fields: Fields = []
    while words[at][1] != closes or words[at][0] == "text":
        kind, name, place = words[at]
        if kind not in {"word", "extension"}:
            raise TextprotoError(f"not a field at character {place}: {name or 'the end'}")
        at += 1
        if words[at][1] == ":":
            at += 1
        if words[at][1] == "[":
            at += 1
            while words[at][1] != "]":
                value, at = _value(words, at)
                fields.append((name, value))
                at += words[at][1] == ","
            at += 1
        else:
            value, at = _value(words, at)
            fields.append((name, value))
        at += words[at][1] in {";", ","}
    return fields, at


def _value(words: list[tuple[str, str, int]], at: int) -> tuple[object, int]:
    kind, word, place = words[at]
    if word in _CLOSES and kind == "sign":
        fields, at = _message(words, at + 1, _CLOSES[word])
        return fields, at + 1
    if kind == "text":
        raw = b""
        while words[at][0] == "text":  # texts side by side are one
            raw += _unquoted(words[at][1])
            at += 1
        return Quoted.of(raw), at
    if kind != "word":
        raise TextprotoError(f"not a value at character {place}: {word or 'the end'}")
    return word, at + 1


_ESCAPES = re.compile(
    r"\\(?:[0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL
)


def _unquoted(word: str) -> bytes:
    raw, at, inner = b"", 0, word[1:-1]
    for found in _ESCAPES.finditer(inner):
        raw += inner[at : found.start()].encode() + _escape(found.group())
        at = found.end()
    return raw + inner[at:].encode()


def _escape(word: str) -> bytes:
    if word[1] in "uU":
        return chr(int(f"0x{word[2:]}", 0)).encode("utf-8", "surrogatepass")
    if word[1] in "xX":
        return bytes([int(f"0x{word[2:]}", 0)])
    if word[1].isdigit():
        return bytes([int(word[1:], 8) & 0xFF])
    if word[1] == "?":
        return b"?"
    value: bytes = ast.literal_eval(f'b"{word}"')
    return value


def one(fields: Fields, name: str) -> object:
    """Return the last value of a field; None where it is not there."""
    return next((value for each, value in reversed(fields) if each == name), None)


def every(fields: Fields, name: str) -> list[Fields]:
    """Return the messages of a field that may be there more than once."""
    return [value for each, value in fields if each == name and isinstance(value, list)]
