"""What conditions in CEL give: plain values, zeros for what is absent, the reason of a no."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.cel import NOW, compiled, evaluate, given
from workflows.expressions import EvaluationError, Returns, Scope, activation, compile_expression


@pytest.mark.parametrize(
    ("text", "returns", "value"),
    [
        ("event.data.score + 1", "int", 10),
        ("event.type + '!'", "string", "x!"),
        ("event.time + duration('1h')", "instant", NOW + timedelta(hours=1)),
        ("contact.segments.filter(s, s != 'b')", "list", ["a"]),
        ("event.data.lead", "any", {"id": "l1", "name": ""}),
        ("{'a': event.data.score}", "any", {"a": 9}),
        ("event.data.start_on", "instant", datetime(2027, 3, 1, tzinfo=UTC)),
        ("body.list[1].n", "int", 3),
    ],
)
def test_values_are_plain_python(text: str, returns: Returns, value: object) -> None:
    """Every kind of value comes back as plain Python; instants are aware and in UTC."""
    event = {
        "type": "x",
        "time": "2027-02-03T15:00:00+01:00",
        "data": {"score": 9, "lead": {"id": "l1"}, "start_on": "2027-03-01"},
    }
    contact = {"segments": ["a", "b"]}
    body = {"list": [{"n": 1}, {"n": 3}]}

    assert evaluate(text, returns, event=event, contact=contact, body=body) == value


def test_a_value_of_any_type_is_checked_when_it_is_known() -> None:
    """An untyped value that turns out wrong fails the evaluation instead of passing through."""
    with pytest.raises(EvaluationError, match="not an int"):
        evaluate("body.n", "int", body={"n": "x"})
    with pytest.raises(EvaluationError, match="not an int"):
        evaluate("body.n", "int", body={"n": True})


# -- zeros and has --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [{}, {"event": {"data": None}}, {"event": {"data": {"score": None}}}]
)
def test_what_is_absent_reads_as_zero(values: dict[str, object]) -> None:
    """A field without a value has its type's zero, however much around it is missing."""
    assert evaluate("event.data.score", "int", **values) == 0
    assert evaluate("event.data.band", "string", **values) == ""
    assert evaluate("contact.open_case", "bool", **values) is False
    assert evaluate("contact.segments", "list", **values) == []
    assert evaluate("contact.nps.at", "instant", **values) == datetime(1970, 1, 1, tzinfo=UTC)
    assert evaluate("size(contact.referrals)", "int", **values) == 0


def test_has_tells_a_zero_from_nothing() -> None:
    """`has` is true for a zero that is there, false for null and for what is absent."""
    text = "has(event.data.score)"

    assert evaluate(text, event={"data": {"score": 0}}) is True
    assert evaluate(text, event={"data": {"score": None}}) is False
    assert evaluate(text, event={"data": {}}) is False
    assert evaluate(text) is False


def test_has_of_a_group_and_of_an_untyped_value() -> None:
    """`has` works for a group of fields, and below a value of any type."""
    assert evaluate("has(contact.nps)", contact={"nps": {"band": "promoter"}}) is True
    assert evaluate("has(contact.nps)", contact={"nps": {}}) is False
    assert evaluate("has(body.a.b) && !has(body.a.c)", body={"a": {"b": 1}}) is True


def test_items_of_a_list_are_filled_too() -> None:
    """A field that one item of a list lacks reads as its zero there."""
    referrals = [{"stage": "won"}, {"value_eur": 5, "at": NOW}]

    assert evaluate(
        "contact.referrals.exists(r, r.stage == '' && r.value_eur == 5 && timestamp(r.at) == now)",
        contact={"referrals": referrals},
    )


def test_a_value_of_the_wrong_type_fails() -> None:
    """A value that contradicts its schema is an error that names the field."""
    with pytest.raises(EvaluationError, match=r'"event\.data\.score" is str, not int'):
        evaluate("event.data.score > 1", event={"data": {"score": "9"}})
    with pytest.raises(EvaluationError, match="without a zone"):
        evaluate("event.time < now", event={"time": datetime(2027, 1, 1)})  # noqa: DTZ001


