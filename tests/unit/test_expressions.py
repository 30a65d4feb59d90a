"""Conditions in CEL: what is refused at load, with its place."""

import pytest

from tests.unit.cel import SCOPE, compiled, evaluate, finding
from workflows.expressions import ExpressionError, check_expression

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


def test_compile_raises_the_first_finding() -> None:
    """`compile_expression` raises what `check_expression` lists first, under a stable code."""
    with pytest.raises(ExpressionError, match=r"event\.data\.scor") as caught:
        compiled("event.data.scor > 1 && nobody")

    assert caught.value.code == "bad-expression"
    assert (caught.value.offset, caught.value.end) == (0, 15)
