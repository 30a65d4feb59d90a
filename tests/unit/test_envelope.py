"""The envelope: every attribute at its edge, every reason to refuse, and arbitrary JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.catalogue import TYPE_CHARS_MAX, default_catalogue
from events.envelope import EVENT_BYTES_MAX, FUTURE_MAX, NATURAL_KEY_CHARS_MAX, Event, parse_event
from events.refusals import EventError
from events.scan import DATA_DEPTH_MAX
from events.values import ID_CHARS_MAX, INTEGER_MAX, INTEGER_MIN

NOW = datetime(2027, 2, 3, 14, 0, tzinfo=UTC)
CATALOGUE = default_catalogue()


def raw(**changes: object) -> dict[str, Any]:
    """Return the event of SCENARIOS, changed; a value of `...` leaves the attribute out."""
    event = {
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
    return {name: value for name, value in event.items() if value is not ...}


def parse(event: object) -> Event:
    return parse_event(event, now=NOW, catalogue=CATALOGUE)


def refused(event: object) -> EventError:
    with pytest.raises(EventError) as caught:
        parse(event)
    return caught.value


def note(value: object) -> dict[str, Any]:
    """Return an event with `value` in a field that no model knows."""
    return raw(type="favour.granted", data={"extra": value})


def nested(levels: int) -> dict[str, Any]:
    """Return data whose mappings are nested so many levels deep."""
    data: dict[str, Any] = {}
    for _ in range(levels - 1):
        data = {"in": data}
    return data


def test_an_event_is_read_whole() -> None:
    """Every attribute we use arrives in its field, the time in UTC."""
    event = parse(
        raw(time="2027-02-03T15:00:00.25+01:00", data={"project_id": "p", "account": "a"})
    )

    assert event == Event(
        id="evt-101",
        source="crm/pipedrive",
        type="project.delivered",
        time=datetime(2027, 2, 3, 14, 0, 0, 250_000, tzinfo=UTC),
        contact="c-anna",
        account="a",
        data={"project_id": "p", "account": "a"},
        natural_key="project/p-77/delivered",
    )
    assert event.time.tzinfo is UTC


def test_what_is_optional_may_be_absent_or_null() -> None:
    """Without time the arrival counts; without subject nobody is concerned."""
    expected = Event(id="1", source="s", type="favour.granted", time=NOW)

    assert parse({"specversion": "1.0", "id": "1", "source": "s", "type": "favour.granted"}) == (
        expected
    )
    absent = dict.fromkeys(("time", "subject", "naturalkey", "datacontenttype", "data"))
    assert parse({**raw(id="1", source="s", type="favour.granted"), **absent}) == expected


def test_an_event_may_concern_an_account() -> None:
    """The subject names an account as well, and data may repeat it but not contradict it."""
    assert parse(raw(subject="account/acme")).account == "acme"
    assert parse(raw(subject="account/acme")).contact == ""
    assert parse(raw(subject="account/a/b")).account == "a/b"
    same = raw(subject="account/acme", data={"project_id": "p", "account": "acme"})
    assert parse(same).account == "acme"

    other = raw(subject="account/acme", data={"project_id": "p", "account": "other"})
    assert (refused(other).reason, refused(other).field) == ("invalid", "data.account")


def test_an_event_knows_its_lead() -> None:
    """What is routed to a lead carries the lead's id."""
    submitted = raw(type="referral.submitted", data={"lead": {"id": "l-daan"}})

    assert parse(submitted).lead == "l-daan"
    assert parse(raw(type="deal.won", data={"lead": "l-1", "deal": "d-1"})).lead == "l-1"
    assert parse(raw()).lead == ""


