"""Words for people, rendered in one line: a mail, a text message, or why not."""

import pytest

from workflows.words import Kind, Rendered, WordsError, parse_template

MAIL = "---\nsubject: Hello\n---\n"


def mail(body: str, **values: object) -> Rendered:
    return parse_template(MAIL + body, kind="email", name="x").render(values, "en")


def short(text: str, locale: str = "en", **values: object) -> str:
    return parse_template(text, kind="sms", name="x").render(values, locale).text


def refusal(text: str, kind: Kind = "sms") -> tuple[str, int, int]:
    with pytest.raises(WordsError) as caught:
        parse_template(text, kind=kind, name="x")
    return str(caught.value), caught.value.line, caught.value.column
