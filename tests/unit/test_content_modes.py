"""CloudEvents over HTTP: the official SDK and curl, in all content modes; unreadable requests."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from events.catalogue import default_catalogue
from events.content_modes import BATCH_BYTES_MAX, BATCH_EVENTS_MAX, from_http, parse_json
from events.envelope import EVENT_BYTES_MAX, Event, parse_event
from events.refusals import EventError

NOW = datetime(2027, 2, 3, 14, 0, tzinfo=UTC)


def raw(**changes: object) -> dict[str, Any]:
    """Return the event of SCENARIOS, changed."""
    return {
        "specversion": "1.0",
        "id": "evt-101",
        "source": "crm/pipedrive",
        "type": "project.delivered",
        "subject": "contact/c-anna",
        "time": "2027-02-03T14:00:00Z",
        "naturalkey": "project/p-77/delivered",
        "data": {"project_id": "p-77", "value_eur": 80000},
        **changes,
    }


def parse(event: object) -> Event:
    return parse_event(event, now=NOW, catalogue=default_catalogue())


def sdk_event(**changes: object) -> CloudEvent:
    attributes = raw(time=NOW, datacontenttype="application/json", **changes)
    data = attributes.pop("data")
    return CloudEvent(attributes=attributes, data=data)


UNICODE = {
    "naturalkey": 'project/"Ünïcödé" 100% 漢字 😀\\',
    "data": {"project_id": "p-77 漢字 😀"},
}


@pytest.mark.parametrize("changes", [{}, UNICODE])
def test_the_sdk_round_trips_in_all_modes(changes: dict[str, Any]) -> None:
    """An event of the official SDK is the same event in each content mode."""
    sent = sdk_event(**changes)
    structured, binary = to_structured_event(sent), to_binary_event(sent)
    batch = b"[" + JSONFormat().write(sent) + b"," + JSONFormat().write(sent) + b"]"
    batched = {"content-type": "application/cloudevents-batch+json; charset=UTF-8"}

    read = [
        *from_http(structured.headers, structured.body),
        *from_http(binary.headers, binary.body),
        *from_http(batched, batch),
    ]

    expected = parse(raw(**changes))
    assert [parse(event) for event in read] == [expected] * 4


def test_binary_headers_are_decoded_once() -> None:
    """Percent-encoding is undone once, quotes and capitals do not matter."""
    headers = {
        "CE-SpecVersion": "1.0",
        "Ce-Id": '"a\\"b\\\\c"',
        "ce-source": "%F0%9F%98%80%2520",
        "ce-type": "favour.granted",
        "ce-data": "no attribute",
        "Content-Type": "Application/JSON",
    }
    [event] = from_http(headers, b"")

    assert event["id"] == 'a"b\\c'
    assert event["source"] == "😀%20"
    assert parse(event).data == {}
    with pytest.raises(EventError, match="UTF-8") as caught:
        from_http({**headers, "ce-id": "%FF"}, b"")
    assert (caught.value.reason, caught.value.field) == ("malformed", "id")


def test_curl_may_send_plain_json() -> None:
    """One event or a list of them under application/json, or under no type at all."""
    body = json.dumps(raw()).encode()

    assert from_http({"Content-Type": "application/json"}, body) == [raw()]
    assert from_http({}, b"[" + body + b"]") == [raw()]
    assert from_http({"content-type": "application/cloudevents-batch+json"}, b"[]") == []


@pytest.mark.parametrize(
    ("content_type", "body", "field"),
    [
        ("application/json", b"", ""),
        ("application/json", b"{", ""),
        ("application/json", b'{"a": NaN}', ""),
        ("application/json", b'{"a": "\\ud800"}', ""),
        ("application/json", b'"\xff"', ""),
        ("application/json", b"[" * 2_000 + b"]" * 2_000, ""),
        ("application/json", b"[" * 300 + b"]" * 300, ""),
        ("application/cloudevents-batch+json", b"{}", ""),
        ("application/cloudevents+xml", b"<event/>", "content-type"),
        ("application/cloudevents+json; charset=latin1", b"{}", "content-type"),
        ("application/x-www-form-urlencoded", b"a=1", "content-type"),
    ],
)
def test_unreadable_requests_are_malformed(content_type: str, body: bytes, field: str) -> None:
    """What cannot be read says so, with what would be read."""
    with pytest.raises(EventError) as caught:
        from_http({"content-type": content_type}, body)

    assert (caught.value.reason, caught.value.field) == ("malformed", field)
    assert caught.value.hint


def test_unreadable_binary_data_is_named() -> None:
    """In binary mode the body is the data, and the error says so."""
    with pytest.raises(EventError) as caught:
        from_http({"ce-id": "1", "content-type": "application/json"}, b"{")

    assert (caught.value.reason, caught.value.field) == ("malformed", "data")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "id": "2"}',
        b'[{"a" : {"b":1 , "b" :2}}]',
        b'{"\\u0022\\u0022": 1, "a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
    ],
)
def test_names_that_occur_twice_are_refused(body: bytes) -> None:
    """Of two values for one name nobody can say which was meant."""
    with pytest.raises(EventError, match="occurs twice") as caught:
        parse_json(body)

    assert caught.value.reason == "malformed"


def test_a_repeated_name_is_found_at_one_look_at_each() -> None:
    """A body full of names, the last one repeated, takes a second and not the minutes of pairs."""
    names = [f"{number:x}" for number in range(80_000)]
    body = b"{" + ",".join(f'"{name}":1' for name in [*names, names[-1]]).encode() + b"}"
    assert len(body) < BATCH_BYTES_MAX

    with pytest.raises(EventError, match=f'"{names[-1]}" occurs twice'):
        parse_json(body)
    with pytest.raises(EventError, match="occurs twice") as caught:
        parse_json(b'{"%b":1,"%b":2}' % ((b"x" * 1_000,) * 2))
    assert len(str(caught.value)) < 200


def test_quotes_in_text_are_no_repeated_names() -> None:
    """Escaped quotes make the reader look twice, and find nothing."""
    body = b'{"a": "\\u0022\\"", "b": ["\\"a\\": 1", -1.5e3]}'

    assert parse_json(body) == {"a": '""', "b": ['"a": 1', -1500.0]}


def test_requests_are_bounded() -> None:
    """A thousand events, a mebibyte, and 64 KiB for one event pass; one more does not."""
    headers = {"content-type": "application/cloudevents-batch+json"}
    assert len(from_http(headers, b"[" + b",".join([b"{}"] * BATCH_EVENTS_MAX) + b"]")) == 1_000
    assert from_http(headers, b"[]" + b" " * (BATCH_BYTES_MAX - 2)) == []
    structured = {"content-type": "application/cloudevents+json"}
    assert from_http(structured, b"{}" + b" " * (EVENT_BYTES_MAX - 2)) == [{}]

    for content_type, body in (
        (headers, b"[" + b",".join([b"{}"] * (BATCH_EVENTS_MAX + 1)) + b"]"),
        (headers, b"[]" + b" " * (BATCH_BYTES_MAX - 1)),
        (structured, b"{}" + b" " * (EVENT_BYTES_MAX - 1)),
        ({"ce-id": "1"}, b"{}" + b" " * (EVENT_BYTES_MAX - 1)),
        ({}, b"{}" + b" " * (EVENT_BYTES_MAX - 1)),
    ):
        with pytest.raises(EventError) as caught:
            from_http(content_type, body)
        assert caught.value.reason == "too_large"