def test_unknown_extensions_are_ignored_and_unknown_data_is_kept() -> None:
    """Producers grow: what we do not know does not stop an event."""
    data = {"project_id": "p", "grown": {"deep": [1, None, 2.5]}}

    assert parse(raw(partitionkey="p", traceparent="00-1", data=data)).data == data


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_required_attributes_are_missed(name: str) -> None:
    """What must be there is named when it is not; an id is never made up."""
    error = refused(raw(**{name: ...}))

    assert (error.reason, error.field) == ("missing", name)
    assert name in str(error)
    assert error.hint


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"specversion": "0.3"}, "invalid", "specversion"),
        ({"id": ""}, "invalid", "id"),
        ({"id": 7}, "invalid", "id"),
        ({"source": ""}, "invalid", "source"),
        ({"type": ""}, "invalid", "type"),
        ({"type": "project.deliverd"}, "unknown_type", "type"),
        ({"type": "message.sent"}, "reserved", "type"),
        ({"type": "timer.fired"}, "reserved", "type"),
        ({"subject": "c-anna"}, "invalid", "subject"),
        ({"subject": "person/c-anna"}, "invalid", "subject"),
        ({"subject": "contact/"}, "invalid", "subject"),
        ({"subject": ""}, "invalid", "subject"),
        ({"datacontenttype": "text/xml"}, "invalid", "datacontenttype"),
        ({"data": ..., "data_base64": "e30="}, "invalid", "data_base64"),
        ({"data": []}, "invalid", "data"),
        ({"data": "text"}, "invalid", "data"),
        ({"data": ...}, "missing", "data.project_id"),
        ({"data": {"project_id": None}}, "missing", "data.project_id"),
        ({"data": {"project_id": "p", "value_eur": "9"}}, "invalid", "data.value_eur"),
        ({"data": {"project_id": "p", "value_eur": 9.5}}, "invalid", "data.value_eur"),
        ({"data": {"project_id": "p", "value_eur": True}}, "invalid", "data.value_eur"),
        ({"data": {"project_id": "p", "value_eur": -1}}, "invalid", "data.value_eur"),
        ({"type": "optin.requested", "subject": ..., "data": {}}, "missing", "subject"),
        ({"type": "optin.requested", "subject": "account/a", "data": {}}, "missing", "subject"),
        (
            {"type": "referral.submitted", "data": {"lead": {"name": "D"}}},
            "invalid",
            "data.lead",
        ),
        ({"type": "message.reported", "data": {"class": 1}}, "invalid", "data.class"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str, field: str) -> None:
    """Each refusal has its reason and field, and its message names the field."""
    error = refused(raw(**changes))

    assert (error.reason, error.field) == (reason, field)
    assert field in str(error)


@pytest.mark.parametrize("value", [None, 1, "text", [], [raw()], True])
def test_what_is_no_object_is_malformed(value: object) -> None:
    """An event is a JSON object and nothing else."""
    assert refused(value).reason == "malformed"


@pytest.mark.parametrize(
    "time",
    [
        *("2027-02-03", "2027-02-03T14:00:00", "2027-02-03T14:00Z", "20270203T140000Z", "now", ""),
        *("2027-02-30T14:00:00Z", "2027-02-03T24:30:00Z", "2027-02-03T14:00:00+25:00", 1_800_000),
        *("0001-01-01T00:00:00+10:00", "2027-W05-3T14:00:00Z", "2027-02-03T14:00:00Z\n"),
    ],
)
def test_a_time_is_an_instant(time: object) -> None:
    """A time without an offset, or one that does not exist, is refused."""
    error = refused(raw(time=time))

    assert (error.reason, error.field) == ("invalid", "time")


def test_forms_of_rfc_3339_are_read() -> None:
    """Small letters, a space and nine digits of a second are RFC 3339 as well."""
    for text in (
        "2027-02-03t14:00:00z",
        "2027-02-03 14:00:00-00:00",
        "2027-02-03T14:00:00.000000001Z",
    ):
        assert parse(raw(time=text)).time == NOW


def test_the_future_begins_after_five_minutes() -> None:
    """A clock may be five minutes ahead of ours, and not a moment more."""
    edge = NOW + FUTURE_MAX

    assert parse(raw(time=edge.isoformat())).time == edge
    error = refused(raw(time=(edge + timedelta(microseconds=1)).isoformat()))
    assert (error.reason, error.field) == ("future", "time")


