"""Checks data against a JSON Schema: the words that our schemas use, and no others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
    "null": type(None),
}  # fmt: skip
_KNOWN = frozenset(
    {
        "$schema", "$defs", "$ref", "$id", "title", "description", "type", "properties",
        "required", "additionalProperties", "propertyNames", "minProperties", "items",
        "minItems", "maxItems", "enum", "const", "pattern", "minLength", "maxLength",
        "minimum", "maximum", "format", "anyOf", "oneOf", "allOf", "examples", "default",
    }
)  # fmt: skip


def wrong(schema: Any, data: Any, root: Any = None, at: str = "") -> Iterator[str]:  # noqa: C901
    """Give where data is not as a schema has it; nothing if it is."""
    root = schema if root is None else root
    if isinstance(schema, bool):
        if not schema:
            yield at
        return
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from wrong(root["$defs"][name], data, root, at)
    if "type" in schema and not _is(data, schema["type"]):
        yield f"{at}: no {schema['type']}"
        return
    if "enum" in schema and data not in schema["enum"]:
        yield f"{at}: {data!r} is none of those"
    if isinstance(data, str) and not re.search(schema.get("pattern", ""), data):
        yield f"{at}: {data!r} is not of the pattern"
    if isinstance(data, dict):
        yield from _object(schema, data, root, at)
    if isinstance(data, list):
        yield from _list(schema, data, root, at)
    if isinstance(data, int) and not schema.get("minimum", data) <= data <= schema.get(
        "maximum", data
    ):
        yield f"{at}: out of bounds"
    for part in schema.get("allOf", ()):
        yield from wrong(part, data, root, at)
    for word in ("anyOf", "oneOf"):
        fits = [not list(wrong(part, data, root, at)) for part in schema.get(word, ())]
        if fits and (not any(fits) or (word == "oneOf" and sum(fits) > 1)):
            yield f"{at}: fits {sum(fits)} of {word}"


def _object(schema: Any, data: dict[str, Any], root: Any, at: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in data:
            yield f"{at}: no {name}"
    if len(data) < schema.get("minProperties", 0):
        yield f"{at}: too few"
    for name, value in data.items():
        below = properties.get(name, schema.get("additionalProperties", True))
        yield from wrong(below, value, root, f"{at}.{name}")


def _list(schema: Any, data: list[Any], root: Any, at: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data)):
        yield f"{at}: too few or many"
    items = schema.get("items", True)
    for number, value in enumerate(data):
        below = items[min(number, len(items) - 1)] if isinstance(items, list) else items
        yield from wrong(below, value, root, f"{at}[{number}]")


def _is(data: Any, types: str | list[str]) -> bool:
    return any(
        isinstance(data, _TYPES[name]) and (name == "boolean" or not isinstance(data, bool))
        for name in ([types] if isinstance(types, str) else types)
    )
