"""Conditions over one scope that knows each type: compiled, evaluated, or their one finding."""

from datetime import UTC, datetime, timedelta

from events.errors import VouchError
from workflows.expressions import (
    Activation,
    Expression,
    ListOf,
    Returns,
    Scope,
    activation,
    check_expression,
    compile_expression,
)

NOW = datetime(2027, 2, 3, 14, 0, tzinfo=UTC)


def days(text: str) -> timedelta:
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
    check_span=days,
)


def compiled(text: str, returns: Returns = "bool") -> Expression:
    return compile_expression(text, SCOPE, returns=returns)


def given(**values: object) -> Activation:
    return activation(values, NOW, lambda span: NOW - days(span))


def evaluate(text: str, returns: Returns = "bool", **values: object) -> object:
    return compiled(text, returns).evaluate(given(**values))


def finding(text: str, returns: Returns = "bool") -> tuple[str, str, str]:
    """Return message, marked part and hint of the only finding."""
    (error,) = check_expression(text, SCOPE, returns=returns)
    return str(error), text[error.offset : error.end], error.hint
