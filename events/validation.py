"""Pydantic's findings in our words: the field, what is wrong with it, what would be right."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from events.refusals import EventError, InvalidFieldError, MissingFieldError, shown
from events.values import NAME_CHARS_MAX

_COMPARED_MAX = 50  # names looked at for a typing error: comparing is slow, and anybody can send

_WORDS: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "send it without quotes and without a fraction"),
    "bool_type": ("must be true or false", "send it without quotes"),
    "list_type": ("must be a list", "put it in brackets"),
    "dict_type": ("must be a mapping", "send an object with named fields"),
    "model_type": ("must be a mapping", "send an object with named fields"),
    "string_too_long": ("must have at most {max_length} characters", "shorten it"),
    "string_too_short": ("must not be empty", "fill it, or leave it out if it is optional"),
    "too_long": ("must have at most {max_length} items", "send fewer"),
    "greater_than_equal": ("must be at least {ge}", ""),
    "less_than_equal": ("must be at most {le}", ""),
    "literal_error": ("must be {expected}", ""),
    "extra_forbidden": ("is no field of this type", "remove it, or add it to the type's schema"),
}


def refusal(
    details: Sequence[ErrorDetails], given: Mapping[str, Any], of: str, *, prefix: str = "data"
) -> EventError:
    """Return the error for the first of pydantic's findings.

    Args:
        details: What `ValidationError.errors()` says; at least one.
        given: What was validated: a field misspelt in it explains one that is missing.
        of: What needs the field, for the message.
        prefix: Where `given` stands in the event; empty for the event itself.
    """
    detail = details[0]
    loc = [shown(str(part)) for part in detail["loc"]]
    field = ".".join([prefix, *loc] if prefix else loc) or "event"
    if detail["type"] == "missing" or (detail["input"] is None and detail["type"] != "value_error"):
        return MissingFieldError(
            f"{field}: missing, {of} needs it", field=field, hint=_misspelt(detail, given)
        )
    words, hint = _said(detail)
    return InvalidFieldError(f"{field}: {words}", field=field, hint=hint)


def _said(detail: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong, and what would be right."""
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"]), ""
    if detail["type"] in _WORDS:
        words, hint = _WORDS[detail["type"]]
        return words.format(**context), hint
    return detail["msg"], ""


def is_whole_float(detail: ErrorDetails) -> bool:
    """Tell whether a finding is only about `9.0` where a whole number belongs."""
    value = detail["input"]
    return detail["type"] == "int_type" and isinstance(value, float) and value.is_integer()


def _misspelt(detail: ErrorDetails, given: Mapping[str, Any]) -> str:
    if detail["type"] != "missing":
        return "send a value, null is none"
    *path, last = detail["loc"]
    around: Any = given
    for part in path:
        around = around[part]
    names = [name for name in around if len(name) <= NAME_CHARS_MAX][:_COMPARED_MAX]
    close = get_close_matches(str(last), names, n=1)
    return f'is "{shown(close[0])}" meant to be it?' if close else "send it with the event"