# -- functions ------------------------------------------------------------------------------


def test_ago_is_now_less_a_span() -> None:
    """`ago` includes the instant exactly that long before."""
    text = "contact.nps.at >= ago('180d')"
    edge = NOW - timedelta(days=180)

    assert evaluate(text, contact={"nps": {"at": edge}}) is True
    assert evaluate(text, contact={"nps": {"at": edge - timedelta(seconds=1)}}) is False


def test_seen_gives_the_data_of_events() -> None:
    """`seen` asks for the events of its type, oldest first, and `sum` adds them up."""
    asked: list[str] = []

    def seen(kind: str) -> list[Mapping[str, object]]:
        asked.append(kind)
        return [{"attained": 2, "month": "jan"}, {"attained": 3}]

    text = "size(seen('agreement.reported')) == 2 && seen('agreement.reported')[0].month == 'jan'"
    total = "sum(seen('agreement.reported').map(e, e.attained))"

    assert evaluate(text, seen=seen) is True
    assert evaluate(total, "int", seen=seen) == 5
    assert asked == ["agreement.reported", "agreement.reported"]  # once an activation


def test_a_failure_is_an_error_not_a_value() -> None:
    """A division by zero, a missing key and a sum beyond 64 bits are evaluation errors."""
    cases: tuple[tuple[str, dict[str, object]], ...] = (
        ("10 / event.data.score > 1", {}),
        ("body.a == 1", {"body": {}}),
        ("sum([9223372036854775807, 1]) > 0", {}),
        ("contact.referrals[0].stage == ''", {}),
    )
    for text, values in cases:
        with pytest.raises(EvaluationError):
            evaluate(text, "bool", **values)


# -- the first operand that is false --------------------------------------------------------


def test_operands_are_the_author_s_texts() -> None:
    """The top `&&` is split as written, brackets, strings and inner chains left alone."""
    text = "contact.open_case && (event.type == ' && ' || true) && !(true && false)"

    assert compiled(text).operands == (
        "contact.open_case",
        "(event.type == ' && ' || true)",
        "!(true && false)",
    )
    assert compiled("( contact.open_case && true )").operands == ("contact.open_case", "true")
    assert compiled("true && false || true").operands == ("true && false || true",)
    assert compiled("true ? true && true : false").operands == ("true ? true && true : false",)


def test_the_first_false_operand_is_named() -> None:
    """A refusal names the first operand that is false, passing over one that fails."""
    text = "event.data.score / 0 == 1 && event.data.band == 'passive' && !contact.open_case"
    whole = "contact.open_case || event.data.score > 8"

    assert compiled(text).first_false(given()) == "event.data.band == 'passive'"
    assert compiled(whole).first_false(given()) == whole


# -- one activation, many expressions -------------------------------------------------------


def test_an_activation_serves_expressions_of_different_scopes() -> None:
    """The same name with another type in another scope is converted for each."""
    other = Scope({"event": {"data": {"score": "dyn"}}})
    values = given(event={"data": {"score": 9}})

    assert compiled("event.data.score == 9").evaluate(values) is True
    again = compile_expression("event.data.score == 9", other, returns="bool")
    assert again.evaluate(values) is True
    assert compiled("has(event.data.score)").evaluate(values) is True


@pytest.mark.parametrize(
    ("score", "against"),
    [(9, None), (3, "contact.nps.score >= 9"), (0, "10 / contact.nps.score == 1")],
)
def test_the_answer_and_its_reason_at_once(score: int, against: str | None) -> None:
    """The first false operand, none where all hold; a failing one leaves the rest to decide."""
    scope = Scope({"contact": {"nps": {"score": "int"}}})
    text = "10 / contact.nps.score == 1 && contact.nps.score >= 9"
    condition = compile_expression(text, scope, returns="bool")
    values = activation({"contact": {"nps": {"score": score}}}, NOW, lambda _: NOW)
    if score == 0:
        assert condition.false_operand(values) == "contact.nps.score >= 9"
        return
    if score == 3:
        against = "10 / contact.nps.score == 1"

    assert condition.false_operand(values) == against
