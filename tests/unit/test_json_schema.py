"""A programme's own event types, given by JSON Schema."""

from typing import Any

import pytest

from events.catalogue import OWN_TYPES_MAX, TYPE_CHARS_MAX, default_catalogue
from events.json_schema import PROPERTIES_MAX, SCHEMA_DEPTH_MAX, SchemaError
from events.refusals import EventError
from events.values import TEXT_CHARS_MAX

CATALOGUE = default_catalogue()


def schema_error(schema: object) -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        CATALOGUE.with_types({"invoice.paid": schema})  # type: ignore[dict-item]  # as YAML gives it
    assert caught.value.field in str(caught.value)
    return caught.value


OWN = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "description": "An invoice was paid.",
    "required": ["class", "amount"],
    "properties": {
        "class": {"type": "string", "maxLength": 3},
        "amount": {"type": "integer", "minimum": 1, "maximum": 5},
        "state": {"type": "string", "enum": ["early", "late"]},
        "level": {"type": "integer", "enum": [1, 2]},
        "early": {"type": "boolean"},
        "paid_at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"type": "integer"}},
        "bank": {
            "type": "object",
            "required": ["iban"],
            "properties": {"iban": {"type": "string"}},
            "additionalProperties": False,
        },
        "anything": {"type": "object"},
    },
}


def test_a_programme_adds_types_of_its_own() -> None:
    """A type given by JSON Schema is checked, typed and published like ours."""
    own = CATALOGUE.with_types({"invoice.paid": OWN})
    data = {"class": "abc", "amount": 5, "state": None, "lines": [1], "bank": {"iban": "x"}}
    data |= {"level": 2, "paid_at": "2027-02-03T14:00:00Z", "account": "acme", "extra": [None]}

    assert own.check("invoice.paid", data) == {k: v for k, v in data.items() if k != "state"}
    assert own.required("invoice.paid") == {"class", "amount"}
    assert own.fields("invoice.paid") == {
        "account": "string",
        "class": "string",
        "amount": "int",
        "state": "string",
        "level": "int",
        "early": "bool",
        "paid_at": "instant",
        "lines": "items",
        "bank": {"iban": "string"},
        "anything": "dyn",
    }
    assert own.schema("invoice.paid") == {**OWN, "title": "invoice.paid"}
    assert own.known == CATALOGUE.known | {"invoice.paid"}
    assert "invoice.paid" not in CATALOGUE.known


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"class": None}, "missing", "data.class"),
        ({"class": "abcd"}, "invalid", "data.class"),
        ({"amount": 0}, "invalid", "data.amount"),
        ({"amount": 6}, "invalid", "data.amount"),
        ({"state": "never"}, "invalid", "data.state"),
        ({"level": 3}, "invalid", "data.level"),
        ({"level": True}, "invalid", "data.level"),
        ({"early": "yes"}, "invalid", "data.early"),
        ({"paid_at": "2027-02-03"}, "invalid", "data.paid_at"),
        ({"lines": [1, "2"]}, "invalid", "data.lines.1"),
        ({"bank": {}}, "missing", "data.bank.iban"),
        ({"bank": {"iban": "x", "bic": "y"}}, "invalid", "data.bank.bic"),
    ],
)
def test_own_types_are_held_to_their_schema(
    changes: dict[str, Any], reason: str, field: str
) -> None:
    """Each keyword of the subset refuses what it should, naming the field."""
    own = CATALOGUE.with_types({"invoice.paid": OWN})

    with pytest.raises(EventError) as caught:
        own.check("invoice.paid", {"class": "abc", "amount": 1, **changes})

    assert (caught.value.reason, caught.value.field) == (reason, field)


@pytest.mark.parametrize(
    ("properties", "place"),
    [
        ({"a": {"type": "number"}}, "properties.a.type"),
        ({"a": {}}, "properties.a.type"),
        ({"a": {"type": ["string", "integer"]}}, "properties.a.type"),
        ({"a": {"type": ["null"]}}, "properties.a.type"),
        ({"a": "string"}, "properties.a"),
        ({"a": {"type": "integer", "minimun": 1}}, "properties.a.minimun"),
        ({"a": {"type": "string", "minimum": 1}}, "properties.a.minimum"),
        ({"a": {"type": "string", "pattern": "x"}}, "properties.a.pattern"),
        ({"a": {"type": "string", "format": "ipv4"}}, "properties.a.format"),
        ({"a": {"type": "string", "format": ["date"]}}, "properties.a.format"),
        ({"a": {"type": "string", "minLength": 3, "maxLength": 2}}, "properties.a.minLength"),
        ({"a": {"type": "array", "minItems": -1}}, "properties.a.minItems"),
        ({"a": {"type": "string", "maxLength": TEXT_CHARS_MAX + 1}}, "properties.a.maxLength"),
        ({"a": {"type": "string", "enum": []}}, "properties.a.enum"),
        ({"a": {"type": "integer", "enum": [1, "2"]}}, "properties.a.enum"),
        ({"a": {"type": "integer", "enum": [1], "minimum": 0}}, "properties.a.enum"),
        ({"a": {"type": "integer", "minimum": 1.5}}, "properties.a.minimum"),
        ({"a": {"type": "integer", "minimum": 2, "maximum": 1}}, "properties.a.minimum"),
        ({"a": {"type": "array", "items": {"type": "text"}}}, "properties.a.items.type"),
        ({"a": {"type": "object", "required": ["b"]}}, "properties.a.required"),
        (
            {"a": {"type": "object", "additionalProperties": {}}},
            "properties.a.additionalProperties",
        ),
        ([], "properties"),
        ({1: {"type": "string"}}, "properties"),
    ],
)
def test_what_the_subset_lacks_is_refused_at_its_place(properties: object, place: str) -> None:
    """A keyword we would ignore is an error: it would promise a check that nobody makes."""
    assert schema_error({"type": "object", "properties": properties}).field == (
        f"invoice.paid.{place}"
    )


