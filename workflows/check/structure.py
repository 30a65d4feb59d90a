"""The form of a file: pydantic's errors said in the words of the file, at their place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from events.errors import did_you_mean
from workflows.check.choices import is_no_choice, without_tags
from workflows.check.findings import Finding
from workflows.check.misplaced import Misplaced, key_help, meant, misplaced, moved, part_of
from workflows.check.other_words import MEANT
from workflows.check.remedies import instead_of, limit
from workflows.yaml_document import Document, Loc

M = TypeVar("M", bound=BaseModel)

SPAN_KEYS = frozenset(
    {
        "within", "every", "after", "cooldown", "collect", "due", "hold", "wait", "for", "defer",
        "retry", "snooze", "valid", "park", "declined", "answered", "silent", "winback",
    }
)  # fmt: skip
_PLACE = {
    "list_type": "a list is needed here",
    "tuple_type": "a list is needed here",
    "dict_type": "a mapping is needed here",
    "model_type": "a mapping is needed here",
    "int_type": "a whole number is needed here",
    "int_parsing": "a whole number is needed here",
    "int_from_float": "a whole number is needed here",
    "bool_type": "true or false is needed here",
    "bool_parsing": "true or false is needed here",
}
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """What a file says.

    Attributes:
        model: None where it is not known enough to be looked at.
        findings: Everything that is wrong with its form.
        whole: Whether the model has all that was written, misspelt keys under their right name.
    """

    model: M | None
    findings: list[Finding]
    whole: bool = False


def read_model(
    model: type[M],
    document: Document,
    data: Any,  # noqa: ANN401  whatever the file holds
    at: Loc = (),
) -> Read[M]:
    """Return `data` as a model, and everything that is wrong with its form.

    `at` is where `data` stands in the document. Values are taken as they are written: the
    string "3" is no number, `yes` is not true. Where nothing is wrong but keys misspelt or too
    many and numbers instead of text, there is a model all the same, so that the rest of the
    file can be looked at as well.
    """
    try:
        return Read(model.model_validate_json(json.dumps(data), strict=True), [], whole=True)
    except ValidationError as error:
        errors = [without_tags(data, each) for each in error.errors(include_url=False)]
    elsewhere = _misplaced(model, data, errors)
    findings = _findings(model, document, errors, tuple(at), elsewhere)
    spots = {(found.line, found.column) for found in document.findings}
    findings = [found for found in findings if (found.line, found.column) not in spots]
    misspelt = _misspelt(model, data, errors, elsewhere)
    if misspelt:
        inner = read_model(model, document, _renamed(data, document, at, misspelt), at)
        if inner.model is not None:
            told = {(found.line, found.column) for found in findings}
            more = [found for found in inner.findings if (found.line, found.column) not in told]
            return Read(inner.model, findings + more, whole=inner.whole)
    try:
        mended = _mended(data, errors, elsewhere)
        made = model.model_validate_json(json.dumps(mended), strict=True)
    except ValidationError:
        return Read(None, findings)
    unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    document.lacking |= {(*at, *loc[:-1]) for loc in unknown}
    return Read(made, findings, whole=not unknown)


def _misspelt(
    model: type[BaseModel],
    data: Any,  # noqa: ANN401
    errors: list[ErrorDetails],
    elsewhere: Mapping[Loc, Misplaced],
) -> dict[Loc, str]:
    """Return by place the keys that are meant by unknown ones, where nothing else is near."""
    found: dict[Loc, str] = {}
    for error in errors:
        loc = error["loc"]
        if error["type"] == "extra_forbidden" and loc not in elsewhere:
            beside = part_of(data, loc[:-1])
            if not isinstance(beside, dict):
                continue
            taken = {name for at, name in found.items() if at[:-1] == loc[:-1]}
            free = set(_keys_at(model, loc[:-1])) - set(beside) - taken
            name = meant(str(loc[-1]), sorted(free), _owners(model))
            if name:
                found[loc] = name
    return found


def _misplaced(
    model: type[BaseModel],
    data: Any,  # noqa: ANN401
    errors: list[ErrorDetails],
) -> dict[Loc, Misplaced]:
    """Return the unknown keys that are known a level further in or out."""
    unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    found = {loc: misplaced(data, loc, lambda at: _keys_at(model, at)) for loc in unknown}
    return {loc: place for loc, place in found.items() if place}


def _renamed(
    data: Any,  # noqa: ANN401
    document: Document,
    at: Loc,
    names: Mapping[Loc, str],
) -> Any:  # noqa: ANN401
    """Return a copy with the names that are meant, and let their places be found by them."""
    renamed = json.loads(json.dumps(data))
    for loc, name in names.items():
        document.called((*at, *loc), name)
        beside = part_of(renamed, tuple(loc[:-1]))
        beside[name] = beside.pop(str(loc[-1]))
    return renamed


def _mended(
    data: Any,  # noqa: ANN401
    errors: list[ErrorDetails],
    elsewhere: Mapping[Loc, Misplaced],
) -> Any:  # noqa: ANN401
    """Return a copy without the keys that are unknown, and with text for numbers."""
    mended = json.loads(json.dumps(data))
    for error in errors:
        loc = error["loc"]
        inside, last = part_of(mended, loc[:-1]), loc[-1:]
        value = part_of(inside, last)
        if error["type"] == "extra_forbidden" and isinstance(inside, dict):
            if loc in elsewhere:
                moved(mended, loc, elsewhere[loc].to)
            inside.pop(str(last[0]), None)
        elif error["type"] == "string_type" and isinstance(value, bool | int) and inside:
            inside[last[0]] = str(value)
    return mended


def _findings(
    model: type[BaseModel],
    document: Document,
    errors: list[ErrorDetails],
    at: tuple[str | int, ...],
    elsewhere: Mapping[Loc, Misplaced],
) -> list[Finding]:
    found: dict[tuple[int, int], Finding] = {}
    told = [error for error in errors if not _is_misspelt(error, errors)]
    told = [error for error in told if not is_no_choice(error, errors)]
    told = [error for error in told if not _only_seems_short(error, errors)]
    told = [error for error in told if not _is_told_of(error, elsewhere)]
    for error in sorted(told, key=lambda e: _weight(document, e, at)):
        if error["loc"] in elsewhere:
            place = elsewhere[error["loc"]]
            spot = document.key_position((*at, *error["loc"]))
            finding = document.finding("V010", spot, place.message, place.help)
        else:
            finding = _finding(model, document, error, at)
        found.setdefault((finding.line, finding.column), finding)
    return list(found.values())


def _is_told_of(error: ErrorDetails, elsewhere: Mapping[Loc, Misplaced]) -> bool:
    """Return whether an error follows from a key in the wrong place, or is one more of them."""
    loc = error["loc"]
    if error["type"] == "missing":
        return any(place.to == loc[:-1] and at[-1] == loc[-1] for at, place in elsewhere.items())
    if loc not in elsewhere:
        return any(place.to == loc for place in elsewhere.values())
    first = next(at for at, place in elsewhere.items() if place.to == elsewhere[loc].to)
    return loc[:-1] == first[:-1] and loc != first


def _is_misspelt(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Return whether a key is missing because it is there misspelt, which is told already."""
    *parent, name = error["loc"] or ("",)
    beside = [e["loc"] for e in errors if e["type"] == "extra_forbidden"]
    unknown = [str(loc[-1]) for loc in beside if list(loc[:-1]) == parent]
    if error["type"] != "missing":
        return False
    near = get_close_matches(str(name), unknown, n=1)
    return bool(near) or any(str(name) in MEANT.get(each, ()) for each in unknown)


