"""Writes what an editor needs to help with a programme: JSON Schemas, and the line that names them.

`.schema/` lies in the programme's folder and can be made anew at any time; it is no part of the
programme.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from events.catalogue import Catalogue
from workers.scenarios.form import Scenario
from workers.scenarios.sections import METRICS, ROWS, Kind
from workflows.check.sources import catalogue_of
from workflows.definition import Workflow
from workflows.editor import DIALECT, model_schema, names_of
from workflows.folder import file_name
from workflows.loaded import Loaded
from workflows.policies import Policies, Source
from workflows.scopes import Scopes

FOLDER = ".schema"
_OF_A_ROOT = frozenset({"$schema", "$id", "$defs"})
_MODELINE = "# yaml-language-server: $schema="

_KINDS: Mapping[Kind, list[str]] = {
    "at": ["string"],
    "text": ["string", "integer"],
    "int": ["integer"],
    "bool": ["boolean"],
    "map": ["object"],
    "list": ["array"],
}


def schemas(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of a programme's files by name, and of the events it takes."""
    catalogue, _ = catalogue_of(loaded)
    types = Scopes(loaded.policies, catalogue).types
    names = names_of(loaded)
    return {
        "programme": model_schema(Policies, "programme.yaml: the policies", names, types),
        "workflow": model_schema(Workflow, "A workflow", names, types),
        "source": model_schema(Source, "A source of webhooks", names, catalogue.types),
        "scenario": _scenario(model_schema(Scenario, "A scenario", names, ())),
        "event": _own_type(),
        "events": _events(catalogue),
    }


def write_schemas(folder: Path, loaded: Loaded) -> list[Path]:
    """Write the schemas below a programme's folder; return where they are."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    written = []
    for name, schema in schemas(loaded).items():
        path = place / f"{name}.json"
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=1) + "\n")
        written.append(path)
    return written


def add_modelines(folder: Path) -> None:
    """Put the line by which editors find the schema first in every YAML file that lacks one."""
    for path in sorted(folder.rglob("*.yaml")):
        name = file_name(path.relative_to(folder).as_posix())
        if name is None:
            continue
        up = "../" * (len(path.relative_to(folder).parts) - 1)
        line = f"{_MODELINE}{up}{FOLDER}/{name.kind}.json"
        text = path.read_text()
        first, _, rest = text.partition("\n")
        if first.startswith(_MODELINE) and FOLDER in first:
            text = rest  # one that leads elsewhere is as good as none
        if first != line:
            path.write_text(f"{line}\n{text}")


def _scenario(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of scenarios with the sections of `expect` and their rows."""
    sections: dict[str, Any] = {
        section: {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: _field(kind) for name, kind in fields.items()},
                "additionalProperties": False,
            },
        }
        for section, fields in ROWS.items()
    }
    sections["contacts"] = {"type": "array", "items": {"type": "object", "required": ["contact"]}}
    sections["metrics"] = {
        "type": "object",
        "properties": {name: {"type": ["integer", "string", "null"]} for name in METRICS},
        "additionalProperties": False,
    }
    told = schema["properties"]["expect"].get("description", "")
    expect = {
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "minProperties": 1,
        "description": told,
    }
    return {**schema, "properties": {**schema["properties"], "expect": expect}}


def _field(kind: Kind) -> dict[str, Any]:
    return {} if kind == "any" else {"type": [*_KINDS[kind], "null"]}


def _own_type() -> dict[str, Any]:
    """Return the schema of `events/TYPE.yaml`: the part of JSON Schema that types may use."""
    words = {"type": "string"}
    field = {
        "type": "object",
        "properties": {
            "type": {"enum": ["string", "integer", "boolean", "array", "object"]},
            "title": words,
            "description": words,
            "enum": {"type": "array", "minItems": 1},
            "maxLength": {"type": "integer"},
            "format": {"enum": ["date-time"]},
            "minimum": {"type": "integer"},
            "maximum": {"type": "integer"},
            "items": {"$ref": "#/$defs/field"},
            "properties": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/field"},
            },
            "required": {"type": "array", "items": words},
            "additionalProperties": {"type": "boolean"},
        },
        "required": ["type"],
        "additionalProperties": False,
    }
    root = {**field["properties"], "$schema": words, "$id": words, "type": {"enum": ["object"]}}  # type: ignore[dict-item]
    return {
        "$schema": DIALECT,
        "title": "An event type of your own",
        "type": "object",
        "properties": root,
        "additionalProperties": False,
        "$defs": {"field": field},
    }


def _events(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of an event as this programme takes it: a CloudEvent of a known type."""
    parts: dict[str, Any] = {}
    kinds = []
    for name, schema in catalogue.schemas().items():
        parts |= schema.get("$defs", {})
        about = catalogue.entry(name).about
        data = {"type": {"enum": [name]}, "data": _plain(schema)}
        kinds.append({"properties": data, "description": about})
    words = {"type": "string"}
    return {
        "$schema": DIALECT,
        "title": "An event of this programme",
        "type": "object",
        "properties": {
            "specversion": {"enum": ["1.0"]},
            "id": words,
            "source": words,
            "type": {"enum": sorted(catalogue.types)},
            "subject": words,
            "time": words,
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "source", "type"],
        "anyOf": kinds,
        "$defs": parts,
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in _OF_A_ROOT}
