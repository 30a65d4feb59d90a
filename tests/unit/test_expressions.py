"""Conditions in CEL: what is refused at load, with its place, and what they give."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from events.errors import VouchError
from workflows.cel_names import SLOTS_MAX
from workflows.expressions import (
    EXPRESSION_BYTES_MAX,
    Activation,
    EvaluationError,
    Expression,
    ExpressionError,
    ListOf,
    Returns,
    Scope,
    activation,
    check_expression,
    compile_expression,
)

NOW = datetime(2027, 2, 3, 14, 0, tzinfo=UTC)
ITEMS_SEEN_MAX = 9_999
"""What the library's iteration budget lets one expression look at."""


def _days(text: str) -> timedelta:
    if not text.endswith("d"):
        raise VouchError(f"{text!r} is not a span", hint="write it like 7d")
    return timedelta(days=int(text.removesuffix("d")))


SCOPE = Scope(
    {
        "event": {
            "type": "string",
            "time": "instant",
            "data": {
                "score": "int",
                "band": "string",
                "start_on": "instant",
                "lead": {"id": "string", "name": "string"},
            },
        },
        "contact": {
            "open_case": "bool",
            "segments": "list",
            "first_name": "string",
            "nps": {"at": "instant", "band": "string"},
            "referrals": ListOf({"stage": "string", "at": "instant", "value_eur": "int"}),
        },
        "body": "dyn",
        "now": "instant",
    },
    labels={"event": "nps.answered"},
    lacking={"event.data.deal": "lead.created"},
    seen={"agreement.reported": {"attained": "int", "month": "string"}},
    check_span=_days,
)


def compiled(text: str, returns: Returns = "bool") -> Expression:
    return compile_expression(text, SCOPE, returns=returns)


def given(**values: object) -> Activation:
    return activation(values, NOW, lambda span: NOW - _days(span))


def evaluate(text: str, returns: Returns = "bool", **values: object) -> object:
    return compiled(text, returns).evaluate(given(**values))


def finding(text: str, returns: Returns = "bool") -> tuple[str, str, str]:
    """Return message, marked part and hint of the only finding."""
    (error,) = check_expression(text, SCOPE, returns=returns)
    return str(error), text[error.offset : error.end], error.hint


# -- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        (
            "event.data.scor <= 6",
            'unknown field "event.data.scor" of nps.answered',
            "event.data.scor",
            'did you mean "event.data.score"?',
        ),
        (
            "contact.open_case && !has(event . data . bnd)",
            'unknown field "event.data.bnd" of nps.answered',
            "event . data . bnd",
            'did you mean "event.data.band"?',
        ),
        (
            "event.score > 1",
            'unknown field "event.score" of nps.answered',
            "event.score",
            'did you mean "event.data.score"?',
        ),
        (
            "contact.nps.bnd == ''",
            'unknown field "contact.nps.bnd"',
            "contact.nps.bnd",
            'did you mean "contact.nps.band"?',
        ),
        ("evnt.type == ''", 'unknown name "evnt"', "evnt", 'did you mean "event"?'),
        (
            "event.data.score.low == 1",
            '"event.data.score" is an int and has no field "low"',
            "event.data.score.low",
            "write event.data.score",
        ),
        (
            "event.data.deal == ''",
            '"event.data.deal" is not a field of lead.created, which is listed here too',
            "event.data.deal",
            "make two workflows of it, or two entries",
        ),
        (
            "event.data.lead == 1",
            '"event.data.lead" is a group of fields: name one',
            "event.data.lead",
            "known: event.data.lead.id, event.data.lead.name",
        ),
        (
            "contact.referrals.exists(r, r.stag == 'won')",
            'unknown field "stag"',
            "stag",
            'did you mean "stage"?',
        ),
        (
            "contact.referrals[0].stag == 'won'",
            'unknown field "stag"',
            "stag",
            'did you mean "stage"?',
        ),
        (
            "contact.referrals.exists(r, r.at < now)",
            '"r.at" is an instant inside a list and is kept as text there',
            "r.at",
            "write timestamp(r.at)",
        ),
        (
            "contact.segments.exists(event, event == 'x')",
            'the variable "event" hides a name',
            "contact.segments.exists(event, event == 'x')",
            "choose another name",
        ),
        (
            "event.type.startWith('x')",
            'unknown function "startWith"',
            "startWith",
            'did you mean "startsWith"?',
        ),
    ],
)
def test_an_unknown_name_is_marked_exactly(text: str, message: str, marked: str, hint: str) -> None:
    """What does not exist is refused at its place, with the closest that does."""
    assert finding(text) == (message, marked, hint)


