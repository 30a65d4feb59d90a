"""What a broken or an evil producer sends: JSON from a schema, spoiled here and there."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from hypothesis import strategies as st

Drawn: TypeAlias = st.SearchStrategy[Any]

MARK = "Qwxyzzy"
"""Stands in every text that somebody might have written: it is to turn up nowhere else."""

_ODD = (
    "", " ", "\0", "\ud800", "\udfff\ud83d", "\uffff", "\u202e", "\ufeff", "\x1f", "\r\nX: y",
    "'; DROP TABLE event; --", "{{ 7*7 }}", "${jndi:x}", "../../etc/passwd", "%00%0a", "NaN",
    "contact/", "contact//x", "contact/\0", "account/" + "a" * 300, "2027-02-30T00:00:00Z",
    "2027-06-14T09:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "İ" * 50,
    "e\u0301" * 300, "x" * 3_000, f"{MARK}@example.com", MARK,
)  # fmt: skip
_NUMBERS = (0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 0.1, -0.0, 1e308)


def _nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


texts: Drawn = st.sampled_from(_ODD) | st.text(max_size=20)
scalars: Drawn = (
    st.none() | st.booleans() | st.sampled_from(_NUMBERS) | st.integers() | texts
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
anything: Drawn = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
) | st.integers(1, 300).map(_nested)


def of_schema(schema: Any, document: Mapping[str, Any]) -> Drawn:  # noqa: C901, PLR0911 - a table
    """Return what fits a schema of an OpenAPI document, as far as its words say."""
    if "$ref" in schema:
        return of_schema(_found(schema["$ref"], document), document)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return st.one_of([of_schema(part, document) for part in schema[word]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _object(schema, document)
        case "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
            inner = of_schema(schema.get("items", {}), document)
            return st.lists(inner, min_size=least, max_size=max(least, most))
        case "integer" | "number":
            low = schema.get("minimum", -(2**63))
            return st.integers(low, max(low, schema.get("maximum", 2**63 - 1)))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return _string(schema)
        case _:
            return anything


def spoiled(value: Any) -> Drawn:
    """Return a value with one place of it replaced, left out, or with more beside it."""
    return st.deferred(lambda: _spoil(value))


def _spoil(value: Any) -> Drawn:
    if isinstance(value, dict) and value:
        names = st.sampled_from(sorted(value))
        return st.one_of(
            names.map(lambda name: {key: each for key, each in value.items() if key != name}),
            names.flatmap(lambda name: spoiled(value[name]).map(lambda new: {**value, name: new})),
            st.tuples(texts, anything).map(lambda pair: {**value, pair[0]: pair[1]}),
            anything,
        )
    if isinstance(value, list) and value:
        return st.one_of(
            spoiled(value[0]).map(lambda new: [new, *value[1:]]), st.just(value * 2), anything
        )
    return anything


def _found(reference: str, document: Mapping[str, Any]) -> Any:
    here: Any = document
    for part in reference.removeprefix("#/").split("/"):
        here = here[part]
    return here


def _object(schema: Any, document: Mapping[str, Any]) -> Drawn:
    named = {name: of_schema(part, document) for name, part in schema.get("properties", {}).items()}
    needed = {name: named.pop(name, anything) for name in schema.get("required", ())}
    if not named and not needed:
        return st.dictionaries(st.sampled_from(["a", "b", "c"]), scalars, max_size=3)
    return st.fixed_dictionaries(needed, optional=named)


def _string(schema: Any) -> Drawn:
    if schema.get("format") == "date-time":
        return st.sampled_from(["2027-06-14T08:00:00Z", "2026-02-01T00:00:00+14:00"])
    if schema.get("format") == "date":
        return st.sampled_from(["2027-06-14", "2024-02-29"])
    if "email" in schema.get("format", ""):
        return st.just(f"{MARK}@example.com")
    least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=False).filter(
            lambda text: least <= len(text) <= most
        )
    odd = [text for text in _ODD if least <= len(text) <= most]
    return st.sampled_from(odd) | st.text(min_size=least, max_size=max(least, min(most, 20)))
