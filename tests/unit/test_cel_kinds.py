"""What of CEL there is, kind by kind, as the language's specification has it; and what is not."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.expressions import (
    EvaluationError,
    Scope,
    activation,
    check_expression,
    compile_expression,
)

SCOPE = Scope({"body": "dyn", "contact": {"name": "string", "n": "int", "tags": "list"}})
VALUES = {
    "body": {"a": {"b": 1}, "list": [1, 2, 3], "none": None, "yes": True, "text": "héé"},
    "contact": {"name": "Änne", "n": 7, "tags": ["x", "y"]},
}
DAY = datetime(2027, 2, 14, 9, 30, 15, 123000, tzinfo=UTC)

GIVEN: dict[str, dict[str, object]] = {
    "literals": {
        "true": True, "null == null": True, "-7": -7, "9223372036854775807": 2**63 - 1,
        "0x1F": 31, '"a"': "a", r"'\n\t\\'": "\n\t\\", r"r'\n'": "\\n", "'''a'b'''": "a'b",
        r"'\u00e9\x41\101'": "éAA", "[1, 2]": [1, 2], "{'a': 1}": {"a": 1}, "[]": [],
    },
    "comparisons": {
        "1 < 2": True, "2 <= 1": False, "'a' < 'b'": True, "'a' != 'A'": True,
        "[1, 2] == [1, 2]": True, "[1, 2] == [2, 1]": False, "{'a': 1} == {'a': 1}": True,
        "false < true": True, "dyn(1) == 'a'": False, "body.yes == true": True,
        "timestamp('2027-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:01Z')": True,
        "duration('60s') == duration('1m')": True, "body.none == null": True,
    },
    "logic": {
        "true && false": False, "true || 1 / 0 == 1": True, "1 / 0 == 1 || true": True,
        "false && 1 / 0 == 1": False, "1 / 0 == 1 && false": False, "!true": False,
        "!!true": True, "true ? 1 : 2": 1, "false ? 1 : true ? 2 : 3": 2,
    },
    "whole numbers": {
        "7 / 2": 3, "-7 / 2": -3, "7 % 3": 1, "-7 % 3": -1, "2 - 3": -1, "-(3)": -3,
        "1 + 2 * 3": 7, "(1 + 2) * 3": 9, "contact.n * 2": 14,
    },
    "texts": {
        "'a' + 'b'": "ab", "size('héé')": 3, "contact.name.size()": 4,
        "'abc'.contains('b')": True, "'abc'.startsWith('ab')": True, "'abc'.endsWith('bc')": True,
        "'ab12'.matches('^[a-z]+[0-9]+$')": True, "'abc'.matches('b')": True,
        "''.matches('')": True, "'😀'.size()": 1,
    },
    "lists": {
        "2 in [1, 2]": True, "3 in []": False, "[1, 2][1]": 2, "[1] + [2]": [1, 2],
        "size([1, 2])": 2, "'x' in contact.tags": True, "contact.tags[1]": "y",
        "body.list[0]": 1, "[[1], [2]][1][0]": 2,
    },
    "mappings": {
        "body.a.b": 1, "body['a']['b']": 1, "has(body.a)": True, "has(body.c)": False,
        "'a' in body": True, "size(body.a)": 1, "{'a': 1}.a": 1, "{1: 'x'}[1]": "x",
        "{true: 1}[true]": 1,
    },
    "macros": {
        "[1, 2].all(x, x > 0)": True, "[].all(x, false)": True, "[1, 2].exists(x, x == 2)": True,
        "[].exists(x, true)": False, "[1, 2, 2].exists_one(x, x == 2)": False,
        "[1, 2].map(x, x * 2)": [2, 4], "[1, 2, 3].filter(x, x > 1)": [2, 3],
        "[1, 2, 3].map(x, x > 1, x * 10)": [20, 30], "{'a': 1}.all(k, k == 'a')": True,
        "body.list.exists(x, x == 3)": True, "[1, 0].exists(x, 1 / x == 1)": True,
    },
    "conversions": {
        "int('42')": 42, "string(42)": "42", "string(true)": "true", "bool('true')": True,
        "int(timestamp('1970-01-01T00:01:00Z'))": 60,
        "timestamp(60) == timestamp('1970-01-01T00:01:00Z')": True,
        "string(timestamp('2027-01-01T00:00:00Z'))": "2027-01-01T00:00:00Z",
        "string(duration('90s'))": "90s", "type(1) == int": True, "type('a') == string": True,
        "type([]) == list": True, "type(null) == null_type": True,
    },
    "instants": {
        "timestamp('2027-02-14T09:30:15.123Z')": DAY,
        "timestamp('2027-02-14T10:30:15.123+01:00')": DAY,
        "timestamp('2027-02-14T09:30:15.123Z') + duration('1h') - duration('60m')": DAY,
        "timestamp('2027-02-14T09:30:15Z') - timestamp(0) > duration('1h')": True,
        "duration('1h') - duration('1m') == duration('59m')": True,
        "timestamp('2027-02-14T09:30:15Z').getFullYear()": 2027,
        "timestamp('2027-02-14T09:30:15Z').getMonth()": 1,
        "timestamp('2027-02-14T09:30:15Z').getDate()": 14,
        "timestamp('2027-02-14T09:30:15Z').getDayOfMonth()": 13,
        "timestamp('2027-02-14T09:30:15Z').getDayOfWeek()": 0,
        "timestamp('2027-02-14T09:30:15Z').getDayOfYear()": 44,
        "timestamp('2027-02-14T09:30:15Z').getHours()": 9,
        "timestamp('2027-02-14T09:30:15Z').getHours('Europe/Amsterdam')": 10,
        "timestamp('2027-02-14T09:30:15Z').getMinutes('+01:30')": 0,
        "timestamp('2027-02-14T09:30:15.123Z').getMilliseconds()": 123,
        "duration('3661s').getHours()": 1, "duration('3661s').getMinutes()": 61,
    },
    "our own": {
        "sum([1, 2, 3])": 6, "sum([])": 0, "size(seen('x'))": 0,
        "ago('1d') == timestamp('2027-02-13T09:30:15.123Z')": True,
    },
}  # fmt: skip

FAILS = {
    "1 / 0": "divide by zero",
    "1 % 0": "modulus by zero",
    "9223372036854775807 + 1": "overflow",
    "-9223372036854775808 - 1": "overflow",
    "[1][5]": "Index error",
    "{'a': 1}['b']": "not found",
    "body.c": "not found",
    "int('x')": "cannot convert",
    "timestamp('9999-12-31T23:59:59Z') + duration('1h')": "overflow",
    "1 / 0 == 1 || false": "divide by zero",
    "true && 1 / 0 == 1": "divide by zero",
    "body.text > 1": "overload",
}
"""What the specification makes an error when it is evaluated: `condition.failed`."""

REFUSED = {
    "numbers with a fraction": ("1.5", "1e3", "double(1)"),
    "unsigned numbers": ("1u", "uint(1)"),
    "bytes": ("bytes('a')",),
    "types of protobuf": ("google.protobuf.Any{}", "google.protobuf.Int32Value{value: 1}"),
    "optional values": ("body.?a", "[?body.a]", "optional.of(1)"),
    "bindings": ("cel.bind(x, 1, x)", "cel.block([1], 2)"),
    "texts of the extensions": ("'a'.charAt(0)", "'a'.replace('a', 'b')", "'%d'.format([1])"),
    "sums of the extensions": ("math.greatest(1, 2)", "math.abs(-1)"),
    "lists of the extensions": ("[1].flatten()", "lists.range(3)", "[2, 1].sort()"),
    "encodings and nets": ("base64.encode(b'a')", "ip('127.0.0.1')"),
    "two variables": ("[1].all(i, v, v > i)", "{'a': 1}.transformMap(k, v, v)"),
    "loops in loops": ("[1].all(x, [2].all(y, x < y))",),
    "patterns that arrive": ("body.text.matches(body.text)",),
    "names with a leading dot": (".body.a",),
}  # fmt: skip
"""What is not there; `docs/conditions.md` says so."""

_CASES = [(kind, text) for kind, cases in GIVEN.items() for text in cases]


def _values() -> object:
    return activation(
        {**VALUES, "seen": lambda _kind: []}, DAY, lambda _span: DAY - timedelta(days=1)
    )


@pytest.mark.parametrize(("kind", "text"), _CASES, ids=[text for _, text in _CASES])
def test_what_there_is(kind: str, text: str) -> None:
    """It gives what the specification says."""
    found = compile_expression(text, SCOPE, returns="any").evaluate(_values())  # type: ignore[arg-type]

    assert found == GIVEN[kind][text]
    assert type(found) is type(GIVEN[kind][text])


@pytest.mark.parametrize("text", FAILS)
def test_what_fails(text: str) -> None:
    """An error of evaluation is one, at once, with its reason."""
    expression = compile_expression(text, SCOPE, returns="any")

    with pytest.raises(EvaluationError, match=FAILS[text]):
        expression.evaluate(_values())  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [text for texts in REFUSED.values() for text in texts])
def test_what_is_refused(text: str) -> None:
    """What is not supported is found when a programme is loaded, never at an event."""
    assert check_expression(text, SCOPE, returns="any") != []