def _only_seems_short(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Return whether a list is too short only because an item that is wrong was left out."""
    loc = error["loc"]
    inside = (other["loc"] for other in errors if len(other["loc"]) > len(loc))
    return error["type"] == "too_short" and any(other[: len(loc)] == loc for other in inside)


def _weight(document: Document, error: ErrorDetails, at: tuple[str | int, ...]) -> int:
    """Put what a union's other choice complains about behind what fits the value written."""
    node, _ = document.node((*at, *error["loc"]))
    value = node.data if node else None
    if error["type"] == "string_type" and isinstance(value, dict | list):
        return 1
    return int(error["type"] in ("tuple_type", "list_type", "model_type") and value is not None)


def _finding(
    model: type[BaseModel], document: Document, error: ErrorDetails, at: tuple[str | int, ...]
) -> Finding:
    loc = (*at, *error["loc"])
    name = error["loc"][-1] if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = _keys_at(model, error["loc"][:-1])
        message = f'unknown key "{name}"'
        help_ = key_help(str(name), known, _owners(model))
        return document.finding("V010", document.key_position(loc), message, help_)
    if error["type"] == "missing":
        spot = document.key_position(loc[:-1]) if loc[:-1] else document.position(())
        if isinstance(name, int):
            message = f"{name + 1} values are needed here"
            return document.finding("V013", spot, message, "write them in [ ], a comma between")
        message = f'the key "{name}" is missing here'
        return document.finding("V011", spot, message, f"add {name}: ...")
    return _wrong_value(document, error, loc, _keys_at(model, error["loc"]))


_SHAPES = {
    "logo": "an https address, such as https://www.acme.example/logo.svg",
    "free": "a domain, such as kabel.example",
    "disposable": "a domain, such as weg.example",
}
"""What a text looks like, by its key."""


def _wrong_value(document: Document, error: ErrorDetails, loc: Loc, known: list[str]) -> Finding:
    node, found = document.node(loc)
    value = node.data if node else None
    kind = error["type"]
    key = next((part for part in reversed(loc) if isinstance(part, str) and part[:1].islower()), "")
    spot = document.position(loc)
    if found and value is None:
        help_ = "write it, or leave the key out"
        return document.finding(
            "V013", document.key_position(loc), "a value is missing here", help_
        )
    if kind == "literal_error":
        texts = [
            text for text in _QUOTED.findall(str(error.get("ctx", {}).get("expected", ""))) if text
        ]
        message, help_ = f'"{value}" is not possible here', did_you_mean(str(value), texts)
        if isinstance(value, dict | list):
            message, help_ = "one word is needed here", f"known: {', '.join(texts)}"
        return document.finding("V014", spot, message, help_)
    if kind == "string_pattern_mismatch":
        help_ = "give " + _SHAPES.get(key, "another text")
        return document.finding("V014", spot, f'"{value}" is not possible here', help_)
    if kind in ("too_long", "too_short", "greater_than_equal", "less_than_equal"):
        message, help_ = limit(kind, error.get("ctx", {}))
        return document.finding("V015", document.key_position(loc), message, help_)
    if isinstance(value, int) and not isinstance(value, bool) and key in SPAN_KEYS:
        help_ = f"a bare number has no unit: {value}h is hours, {value}d days, {value}mo months"
        return document.finding("V030", spot, f'"{value}" is not a span', help_)
    what = "text is needed here" if kind == "string_type" else _PLACE.get(kind, error["msg"])
    return document.finding("V013", spot, what, instead_of(kind, value, known))


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are known where `loc` leads, by walking the models' annotations."""
    here: set[Any] = {model}
    for part in loc:
        step: set[Any] = set()
        for kind in here:
            step |= _inner(kind, part)
        here = step or here
    return sorted({key for kind in here for key in _keys(kind)})


@lru_cache
def _owners(model: type[BaseModel]) -> dict[str, list[str]]:
    """Return, by key, the keys of the mappings inside a model that it is a key of."""
    owners: dict[str, list[str]] = {}
    pending, seen = [("", model)], {model}
    while pending:
        name, kind = pending.pop(0)
        for inner, field in kind.model_fields.items():
            key = field.alias or inner
            if name and name not in owners.setdefault(key, []):
                owners[key].append(name)
            for below in _models(field.annotation) - seen:
                seen.add(below)
                pending.append((key, below))
    return owners


def _keys(kind: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]


def _inner(kind: type[BaseModel], part: str | int) -> set[Any]:
    for name, field in kind.model_fields.items():
        if part == (field.alias or name):
            return _models(field.annotation)
    return set()


def _models(annotation: object) -> set[Any]:
    """Return the models an annotation holds, inside lists, mappings and choices."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict, list):
        return set().union(*(_models(argument) for argument in get_args(annotation)))
    return set()