@pytest.mark.parametrize(
    ("name", "longest", "prefix"),
    [
        ("id", ID_CHARS_MAX, ""),
        ("source", ID_CHARS_MAX, ""),
        ("subject", ID_CHARS_MAX, "contact/"),
        ("subject", ID_CHARS_MAX, "account/"),
        ("naturalkey", NATURAL_KEY_CHARS_MAX, ""),
    ],
)
def test_attributes_are_bounded(name: str, longest: int, prefix: str) -> None:
    """The longest attribute passes, one character more does not."""
    assert parse(raw(**{name: prefix + "é" * longest})).id

    error = refused(raw(**{name: prefix + "é" * (longest + 1)}))
    assert (error.reason, error.field) == ("invalid", name)


def test_type_names_are_bounded() -> None:
    """A type that long might be known, one character more never."""
    assert refused(raw(type="x" * TYPE_CHARS_MAX)).reason == "unknown_type"
    assert refused(raw(type="x" * (TYPE_CHARS_MAX + 1))).reason == "invalid"


def test_an_event_is_bounded_in_bytes() -> None:
    """The bound counts bytes of compact JSON, not characters."""
    room = EVENT_BYTES_MAX - len(orjson.dumps(note("")))

    assert parse(note("é" * (room // 2) + "e" * (room % 2))).id
    error = refused(note("é" * (room // 2) + "ee"))
    assert error.reason == "too_large"
    assert str(EVENT_BYTES_MAX) in str(error)


def test_data_is_bounded_in_depth() -> None:
    """Twenty levels pass, lists and mappings alike; one more does not."""
    assert parse(raw(type="favour.granted", data=nested(DATA_DEPTH_MAX))).id
    error = refused(raw(type="favour.granted", data=nested(DATA_DEPTH_MAX + 1)))
    assert error.reason == "too_large"
    assert error.field.startswith("data.in")

    lists: list[Any] = []
    for _ in range(DATA_DEPTH_MAX - 2):
        lists = [lists]
    assert parse(note(lists)).id
    assert refused(note([lists])).reason == "too_large"


@pytest.mark.parametrize(
    "value",
    ["a\0b", "half \ud800", float("nan"), float("inf"), INTEGER_MAX + 1, INTEGER_MIN - 1, 2.0**63],
)
def test_what_cannot_be_stored_is_refused_wherever_it_is(value: object) -> None:
    """NUL, half a surrogate pair, NaN and numbers beyond 64 bits are named by field."""
    for event, field in (
        (note(value), "data.extra"),
        (note({"in": [1, value]}), "data.extra.in.1"),
        (raw(myextension=value), "myextension"),
    ):
        assert (refused(event).reason, refused(event).field) == ("invalid", field)


@pytest.mark.parametrize("key", ["a\0b", "half\ud800"])
def test_names_that_cannot_be_stored_are_refused(key: str) -> None:
    """A name is checked like a value, and shown so that it can be read."""
    error = refused(note({key: 1}))

    assert error.reason == "invalid"
    assert error.field.startswith("data.extra.")
    assert str(error).isprintable()


def test_the_widest_numbers_pass() -> None:
    """Sixty-four bits are whole numbers like any other."""
    assert parse(note([INTEGER_MAX, INTEGER_MIN])).data == {"extra": [INTEGER_MAX, INTEGER_MIN]}


def test_only_json_passes() -> None:
    """What Python has beyond JSON is refused, also from callers inside."""
    for value in (NOW, (1,), {1}, b"", raw):
        assert refused(note(value)).field == "data.extra"
    assert refused(note({1: 2})).reason == "malformed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_arbitrary_json_is_refused_in_our_words(value: object) -> None:
    """Whatever arrives, nothing but an `EventError` comes out."""
    with pytest.raises(EventError):
        parse(value)


@given(
    st.sampled_from(sorted(CATALOGUE.known)),
    st.dictionaries(st.sampled_from(sorted(raw())), json_values, max_size=2),
    st.data(),
)
def test_almost_good_events_pass_or_are_refused(
    event_type: str, changes: dict[str, Any], draw: st.DataObject
) -> None:
    """Known fields with any value give an event or an `EventError`, never another error."""
    names = st.sampled_from(sorted(CATALOGUE.fields(event_type)))
    data = draw.draw(st.dictionaries(names | st.text(), json_values, max_size=4))
    try:
        outcome = orjson.dumps(parse(raw(**{"type": event_type, "data": data, **changes})).data)
    except EventError as error:
        outcome = str(error).encode()
    assert outcome