def test_positions_count_characters() -> None:
    """Letters outside ASCII before a finding do not move its mark."""
    assert finding("'héé ☂ 🙂' == event.data.bandd")[1] == "event.data.bandd"


def test_every_form_of_text_literal_is_skipped() -> None:
    """Names inside texts and comments are no names, however the texts are quoted."""
    text = (
        r"""[r'\d ', 'it\'s event.x', "a \" event.y", '\\'] != [] && event.data.score == 9"""
        "\n&& '''it's event.z''' != '' // && event.nothing"
    )

    assert evaluate(text, event={"data": {"score": 9}}) is True
    assert compiled(text).names == {"event.data.score"}


def test_all_findings_come_at_once() -> None:
    """Unknown names, wrong numbers and wrong types are told together, in their order."""
    text = "event.data.scor > 1 && contact.open_case == 'x' && event.data.score > 1.5"

    found = check_expression(text, SCOPE, returns="bool")

    assert [text[error.offset : error.end] for error in found] == [
        "event.data.scor",
        "contact.open_case == 'x'",
        "1.5",
    ]


def test_names_lists_what_is_used() -> None:
    """An expression knows its paths, those inside `has()` included, and the events it asks for."""
    expression = compiled(
        "has(event.data.score) && event.data.score > 8 && contact.nps.at < ago('7d')"
        " && size(seen('agreement.reported')) > 0"
    )

    assert expression.names == {"event.data.score", "contact.nps.at"}
    assert expression.seen == {"agreement.reported"}


# -- types ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        (
            "!(event.data.score == 'x')",
            "an int is compared with a string",
            "event.data.score == 'x'",
        ),
        ("contact.nps.at\n > event.data.score", "an instant is compared with an int", None),
        (
            "event.data.score + 'a' == 3",
            '"+" does not take an int and a string',
            "event.data.score + 'a'",
        ),
        ("size(event.data.score) > 1", "size() does not take an int", "size(event.data.score)"),
        ("contact.referrals < [[1]]", "a list is compared with a list", None),
        ("'a' in event.type", "a string cannot be looked for in a string", None),
        ("!event.data.score", '"!" does not take an int', None),
        ("event.data.score", "this gives an int, and a bool is needed", None),
        ("event.data.score > 1.5", "numbers are whole here: 1.5", "1.5"),
        ("event.data.score > int(2u)", "numbers are whole here: 2u", "2u"),
        ("double(event.data.score) == 1", "there is no double(): numbers are whole here", "double"),
    ],
)
def test_a_wrong_type_is_a_sentence(text: str, message: str, marked: str | None) -> None:
    """The type checker's findings read as sentences and mark the part concerned."""
    found = finding(text)

    assert found[:2] == (message, text if marked is None else marked)


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        ("contact.open_case and true", '"and" is not expected here', "and", "write && for and"),
        ("not contact.open_case", '"not" is not expected here', "not", "write ! for not"),
        ("contact.open_case = true", '"=" is not expected here', "=", "write == to compare"),
        ("event.type == 'abc", "this text has no closing quote", "'abc", "close it with '"),
        ("(true", "the expression ends too early", "e", "close the bracket"),
        ("", "the expression is empty", "", "write a condition, or leave the key out"),
        ("  ", "the expression is empty", "  ", "write a condition, or leave the key out"),
    ],
)
def test_what_is_no_expression_says_why(text: str, message: str, marked: str, hint: str) -> None:
    """A slip of syntax is told in plain words, with the usual remedy."""
    assert finding(text) == (message, marked, hint)


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


@pytest.mark.parametrize(
    ("text", "marked", "hint"),
    [
        ("ago(event.type) < now", "ago(event.type)", "write ago('180d')"),
        ("ago('7 d') < now", "'7 d'", "write a span like '180d' or '2h30m'"),
        ("ago('7x') < now", "'7x'", "write it like 7d"),
        ("seen(event.type) == []", "seen(event.type)", "write seen('agreement.reported')"),
        (
            "size(seen('agreement.reportd')) > 1",
            "'agreement.reportd'",
            'did you mean "agreement.reported"?',
        ),
        ("duration('7d') > duration('1h')", "'7d'", "use ago('7d') for a span before now"),
        (
            "now < timestamp('2027-02-30T00:00:00Z')",
            "'2027-02-30T00:00:00Z'",
            "write it like timestamp('2027-02-03T14:00:00Z')",
        ),
    ],
)
def test_arguments_are_checked_at_load(text: str, marked: str, hint: str) -> None:
    """A span, an event type or an instant that cannot be right is refused when it is loaded."""
    assert finding(text)[1:] == (marked, hint)


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


