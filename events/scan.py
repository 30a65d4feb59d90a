"""What no event may hold, whatever its type: one such value would fail a whole group commit."""

from typing import Any

from events.refusals import EventTooLargeError, InvalidFieldError, MalformedEventError, shown
from events.values import INTEGER_MAX, INTEGER_MIN

DATA_DEPTH_MAX = 20
"""Levels of mappings and lists in `data`, which itself is the first."""

_FLOAT_LIMIT = float(2**63)


def scan(event: dict[str, Any]) -> None:
    """Refuse NUL, lone surrogates, NaN, infinities, numbers beyond 64 bits, and deep nesting.

    Databases and CEL cannot hold them. Only what JSON knows passes: a datetime or a tuple made by
    a caller in Python is refused like any other stranger.

    Raises:
        InvalidFieldError: with the first such field.
        EventTooLargeError: a field nests deeper than `DATA_DEPTH_MAX`.
        MalformedEventError: a key is no string.
    """
    _mapping(event, "", -1)


def _mapping(mapping: dict[Any, Any], path: str, depth: int) -> None:
    for key, value in mapping.items():
        if type(key) is not str:
            raise MalformedEventError(f"{path or 'event'}: keys must be strings", field=path)
        if "\0" in key or not (key.isascii() or _is_unicode(key)):
            field = f"{path}.{shown(key)}" if path else shown(key)
            raise InvalidFieldError(
                f"{field}: the name holds a character that cannot be stored",
                field=field,
                hint="send names without NUL and without half a surrogate pair",
            )
        # Most values are short plain texts or small numbers: they pass without a call.
        kind = type(value)
        if kind is str:
            plain = "\0" not in value and value.isascii()
        else:
            plain = kind is int and INTEGER_MIN <= value <= INTEGER_MAX
        if not plain:
            _value(value, f"{path}.{shown(key)}" if path else key, depth + 1)


def _value(value: object, path: str, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _text(str(value), path)
    elif kind is dict or kind is list:
        if depth >= DATA_DEPTH_MAX:
            raise EventTooLargeError(
                f"{path}: nested more than {DATA_DEPTH_MAX} deep",
                field=path,
                hint="send the few fields that matter, flat",
            )
        if isinstance(value, dict):
            _mapping(value, path, depth)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                _value(item, f"{path}.{index}", depth + 1)
    elif kind is int or kind is float:
        _number(value, path)  # type: ignore[arg-type]  # told by `kind`
    elif value is not None and kind is not bool:
        raise InvalidFieldError(
            f"{path}: {kind.__name__} is nothing that JSON knows",
            field=path,
            hint="send text, whole numbers, true, false, lists and mappings",
        )


def _text(text: str, path: str) -> None:
    if "\0" in text:
        raise InvalidFieldError(
            f"{path}: holds a NUL character", field=path, hint="remove it before publishing"
        )
    if not _is_unicode(text):
        raise InvalidFieldError(
            f"{path}: holds half a surrogate pair",
            field=path,
            hint="send valid Unicode: both halves, or the character itself",
        )


def _number(number: float, path: str) -> None:
    if isinstance(number, int):
        fits = INTEGER_MIN <= number <= INTEGER_MAX
    else:
        fits = -_FLOAT_LIMIT < number < _FLOAT_LIMIT  # false for NaN and infinities
    if not fits:
        raise InvalidFieldError(
            f"{path}: must be a finite number of at most 64 bits",
            field=path,
            hint="send larger numbers as text",
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