LISTED = {
    "type": "object",
    "required": ["order", "note"],
    "properties": {
        "order": {"type": "string", "minLength": 2, "examples": ["a-1"], "$comment": "ours"},
        "note": {"type": ["string", "null"], "deprecated": True},
        "on": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "page": {"type": "string", "format": "uri"},
        "number": {"type": "string", "format": "uuid"},
        "lines": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
    },
}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("order", "ab", "a"),
        ("order", "abc", ""),
        ("note", None, 3),
        ("on", "2028-02-29", "2027-02-29"),
        ("mail", "an@x.example", "an@"),
        ("mail", "an@x.example", "an @x.example"),
        ("page", "https://x.example/a", "x.example"),
        ("page", "mailto:an@x.example", "https://x.example/a b"),
        ("number", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
        ("lines", [1], []),
        ("lines", [1, 2], [1, 2, 3]),
    ],
)
def test_lengths_and_formats_are_checked(field: str, good: object, bad: object) -> None:
    """What a schema says of a text or a list holds; a value at the edge passes."""
    own = CATALOGUE.with_types({"order.placed": LISTED})
    data = {"order": "a-1", "note": "x"}
    own.check("order.placed", data | {field: good})
    with pytest.raises(EventError) as caught:
        own.check("order.placed", data | {field: bad})
    assert caught.value.field.startswith(f"data.{field}")


def test_schemas_of_own_types_say_what_they_are_at_the_root() -> None:
    """Data is an object; keywords of the root are checked like any other."""
    assert schema_error({"type": "array"}).field == "invoice.paid.type"
    assert schema_error("object").field == "invoice.paid.type"
    assert schema_error({"additionalProperties": {}}).field == ("invoice.paid.additionalProperties")
    assert schema_error({"required": "a"}).field == "invoice.paid.required"
    error = schema_error({"propertys": {}})
    assert (error.field, error.hint) == ("invoice.paid.propertys", 'did you mean "properties"?')


def test_own_types_are_bounded() -> None:
    """So many types, properties and levels, and no more."""
    plain = {"type": "object"}
    most = CATALOGUE.with_types({f"own.t{n}": plain for n in range(OWN_TYPES_MAX)})
    assert len(most.known) == len(CATALOGUE.known) + OWN_TYPES_MAX
    with pytest.raises(SchemaError):
        CATALOGUE.with_types({f"own.t{n}": plain for n in range(OWN_TYPES_MAX + 1)})

    many = {f"p{n}": {"type": "boolean"} for n in range(PROPERTIES_MAX)}
    CATALOGUE.with_types({"own.type": {"properties": many}})
    more = {**many, "p": {"type": "boolean"}}
    assert schema_error({"properties": more}).field == "invoice.paid.properties"

    deep: dict[str, Any] = {"type": "boolean"}
    for _ in range(SCHEMA_DEPTH_MAX - 1):
        deep = {"type": "array", "items": deep}
    CATALOGUE.with_types({"own.type": {"properties": {"p": deep}}})
    deeper = {"p": {"type": "array", "items": deep}}
    assert schema_error({"properties": deeper}).field.endswith(".items")


@pytest.mark.parametrize(
    "name", ["nps.answered", "message.sent", "Invoice.paid", "invoice", "invoice.", "a b.c", ""]
)
def test_names_of_own_types_are_free_and_plain(name: str) -> None:
    """Neither ours nor a fact's, and written as subject.verbed."""
    with pytest.raises(SchemaError):
        CATALOGUE.with_types({name: {"type": "object"}})


def test_names_of_own_types_are_bounded() -> None:
    """The longest name passes, one character more does not."""
    longest = "a." + "b" * (TYPE_CHARS_MAX - 2)

    assert longest in CATALOGUE.with_types({longest: {"type": "object"}}).known
    with pytest.raises(SchemaError):
        CATALOGUE.with_types({longest + "b": {"type": "object"}})


def test_a_programmes_fields_of_contacts_are_checked() -> None:
    """`contact.updated` knows the fields that the programme declares, by their types."""
    kinds = {"since": "instant", "score": "int", "partner": "bool", "city": "string"}
    kinds["tags"] = "list"
    own = CATALOGUE.with_contact_fields(kinds)

    assert own.fields("contact.updated") == {**CATALOGUE.fields("contact.updated"), **kinds}
    assert own.check("contact.updated", {"partner": True, "score": None, "name": "Anna"}) == {
        "partner": True,
        "score": 0,
        "name": "Anna",
    }
    with pytest.raises(EventError) as caught:
        own.check("contact.updated", {"partner": "yes"})
    assert caught.value.field == "data.partner"
