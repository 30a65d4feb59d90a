"""JSON Schemas of a programme's files: what an editor completes, explains and underlines.

Made from the models that the loader reads with, so that the two cannot disagree: what a schema
refuses, `vouch check` refuses. Names that a programme gives itself (classes, roles, templates)
are offered and not required, since a schema is only written when somebody asks for it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from workflows.check.structure import SPAN_KEYS
from workflows.definition import VERBS
from workflows.keys import KEYS
from workflows.loaded import Loaded

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The dialect that editors understand best."""

SPAN = (
    r"^(?:(?=\d)(?:\d+y)?(?:\d+mo)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?|\d+bd"
    r"|(?=\d)(?:\d+bh)?(?:\d+bm)?|P(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?"
    r"(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$"
)
TIME = r"^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$"
_NAMED: Mapping[str, str] = {
    "class": "classes", "kind": "kinds", "template": "templates", "thanks": "templates",
    "script": "templates", "to": "recipients", "endpoint": "endpoints", "by": "channels",
    "caps": "caps", "calendar": "calendars", "workflows": "workflows", "send": "templates",
}  # fmt: skip
_TYPED = frozenset({"event", "done_by", "reverse", "count", "type"})
"""Keys whose values are event types: those of the programme and no others."""
_ONE_OF = (VERBS, ("event", "schedule"), ("amount", "draw", "benefit"))
"""Keys of which exactly one is there."""


class _Generator(GenerateJsonSchema):
    """Makes the forms known that our validators take beside the models': a text, a bare number."""

    ignored_warning_kinds = frozenset({"non-serializable-default"})  # type: ignore[assignment]

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        name = getattr(schema["function"]["function"], "__name__", "")
        if name != "_literal":  # a text is the short form of a list, or of a mapping
            text: JsonSchemaValue = {"type": "string"}
            if name == "_wait":
                text["pattern"] = SPAN
            forms = [text, inner]
            if name == "_done_by":  # a list of types as well
                forms.insert(1, {"type": "array", "items": {"type": "string"}, "minItems": 1})
            return {"anyOf": forms}
        return {"type": ["string", "boolean", "integer"]}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def model_schema(
    model: type[BaseModel], title: str, names: Mapping[str, Iterable[str]], types: Iterable[str]
) -> dict[str, Any]:
    """Return the JSON Schema of a file that is read as `model`.

    Args:
        model: What reads it.
        title: What the file is.
        names: The programme's own names, by what they name; see `names_of`.
        types: Every event type and fact there is.
    """
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    known = {kind: sorted(set(found)) for kind, found in names.items()}
    finished = _finished(schema, known, sorted(types), "")
    finished["title"] = title
    return {"$schema": DIALECT, **finished}


def names_of(loaded: Loaded) -> dict[str, list[str]]:
    """Return the names that a programme gives: what an editor offers where one is needed."""
    policies = loaded.policies
    people = [*policies.staff, *policies.roles, *(f"queue.{name}" for name in policies.queues)]
    paths = ["contact", "referral.lead", "referral.referrer", "contact.owner", "account.owner"]
    return {
        "classes": [*policies.classes, "staff"],
        "kinds": [rung.kind for rung in policies.asks.ladder],
        "templates": [key.name for key in loaded.templates],
        "recipients": [*paths, "account.manager", "referrer.owner", *people],
        "endpoints": list(policies.endpoints),
        "channels": ["email", "sms"],
        "caps": list(policies.caps),
        "calendars": list(policies.calendars),
        "workflows": list(loaded.workflows),
    }


def _finished(
    schema: Any,  # noqa: ANN401 - any part of a schema
    names: Mapping[str, list[str]],
    types: list[str],
    key: str,
) -> Any:  # noqa: ANN401
    """Return a part of a schema with what pydantic does not know: meanings, names, patterns."""
    if isinstance(schema, list):
        return [_finished(item, names, types, key) for item in schema]
    if not isinstance(schema, dict):
        return schema
    done: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "properties":
            done[word] = {
                name: _property(name, _finished(part, names, types, name), names, types)
                for name, part in value.items()
            }
        elif word == "$defs":
            done[word] = {name: _finished(part, names, types, "") for name, part in value.items()}
        elif word not in ("title", "default"):
            done[_in_draft_7(word, schema)] = _finished(value, names, types, key)
    one = next((keys for keys in _ONE_OF if set(keys) <= set(done.get("properties", ()))), ())
    if one:
        done["oneOf"] = [{"required": [name]} for name in one]
    return done


def _in_draft_7(word: str, schema: Mapping[str, Any]) -> str:
    """Return a keyword as draft 7 has it; pydantic counts a text's letters for a list's items."""
    if word in ("minLength", "maxLength") and schema.get("type") != "string":
        return word.replace("Length", "Items")
    return "items" if word == "prefixItems" else word


def _property(
    name: str, schema: dict[str, Any], names: Mapping[str, list[str]], types: list[str]
) -> dict[str, Any]:
    schema = _told(name, schema, names, types)
    if name in KEYS:
        if "$ref" in schema:  # beside a $ref older editors read nothing
            schema = {"allOf": [schema]}
        schema = {**schema, "description": KEYS[name]}
    return schema


def _told(
    name: str, schema: dict[str, Any], names: Mapping[str, list[str]], types: list[str]
) -> dict[str, Any]:
    """Return a property's schema with what its texts can be."""
    if "anyOf" in schema:
        schema = {**schema, "anyOf": [_told(name, part, names, types) for part in schema["anyOf"]]}
    elif schema.get("type") == "array" and isinstance(schema.get("items"), list):
        schema = {**schema, "items": [_told(name, part, names, types) for part in schema["items"]]}
    elif schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        schema = {**schema, "items": _told(name, schema["items"], names, types)}
    elif schema.get("type") == "string" and "enum" not in schema and "pattern" not in schema:
        if name in _TYPED and types:
            schema = {**schema, "enum": types}
        elif name in _NAMED:
            schema = {"anyOf": [{"enum": names[_NAMED[name]]}, schema]}
        elif name == "secret":
            schema = {**schema, "pattern": "^env:"}
        elif name in SPAN_KEYS:
            schema = {**schema, "pattern": SPAN}
        elif name in ("slot", "quiet", "hours"):
            schema = {**schema, "pattern": TIME}
    return schema