# -- bounds ---------------------------------------------------------------------------------


def test_an_expression_has_at_most_4096_bytes() -> None:
    """The bound counts bytes of UTF-8, and its edge is inside."""
    room = EXPRESSION_BYTES_MAX - len("event.type == ''")
    longest = f"event.type == '{'é' * (room // 2)}'"

    assert check_expression(longest, SCOPE, returns="bool") == []
    assert "4097 bytes" in finding(longest[:-1] + "x'")[0]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "true" + ")" * 2000,
        "[" * 2000 + "]" * 2000 + " == []",
        "{1:" * 900 + "1" + "}" * 900 + " == 1",
        "body" + ".b" * 2000 + " == 1",
        "body" + "[0]" * 1000 + " == 1",
        " + ".join(["1"] * 40) + " == 40",
        "true ? true : " * 290 + "true",
        "size(" * 500 + "'a'" + ")" * 500 + " == 1",
    ],
)
def test_nesting_is_bounded(text: str) -> None:
    """What is nested hundreds deep is refused at once, whatever it is made of."""
    assert finding(text)[0] == "the expression is nested or chained more than 32 deep"


def test_long_flat_chains_are_fine() -> None:
    """A chain of `&&` is no nesting: it may fill the whole text."""
    assert evaluate(" && ".join(["true"] * 500)) is True


@pytest.mark.parametrize(
    "text",
    [
        "contact.segments.all(x, contact.segments.all(y, x == y))",
        "contact.segments.all(x, size(contact.segments.filter(y, x == y)) == 1)",
        "['aaaaaaaa'].map(x, x + x).map(x, x + x) == []",
    ],
)
def test_cost_bombs_are_refused(text: str) -> None:
    """Loops in loops and maps over maps, whose cost or size multiplies, are refused at load."""
    assert "its cost has no bound" in finding(text)[0]


def test_a_loop_has_an_iteration_budget() -> None:
    """A list longer than the budget fails the evaluation instead of holding up the drain."""
    text = "contact.segments.all(s, s == 'a')"

    assert evaluate(text, contact={"segments": ["a"] * ITEMS_SEEN_MAX}) is True
    with pytest.raises(EvaluationError, match="too many items"):
        evaluate(text, contact={"segments": ["a"] * (ITEMS_SEEN_MAX + 2)})


def test_different_names_of_one_type_are_bounded() -> None:
    """An expression may use a hundred different names of a type, not one more."""
    scope = Scope({"wide": {f"f{number}": "bool" for number in range(SLOTS_MAX + 1)}})
    names = [f"wide.f{number}" for number in range(SLOTS_MAX + 1)]

    assert check_expression(" && ".join(names[:-1]), scope, returns="bool") == []
    (error,) = check_expression(" && ".join(names), scope, returns="bool")
    assert "more than 100 different names" in str(error)


def test_a_root_too_short_to_rewrite_is_refused() -> None:
    """A scope says at once when a name could not be written over in place."""
    with pytest.raises(ValueError, match="at least 4"):
        Scope({"abc": "int"})


def test_compile_raises_the_first_finding() -> None:
    """`compile_expression` raises what `check_expression` lists first, under a stable code."""
    with pytest.raises(ExpressionError, match=r"event\.data\.scor") as caught:
        compiled("event.data.scor > 1 && nobody")

    assert caught.value.code == "bad-expression"
    assert (caught.value.offset, caught.value.end) == (0, 15)


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


@pytest.mark.parametrize(
    ("text", "marked", "says"),
    [
        ("contact.name.matches(contact.owner)", "matches", "a literal pattern"),
        ("contact.name.matches('(')", "'('", "missing )"),
        ("contact.name.matches('a') && contact.name.matches('(?=b)')", "'(?=b)'", "perl operator"),
        ("contact.name.matches('(a{900}){900}')", "'(a{900}){900}'", "repetition"),
    ],
)
def test_patterns_are_literal_and_right(text: str, marked: str, says: str) -> None:
    """What would take minutes, or fail at every event, is refused at load."""
    scope = Scope({"contact": {"name": "string", "owner": "string"}})

    (error,) = check_expression(text, scope, returns="bool")

    assert text[error.offset : error.end] == marked
    assert says in str(error)
