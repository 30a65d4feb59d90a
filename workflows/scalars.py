"""Where each character of a YAML scalar's value stands in the text that spells it.

An error at offset 17 of an expression must be shown in the file, where the expression may be
quoted, escaped, or folded over several lines.
"""

from collections.abc import Iterator

_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


def offsets_of(source: str, value: str, style: str) -> list[int]:
    """Return the index in `source` of every character of `value`, and of its end.

    Args:
        source: the scalar as the file spells it, quotes or `>-` included.
        value: what YAML makes of it.
        style: `'`, `"`, `|`, `>`, or '' for a plain scalar.

    >>> offsets_of("'it''s'", "it's", "'")
    [1, 2, 3, 5, 6]
    """
    units = _quoted(source) if style == '"' else _unquoted(source, style)
    return _align(list(units), value, len(source))


def _align(units: list[tuple[int, str]], value: str, size: int) -> list[int]:
    """Match the value to the source's units, whose white space YAML may have folded."""
    places: list[int] = []
    at = 0
    for char in value:
        if not char.isspace():
            while at < len(units) and units[at][1].isspace():
                at += 1
        places.append(units[at][0] if at < len(units) else max(size - 1, 0))
        if at < len(units) and (not char.isspace() or units[at][1].isspace()):
            at += 1
    while at < len(units) and units[at][1].isspace() and places:
        at += 1
    places.append(_after(units, at, places, size))
    return places


def _after(units: list[tuple[int, str]], at: int, places: list[int], size: int) -> int:
    if at < len(units):
        return units[at][0]
    return min(places[-1] + 1, size) if places else 0


def _unquoted(source: str, style: str) -> Iterator[tuple[int, str]]:
    start = 0
    if style in ("|", ">"):
        start = source.find("\n") + 1 or len(source)
    elif style == "'":
        start = 1
    index = start
    while index < len(source):
        yield index, source[index]
        doubled = style == "'" and source.startswith("''", index)
        index += 2 if doubled else 1


def _quoted(source: str) -> Iterator[tuple[int, str]]:
    index = 1
    while index < len(source):
        if source[index] != "\\":
            yield index, source[index]
            index += 1
            continue
        escape = source[index + 1 : index + 2]
        width = 2 + _ESCAPE_DIGITS.get(escape, 0)
        if escape in ("\n", "\r"):
            yield index, "\n"  # a line continued: nothing of it is in the value
        elif escape in "nrtvfLNP_ ":
            yield index, " "
        else:
            yield index, escape if escape in '"\\/' else "x"
        index += width
