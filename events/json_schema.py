"""JSON Schema in and out: a programme's own event types, and the schemas we publish.

In: a documented subset becomes a pydantic model, so that own types are checked by the same
machine, with the same messages, as the catalogue's. The subset, and nothing else:

- everywhere: `type` (needed; `[string, "null"]` is a text or nothing), `title`, `description`,
  `examples`, `deprecated`, `$comment`; at the root also `$schema` and `$id`
- `object`: `properties`, `required`, `additionalProperties` (true or false)
- `array`: `items`, `minItems`, `maxItems`
- `string`: `enum`, `minLength`, `maxLength`, `format` (`date-time date email uri uuid`)
- `integer`: `enum`, `minimum`, `maximum`
- `boolean`
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import GenericAlias
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from events.errors import VouchError, did_you_mean
from events.refusals import shown
from events.values import (
    INTEGER_MAX,
    INTEGER_MIN,
    LIST_ITEMS_MAX,
    TEXT_CHARS_MAX,
    EventData,
    EventPart,
    Fields,
    check_day,
    parse_instant,
)

SCHEMA_DEPTH_MAX = 6
PROPERTIES_MAX = 100

_ANYWHERE = frozenset({"type", "title", "description", "examples", "deprecated", "$comment"})
_ROOT = frozenset({"$schema", "$id"})
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"enum", "minLength", "maxLength", "format"}),
    "integer": frozenset({"enum", "minimum", "maximum"}),
    "boolean": frozenset(),
}
_SIMPLE = {"integer": "int", "boolean": "bool", "array": "list", "string": "string"}


class SchemaError(VouchError):
    """A JSON Schema says something that the subset does not know.

    Attributes:
        field: Where in the schema, dotted (`properties.amount.minimun`).
    """

    code: ClassVar[str] = "event-schema"

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message, hint=hint)
        self.field = field
        self.problem = message

    def under(self, name: str) -> "SchemaError":
        """Return the same error with its place told from the type `name` on."""
        field = f"{name}.{self.field}" if self.field else name
        return SchemaError(self.problem, field=field, hint=self.hint)


class _ClosedData(EventData):
    model_config = ConfigDict(extra="forbid")


class _ClosedPart(EventPart):
    model_config = ConfigDict(extra="forbid")


def model_of(schema: object, *, name: str) -> type[EventData]:
    """Return the model that accepts what `schema` accepts.

    Beyond the schema, texts are bounded by `TEXT_CHARS_MAX` and lists by `LIST_ITEMS_MAX`,
    `account` is always allowed, and an optional property may be null.

    Raises:
        SchemaError: a keyword, type or value outside the subset, with its place.
    """
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise SchemaError(
            "the data of an event is an object", field="type", hint="write type: object"
        )
    _check_keywords(schema, "object", "", extra=_ROOT)
    base = EventData if _is_open(schema, "") else _ClosedData
    return create_model(name, __base__=base, **_properties(schema, "", 1))


def _type(schema: Any, path: str, depth: int) -> Any:  # noqa: ANN401  a type, built at run time
    """Return the type annotation for one schema."""
    if not isinstance(schema, Mapping):
        raise SchemaError("must be a schema", field=path, hint="such as {type: string}")
    if depth > SCHEMA_DEPTH_MAX:
        raise SchemaError(f"nested more than {SCHEMA_DEPTH_MAX} deep", field=path)
    kind, nullable = _kind(schema.get("type"))
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        hint = (
            "numbers are whole: integer" if kind == "number" else "one of " + ", ".join(_KEYWORDS)
        )
        raise SchemaError("unknown or missing type", field=f"{path}.type", hint=hint)
    _check_keywords(schema, kind, path)
    built = _BUILDERS[kind](schema, path, depth)
    return built | None if nullable else built


def _kind(given: object) -> tuple[object, bool]:
    """Return the one type that a schema names, and whether nothing will do as well."""
    match given:
        case [kind, "null"] | ["null", kind]:
            return kind, True
        case _:
            return given, False


def _object(schema: Mapping[str, Any], path: str, depth: int) -> Any:  # noqa: ANN401
    base = EventPart if _is_open(schema, path) else _ClosedPart
    return create_model(path, __base__=base, **_properties(schema, path, depth + 1))


def _array(schema: Mapping[str, Any], path: str, depth: int) -> Any:  # noqa: ANN401
    item = _type(schema["items"], f"{path}.items", depth + 1) if "items" in schema else Any
    least, most = _bounds(schema, path, "Items", LIST_ITEMS_MAX)
    return Annotated[GenericAlias(list, (item,)), Field(min_length=least, max_length=most)]


def _bounds(schema: Mapping[str, Any], path: str, of: str, most: int) -> tuple[int, int]:
    """Return the least and the greatest length, of a text or a list."""
    low = _whole(schema.get(f"min{of}", 0), f"{path}.min{of}", low=0, high=most)
    high = _whole(schema.get(f"max{of}", most), f"{path}.max{of}", low=0, high=most)
    if low > high:
        hint = f"at most max{of}, which is {high}"
        raise SchemaError("is above the greatest", field=f"{path}.min{of}", hint=hint)
    return low, high


def _string(schema: Mapping[str, Any], path: str, depth: int) -> Any:  # noqa: ANN401
    if "enum" in schema:
        return _enum(schema, path, str)
    least, longest = _bounds(schema, path, "Length", TEXT_CHARS_MAX)
    if "format" not in schema:
        return Annotated[str, Field(min_length=least, max_length=longest)]
    form = schema["format"]
    if not isinstance(form, str) or form not in _FORMATS:
        raise SchemaError("unknown format", field=f"{path}.format", hint=" ".join(_FORMATS))
    published = Field(min_length=least, max_length=longest, json_schema_extra={"format": form})
    return Annotated[str, published, AfterValidator(_FORMATS[form])]


def _integer(schema: Mapping[str, Any], path: str, depth: int) -> Any:  # noqa: ANN401
    if "enum" in schema:
        return _enum(schema, path, int)
    low = _whole(schema.get("minimum", INTEGER_MIN), f"{path}.minimum")
    high = _whole(schema.get("maximum", INTEGER_MAX), f"{path}.maximum")
    if low > high:
        hint = f"at most the maximum, which is {high}"
        raise SchemaError("is above the maximum", field=f"{path}.minimum", hint=hint)
    return Annotated[int, Field(ge=low, le=high)]


def _boolean(schema: Mapping[str, Any], path: str, depth: int) -> Any:  # noqa: ANN401
    return bool


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any], str, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
}


def _properties(schema: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
    """Return the fields for `create_model`, under made-up names: a property may be `class`."""
    prefix = f"{path}." if path else ""
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or not all(isinstance(key, str) for key in properties):
        raise SchemaError("must be a mapping of names to schemas", field=f"{prefix}properties")
    if len(properties) > PROPERTIES_MAX:
        raise SchemaError(f"at most {PROPERTIES_MAX} properties", field=f"{prefix}properties")
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(key, str) for key in required):
        raise SchemaError("must be a list of names", field=f"{prefix}required", hint="write [NAME]")
    for key in required:
        if key not in properties:
            hint = did_you_mean(key, list(properties))
            raise SchemaError(f'"{key}" is no property', field=f"{prefix}required", hint=hint)
    fields: dict[str, Any] = {}
    for index, (key, inner) in enumerate(properties.items()):
        kind = _type(inner, f"{prefix}properties.{key}", depth)
        name = "account" if key == "account" else f"field_{index}"
        fields[name] = (
            (kind, Field(alias=key)) if key in required else (kind | None, Field(None, alias=key))
        )
    return fields


def _check_keywords(
    schema: Mapping[str, Any], kind: str, path: str, *, extra: frozenset[str] = frozenset()
) -> None:
    allowed = _ANYWHERE | _KEYWORDS[kind] | extra
    for keyword in schema:
        if keyword not in allowed:
            field = f"{path}.{keyword}" if path else str(keyword)
            hint = did_you_mean(str(keyword), sorted(allowed))
            raise SchemaError(f"unknown keyword for {kind}", field=field, hint=hint)


def _is_open(schema: Mapping[str, Any], path: str) -> bool:
    match schema.get("additionalProperties", True):
        case bool(value):
            return value
        case _:
            field = f"{path}.additionalProperties" if path else "additionalProperties"
            raise SchemaError("must be true or false", field=field)


def _enum(schema: Mapping[str, Any], path: str, kind: type) -> Any:  # noqa: ANN401
    values = schema["enum"]
    if len(schema.keys() & {"minLength", "maxLength", "format", "minimum", "maximum"}):
        raise SchemaError("says everything: drop the bounds beside it", field=f"{path}.enum")
    if not isinstance(values, list) or not values or any(type(v) is not kind for v in values):
        word = {str: "texts", int: "whole numbers"}[kind]
        raise SchemaError(
            f"must be a list of {word}", field=f"{path}.enum", hint=f"of {word} alone"
        )
    return Annotated[kind, AfterValidator(partial(_one_of, values))]


def _whole(value: object, field: str, *, low: int = INTEGER_MIN, high: int = INTEGER_MAX) -> int:
    if type(value) is not int or not low <= value <= high:
        raise SchemaError(f"must be a whole number from {low} to {high}", field=field)
    return value


def _one_of(values: list[object], value: object) -> object:
    # Not a Literal: to that one, true is 1.
    if value not in values:
        msg = "must be one of " + ", ".join(shown(str(known)) for known in values)
        raise ValueError(msg)
    return value


def _instant(text: str) -> str:
    parse_instant(text)
    return text


def _address(text: str) -> str:
    name, _, host = text.rpartition("@")
    if not name or not host or any(char.isspace() for char in text):
        msg = "must be a mail address"
        raise ValueError(msg)
    return text


def _uri(text: str) -> str:
    if not _SCHEME.match(text):
        msg = "must be an address with its scheme, such as https://example.org"
        raise ValueError(msg)
    return text


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        msg = "must be a UUID"
        raise ValueError(msg)
    return text


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+\Z")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FORMATS: Mapping[str, Callable[[str], str]] = {
    "date-time": _instant, "date": check_day, "email": _address, "uri": _uri, "uuid": _uuid,
}  # fmt: skip


class _Published(GenerateJsonSchema):
    """Plain schemas: no generated titles, no `null` beside what is simply optional."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401  as the base has it
        return False


def schema_of(model: type[BaseModel], *, name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of `model` under the title `name`."""
    generated = model.model_json_schema(schema_generator=_Published)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated, "title": name}


def fields_of(schema: Mapping[str, Any]) -> Fields:
    """Return the simple types of a schema's properties, as conditions see them.

    A text is an `instant` only where the schema says `format: date-time`; a day stays `string`.
    """
    return _fields(schema, schema.get("$defs", {}))


def _fields(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Fields:
    return {key: _simple(inner, parts) for key, inner in schema.get("properties", {}).items()}


def _simple(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> "str | Fields":
    if "$ref" in schema:
        return _simple(parts[schema["$ref"].rpartition("/")[2]], parts)
    if schema.get("type") == "object":
        return _fields(schema, parts) if "properties" in schema else "dyn"
    if schema.get("format") == "date-time":
        return "instant"
    kind = str(_kind(schema.get("type", ""))[0])
    if kind == "array" and schema.get("items", {}).get("type", "string") != "string":
        return "items"
    return _SIMPLE.get(kind, "dyn")
