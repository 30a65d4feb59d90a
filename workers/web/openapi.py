"""The description of the HTTP interface, exact: made from the catalogue that intake checks by."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from events.catalogue import Catalogue, EventType
from events.content_modes import BATCH_BYTES_MAX, BATCH_EVENTS_MAX
from events.envelope import EVENT_BYTES_MAX, SUBJECT_CHARS_MAX
from events.values import ID_CHARS_MAX
from workers.arrivals import BY_CODE, BY_KEY, NATURAL_KEY_BYTES_MAX, REVIEWS
from workers.web.wire import JsonResponse

VERSION: Final = "1"

_SCHEMAS: Final = "#/components/schemas/"
_SINGLE: Final = "application/cloudevents+json"
_BATCH: Final = "application/cloudevents-batch+json"
_JSON_TYPE: Final = r"^(application|text)/json( *;.*)?$|^[^;]+\+json( *;.*)?$"


class OpenApi:
    """`/openapi.json`, made anew when another programme is applied."""

    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        self._catalogue = catalogue
        self._made: tuple[Catalogue, dict[str, Any]] | None = None

    async def get(self, request: Request) -> Response:
        """Answer with the description."""
        catalogue = self._catalogue()
        if self._made is None or self._made[0] is not catalogue:
            self._made = (catalogue, await asyncio.to_thread(openapi, catalogue))
        return JsonResponse(self._made[1])


def openapi(catalogue: Catalogue) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the HTTP interface with these event types."""
    schemas = _schemas(catalogue)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vouch",
            "version": VERSION,
            "description": "Publish what happens at your customers, as CloudEvents 1.0.",
        },
        "paths": {
            "/events": {"post": _post_events()},
            "/sources/{name}": {"post": _post_source()},
            "/healthz": {"get": _get("healthz", "Whether the process lives.", {"200": "It does."})},
            "/readyz": {
                "get": _get(
                    "readyz",
                    "Whether requests can be served.",
                    {"200": "They can.", "503": "They cannot: `checks` says why."},
                )
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, made by `vouch keys add`.",
                }
            },
        },
    }


def _post_events() -> dict[str, Any]:
    event = {"$ref": f"{_SCHEMAS}Event"}
    batch = {"type": "array", "items": event, "maxItems": BATCH_EVENTS_MAX}
    return {
        "operationId": "publishEvents",
        "summary": "Publish one event or a batch; answered after the commit.",
        "description": (
            f"Structured, batch or binary (`ce-` headers, data as JSON body). An event has at "
            f"most {EVENT_BYTES_MAX} bytes, a batch {BATCH_EVENTS_MAX} events and "
            f"{BATCH_BYTES_MAX} bytes. Sending the same event again is safe."
        ),
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                _SINGLE: {"schema": event},
                _BATCH: {"schema": batch},
                "application/json": {"schema": {"anyOf": [event, batch, {"type": "object"}]}},
            },
        },
        "responses": _responses("403", "429"),
    }


def _post_source() -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "receiveWebhook",
        "summary": "Receive a vendor's webhook, signed as the programme's source says.",
        "parameters": [name],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": _responses("404", "429"),
    }


_MEANINGS: Final[Mapping[str, str]] = {
    "400": "Not parseable.",
    "401": "No valid key, or a signature that does not fit.",
    "403": "The key may not publish this source or type.",
    "404": "There is no such source.",
    "408": "The rest of the request did not come in time.",
    "413": "More bytes or events than are taken.",
    "415": "A content type or an encoding that is not read.",
    "422": "The event is not accepted; `field` says where it is wrong.",
    "431": "Address and headers are too long, or too many.",
    "429": "Too much waits to be handled: come back after `Retry-After` seconds.",
    "500": "A mistake of ours.",
    "503": "Nothing was stored: come back after `Retry-After` seconds.",
}

_ALWAYS: Final = ("400", "401", "408", "413", "415", "422", "431", "500", "503")


def _responses(*more: str) -> dict[str, Any]:
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    failed = {
        status: {"description": _MEANINGS[status], "content": _content("Error")}
        | ({"headers": retry} if status in {"429", "503"} else {})
        for status in sorted((*_ALWAYS, *more))
    }
    committed = {"description": "Committed; a verdict an event.", "content": _content("Verdicts")}
    return {"202": committed, **failed}


def _get(operation: str, summary: str, answers: Mapping[str, str]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {
            status: {"description": text, "content": content} for status, text in answers.items()
        },
    }


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _SCHEMAS + schema}}}


