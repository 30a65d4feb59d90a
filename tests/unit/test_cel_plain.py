"""Conditions that Python answers: the same answers as the library's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.expressions import Expression, Scope, activation, compile_expression

NOW = datetime(2027, 2, 3, 14, tzinfo=UTC)
SCOPE = Scope(
    {
        "contact": {"tier": "string", "open_case": "bool", "age": "int", "since": "instant"},
        "event": {"data": {"score": "int", "band": "string", "final": "bool"}},
        "now": "instant",
    }
)
LEAVES = (
    "contact.open_case", "!contact.open_case", "event.data.final == true", "has(contact.tier)",
    "contact.tier == 'gold'", "contact.tier != event.data.band", "event.data.band == ''",
    "event.data.score >= 9", "event.data.score < contact.age", "contact.age != 3",
    "contact.since >= ago('180d')", "contact.since <= now", "event.data.score > 6",
)  # fmt: skip
TEXTS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda text: f"!({text})"),
    ),
    max_leaves=6,
)
WORDS = st.sampled_from([None, "", "gold", "silver"])
NUMBERS = st.one_of(st.none(), st.integers(-3, 12))
VALUES = st.fixed_dictionaries(
    {
        "contact": st.fixed_dictionaries(
            {
                "tier": WORDS,
                "open_case": st.sampled_from([None, True, False]),
                "age": NUMBERS,
                "since": st.sampled_from([None, "2027-02-03", "2026-01-01T00:00:00Z", NOW]),
            }
        ),
        "event": st.fixed_dictionaries(
            {
                "data": st.fixed_dictionaries(
                    {"score": NUMBERS, "band": WORDS, "final": st.sampled_from([None, True])}
                )
            }
        ),
    }
)


def _ago(span: str) -> datetime:
    return NOW - timedelta(days=int(span.removesuffix("d")))


def _answers(expression: Expression, values: dict[str, object]) -> list[object]:
    seen = activation(values, NOW, _ago)
    return [expression.evaluate(seen), expression.false_operand(seen)]


@given(TEXTS, VALUES)
def test_python_and_the_library_agree(text: str, values: dict[str, object]) -> None:
    """Whatever is compared with whatever, absent values included, both give the same."""
    plain = compile_expression(text, SCOPE, returns="bool")
    library = replace(plain, _plain=None)

    assert plain._plain is not None  # noqa: SLF001 - else this would compare nothing
    assert _answers(plain, values)[0] is _answers(library, values)[0]
    assert _answers(plain, values)[1] == _answers(library, values)[1]


@pytest.mark.parametrize(
    "text",
    ["contact.tier.startsWith('g')", "contact.tier in ['gold']", "contact.age + 1 > 3",
     "contact.tier > 'a'", "contact.age > 1 ? true : false"],
)  # fmt: skip
def test_what_is_not_plain_takes_the_library(text: str) -> None:
    """Functions, sums and choices are the library's."""
    assert compile_expression(text, SCOPE, returns="bool")._plain is None  # noqa: SLF001
