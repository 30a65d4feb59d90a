"""Bounds of conditions: bytes, nesting, cost, names, patterns."""

import pytest

from tests.unit.cel import SCOPE, evaluate, finding
from workflows.cel_names import SLOTS_MAX
from workflows.expressions import EXPRESSION_BYTES_MAX, EvaluationError, Scope, check_expression

ITEMS_SEEN_MAX = 9_999
"""What the library's iteration budget lets one expression look at."""


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
