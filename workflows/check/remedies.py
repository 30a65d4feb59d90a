"""What to write instead of a value of the wrong kind: every finding of form ends in a remedy."""

import re
from collections.abc import Sequence
from typing import Any

_NO_SPACE = re.compile(r"(?P<key>[A-Za-z_][\w-]*):(?P<value>\S.*)\Z", re.DOTALL)
_YES = frozenset({"yes", "y", "on", "true", "1"})
_NO = frozenset({"no", "n", "off", "false", "0"})
_SHOWN_MAX = 40
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)"
_DAYS = re.compile(rf"{_DAY}\s*(?:-|to|till|until)\s*{_DAY}")
_BOUNDS = re.compile(r"(-?\d+)\s*(?:-|to|\.\.|/)\s*(-?\d+)")
_TIMES = re.compile(r"(?<![\d:])(?:[01]\d|2[0-4]):[0-5]\d(?![\d:])")


def instead_of(kind: str, value: Any, known: Sequence[str] = ()) -> str:  # noqa: ANN401
    """Return what to write where a value is of the wrong kind.

    Args:
        kind: pydantic's name of what is wrong, such as `list_type`.
        value: what stands there.
        known: the keys of the mapping that is needed.
    """
    if kind in ("list_type", "tuple_type"):
        return _list(value, known)
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return _mapping(value, known)
    if kind == "instant":
        return "year-month-dayThour:minute, of a day that there is"
    if kind.startswith("int_"):
        return _whole(value)
    if kind.startswith("bool"):
        return _truth(value)
    return _text(value)


def _list(value: Any, known: Sequence[str]) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        return _of_entries(value)
    if isinstance(value, bool):
        return "write [...], and in it the names that are meant"
    if list(known) == ["if", "steps"]:
        return 'write branches: "- if: ..." and below it "steps:"'
    shown = str(value)
    first, _, rest = shown.partition(" ")
    if first.rstrip(":") in known:
        return f'begin each entry with a dash: "- {first.rstrip(":")}: {rest or "..."}"'
    return _range(shown) or (
        f"write [{shown}]" if len(shown) <= _SHOWN_MAX else "write [...] around it"
    )


def _of_entries(value: dict[str, Any]) -> str:
    """Return what to write instead of a mapping where a list is needed."""
    times = [each for each in value.values() if _TIMES.fullmatch(str(each))]
    if len(times) == len(value) == 2:  # noqa: PLR2004 - from and to
        return f'write ["{times[0]}", "{times[1]}"]'
    first = str(next(iter(value), "key"))
    if first.startswith("-"):
        return f'a space is missing after the dash: write "- {first.lstrip("-").strip()}:"'
    return f'begin each entry with a dash: "- {first}: ..."'


def _range(text: str) -> str:
    """Return the list that a text with a beginning and an end means, '' for any other text."""
    times = _TIMES.findall(text)
    if times:
        return f'write ["{times[0]}", "{times[-1] if len(times) > 1 else "08:00"}"]'
    if days := _DAYS.fullmatch(text.lower()):
        begin, end = (_WEEK.index(day[:3]) for day in days.groups())
        return f"write [{', '.join(_WEEK[begin : end + 1])}]" if begin < end else "write [mon, tue]"
    bounds = _BOUNDS.fullmatch(text)
    return f"write [{bounds[1]}, {bounds[2]}]" if bounds else ""


def _mapping(value: Any, known: Sequence[str]) -> str:  # noqa: ANN401
    if isinstance(value, list):
        return "this is no list: leave out the dash, or the brackets"
    text = str(value)
    glued = _NO_SPACE.match(text)
    if glued and len(text) <= _SHOWN_MAX:
        return f'a space is missing after the colon: write "{glued["key"]}: {glued["value"]}"'
    if said := _one_entry(text, known):
        return said
    if known:
        return f"write its keys below it, further in: {', '.join(known[:6])}"
    return 'write "key: value"'


def _one_entry(text: str, known: Sequence[str]) -> str:
    """Return the entry that a text means where a mapping is needed, '' if nobody can tell."""
    first, _, rest = text.partition(" ")
    if first in known:
        return f'write "{first}: {rest or "..."}"'
    main = next((key for key in ("event", "template") if key in known), "")
    if main and "id" not in known and re.fullmatch(r"[\w.-]+", text):
        return f"write {{{main}: {text}}}, and what else it needs"
    return ""


def _whole(value: Any) -> str:  # noqa: ANN401
    text = str(value)
    if re.fullmatch(r"-?(?:0|[1-9][0-9]*)", text):
        return f"write {text} without quotes"
    if re.fullmatch(r"-?[0-9]+[.,][0-9]+", text):
        return "numbers are whole: write money in cents, a share in hundredths"
    return f'"{text}" is text: write digits, such as 3' if isinstance(value, str) else "write 3"


def _truth(value: Any) -> str:  # noqa: ANN401
    text = str(value).lower()
    if text in _YES or text in _NO:
        return f'write {"true" if text in _YES else "false"}: "{value}" is text here'
    return "write true or false"


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool | int):
        return "put it in quotes"
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"write {value[0]} without the brackets"
    return "write one text, in quotes if it begins with a bracket"


def limit(kind: str, context: dict[str, Any]) -> tuple[str, str]:
    """Return what is wrong with a number or a length out of bounds, and the remedy."""
    if kind == "too_long":
        most = context.get("max_length")
        here = context.get("actual_length")
        return f"at most {most} are allowed, here are {here}", "take some of them out"
    if kind == "too_short":
        return "this is empty; at least one is needed", "add one, or leave the key out"
    bound = context.get("ge", context.get("le"))
    if kind == "greater_than_equal":
        return f"at least {bound}", f"write {bound} or more"
    return f"at most {bound}", f"write {bound} or less"
