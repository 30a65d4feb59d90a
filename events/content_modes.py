"""CloudEvents over HTTP: structured, batch and binary, as pure functions of headers and body."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from events.envelope import EVENT_BYTES_MAX
from events.refusals import EventTooLargeError, MalformedEventError, shown

BATCH_EVENTS_MAX = 1_000
BATCH_BYTES_MAX = 1024 * 1024

UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
"""Names of the one encoding that is read."""

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_PLAIN = "application/json"
_ACCEPTED = f"send {_STRUCTURED}, {_BATCH}, or ce- headers with JSON in the body"


def from_http(headers: Mapping[str, str], body: bytes) -> list[Any]:
    """Return the events of one request, not yet checked: each is for `parse_event` to judge.

    The content type decides the mode, as the HTTP binding has it. For people with curl,
    `application/json` (or none) without `ce-` headers is taken as an event or a list of events.

    Raises:
        MalformedEventError: the request cannot be read as events.
        EventTooLargeError: more bytes or events than a request may have.
    """
    named = {name.lower(): value for name, value in headers.items()}
    media_type, charset = content_type(named.get("content-type", ""))
    if charset not in UTF_8:
        raise MalformedEventError(
            "content-type: only UTF-8 is read", field="content-type", hint="charset=utf-8"
        )
    if len(body) > BATCH_BYTES_MAX:
        raise EventTooLargeError(
            f"a request has at most {BATCH_BYTES_MAX} bytes, this one has {len(body)}",
            hint="send smaller batches",
        )
    if media_type == _STRUCTURED:
        return [_single(body)]
    if media_type == _BATCH:
        return _batch(parse_json(body))
    if media_type.startswith("application/cloudevents"):
        raise MalformedEventError(
            f"content-type: {media_type} is not read", field="content-type", hint=_ACCEPTED
        )
    if any(name.startswith("ce-") for name in named):
        return [_binary(named, body)]
    if media_type in {_PLAIN, ""}:
        value = parse_json(body)
        return _batch(value) if isinstance(value, list) else [_single(body, value)]
    raise MalformedEventError(
        "content-type: this is no CloudEvent", field="content-type", hint=_ACCEPTED
    )


def parse_json(body: bytes) -> Any:  # noqa: ANN401  JSON can be anything
    """Return the value that a JSON text in UTF-8 holds.

    A name that occurs twice in one object is refused: whoever reads it before us may have taken
    the other value.

    Raises:
        MalformedEventError: not JSON, or not unambiguous.
    """
    try:
        value = orjson.loads(body)
        written = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise MalformedEventError("not JSON we take: nested too deep", hint="flatten it") from error
    except orjson.JSONDecodeError as error:
        raise MalformedEventError(
            f"not JSON: {error.msg}, line {error.lineno} column {error.colno}",
            hint="send one JSON text in UTF-8; NaN and Infinity are no JSON",
        ) from error
    # A repeated name is lost in reading, and its quotes with it: comparing their number finds it
    # without reading twice. Quotes may also differ when one was written as \u0022.
    if body.count(b'"') != written.count(b'"') or b"\\u0022" in body:
        _refuse_repeated_names(body)
    return value


def _refuse_repeated_names(body: bytes) -> None:
    def pairs(found: Sequence[tuple[str, Any]]) -> None:
        seen: set[str] = set()  # a body holds a hundred thousand names: one look at each
        for name, _ in found:
            if name in seen:
                raise MalformedEventError(
                    f'not clear JSON: "{shown(name)}" occurs twice in one object',
                    hint="name each field once",
                )
            seen.add(name)

    try:
        json.loads(body, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    except ValueError as error:
        raise MalformedEventError(f"not JSON: {error}", hint="send one JSON text") from error


def _single(body: bytes, value: Any = None) -> Any:  # noqa: ANN401  JSON can be anything
    if len(body) > EVENT_BYTES_MAX:
        raise EventTooLargeError(
            f"an event has at most {EVENT_BYTES_MAX} bytes, this one has {len(body)}",
            hint="send the few fields that matter, and a link to the rest",
        )
    return parse_json(body) if value is None else value


def _batch(value: Any) -> list[Any]:  # noqa: ANN401  JSON can be anything
    if not isinstance(value, list):
        raise MalformedEventError("a batch is a JSON list of events", hint=f"or send {_STRUCTURED}")
    if len(value) > BATCH_EVENTS_MAX:
        raise EventTooLargeError(
            f"a batch has at most {BATCH_EVENTS_MAX} events, this one has {len(value)}",
            hint="send smaller batches",
        )
    return value


def _binary(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the event whose attributes are headers and whose data is the body."""
    event: dict[str, Any] = {
        name[3:]: _decoded(name, value) for name, value in headers.items() if name.startswith("ce-")
    }
    event.pop("data", None)  # no attributes by the standard: data is the body
    event.pop("data_base64", None)
    event.pop("datacontenttype", None)
    if "content-type" in headers:
        event["datacontenttype"] = headers["content-type"]
    if body:
        event["data"] = _binary_data(body)
    return event


def _binary_data(body: bytes) -> Any:  # noqa: ANN401  JSON can be anything
    try:
        return _single(body)
    except MalformedEventError as error:
        raise MalformedEventError(f"data: {error}", field="data", hint=error.hint) from error


def _decoded(name: str, value: str) -> str:
    """Undo what the binding does to a value: quotes around it, then percent-encoding, once."""
    text = value.strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _unescaped(text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedEventError(
            f"{name}: percent-encoding that is no UTF-8", field=name[3:], hint="encode UTF-8 bytes"
        ) from error


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\", "") for part in parts)


@lru_cache(maxsize=100)
def content_type(header: str) -> tuple[str, str]:
    """Return media type and charset, lower-case, each empty if it is not given."""
    media_type, *parameters = header.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    named = {name.strip().lower(): value.strip(' "').lower() for name, _, value in pairs}
    return media_type.strip().lower(), named.get("charset", "")