def _schemas(catalogue: Catalogue) -> dict[str, Any]:
    named: dict[str, Any] = {"Error": _ERROR, "Verdict": _VERDICT, "Verdicts": _VERDICTS}
    events = []
    for name, schema in catalogue.schemas().items():
        parts = schema.pop("$defs", {})
        schema.pop("$schema", None)
        for part, inner in parts.items():
            named[f"{name}.{part}"] = _relocated(inner, name)
        named[f"{name}.data"] = _relocated(schema, name)
        named[name] = _event(name, catalogue)
        events.append({"$ref": _SCHEMAS + name})
    named["Event"] = {
        "oneOf": events,
        "discriminator": {
            "propertyName": "type",
            "mapping": {name: _SCHEMAS + name for name in catalogue.types},
        },
    }
    return named


def _relocated(schema: Any, name: str) -> Any:  # noqa: ANN401
    """Return a schema whose references point into the document instead of into itself."""
    if isinstance(schema, dict):
        return {
            key: f"{_SCHEMAS}{name}.{value.removeprefix('#/$defs/')}"
            if key == "$ref" and isinstance(value, str)
            else _relocated(value, name)
            for key, value in schema.items()
        }
    return [_relocated(item, name) for item in schema] if isinstance(schema, list) else schema


def _event(name: str, catalogue: Catalogue) -> dict[str, Any]:
    entry = catalogue.entry(name)
    identifier = {"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX}
    needed = ["specversion", "id", "source", "type"]
    needed += ["subject"] if entry.model.NEEDS_CONTACT else []
    needed += ["data"] if entry.required else []
    return {
        "type": "object",
        "description": entry.about,
        "required": needed,
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**identifier, "description": "With `source` it names the delivery."},
            "source": identifier,
            "type": {"const": name},
            "time": {"type": "string", "format": "date-time", "description": "When it happened."},
            "subject": {
                "type": "string",
                "pattern": "^contact/.+" if entry.model.NEEDS_CONTACT else "^(contact|account)/.+",
                "maxLength": SUBJECT_CHARS_MAX,
                "description": "Whom it concerns.",
            },
            "naturalkey": {
                "type": "string",
                "maxLength": NATURAL_KEY_BYTES_MAX // 3,
                "description": "Names the business fact, so that it counts once.",
            },
            "datacontenttype": {"type": "string", "pattern": _JSON_TYPE},
            "data": {"$ref": f"{_SCHEMAS}{name}.data"},
        },
        **_concerned(name, entry),
    }


def _concerned(name: str, entry: EventType) -> dict[str, Any]:
    """Return what says whom an event concerns that may do without a subject; as intake has it."""
    contact = {"required": ["subject"], "properties": {"subject": {"pattern": "^contact/.+"}}}
    if entry.model.NEEDS_CONTACT or name == "improvement.announced":
        return {}
    if name in BY_CODE:
        return {"anyOf": [contact, _naming("code", {"minLength": 1})]}
    if name in REVIEWS:
        return {"anyOf": [contact, _naming("referral", {"not": {"pattern": "^r-"}})]}
    if "lead" in entry.required or name.startswith(tuple(f"{key}." for key in BY_KEY)):
        return {}
    return {"anyOf": [{"required": ["subject"]}, _naming("account", {"minLength": 1})]}


def _naming(field: str, how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an event whose data name somebody in this field."""
    given = {"required": [field], "properties": {field: {"type": "string", **how}}}
    return {"required": ["data"], "properties": {"data": given}}


_TEXT: Final = {"type": "string"}
_ERROR: Final = {
    "type": "object",
    "required": ["error", "message", "field", "hint"],
    "properties": {
        "error": {**_TEXT, "description": "Stable word for programs."},
        "message": {**_TEXT, "description": "What is wrong, for people."},
        "field": {**_TEXT, "description": "Where, dotted; empty when it is no one field."},
        "hint": {**_TEXT, "description": "What would be right."},
    },
}
_VERDICT: Final = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {**_TEXT, "description": "The event's id."},
        "type": _TEXT,
        "status": {"enum": ["accepted", "duplicate", "rejected"]},
        "duplicate": {"const": True, "description": "There, and true, of what was known already."},
        "reason": _TEXT,
        "field": _TEXT,
        "message": _TEXT,
        "hint": _TEXT,
    },
}
_COUNT: Final = {"type": "integer", "minimum": 0}
_VERDICTS: Final = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected", "events"],
    "properties": {
        "accepted": _COUNT,
        "duplicates": _COUNT,
        "rejected": _COUNT,
        "events": {"type": "array", "items": {"$ref": f"{_SCHEMAS}Verdict"}},
    },
}
