"""A value on one line, as lists on a terminal and pages for operators show it."""

from datetime import datetime

import orjson

CELL_MAX = 60
"""Characters of a value among others."""


def cell(value: object, *, bound: int = CELL_MAX) -> str:
    """Return a value as a table shows it: one line, instants in UTC, nothing for nothing.

    What people wrote cannot steer the terminal: control characters are replaced.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%MZ")
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        text = ", ".join(value)
    elif isinstance(value, (dict, list, tuple)):
        text = orjson.dumps(value).decode()
    else:
        text = " ".join(str(value).split())
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return cut(text, bound) if bound else text


def cut(text: str, width: int) -> str:
    """Return a text that is no longer than `width`, an ellipsis where something is missing."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
