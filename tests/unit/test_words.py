"""Words for people: the form of a template, and the text of a mail."""

import pytest

from tests.unit.worded import MAIL, mail, refusal
from workflows.words import Rendered, WordsError, parse_template


def test_what_is_kept_of_one_mail_shows_nothing_in_the_next() -> None:
    """Markdown is read once for all recipients; each gets only the own name and link."""
    body = "Hello **{{ contact.name }}**, [yes]({{ links.gladly }}).\n\n    {{ contact.name }}\n"
    said = [
        mail(body, contact={"name": name}, links={"gladly": f"https://x.example/{name}"})
        for name in ("Ana", "Ben", "Ana")
    ]

    assert said[0] == said[2]
    assert "Ana" not in f"{said[1].html}{said[1].text}"
    assert said[1].html.count("Ben") == said[0].html.count("Ana") == 3


# -- form -----------------------------------------------------------------------------------


def test_a_mail_has_front_matter_and_a_body() -> None:
    """Subject and preheader are templates of their own; a colon in them needs no quotes."""
    text = (
        "---\n# shown in the inbox\nsubject: Thanks, {{ contact.name }}: great\n"
        'preheader: "One more thing"\nsender: owner\n---\nDear {{ contact.name }},\n'
    )

    rendered = parse_template(text, kind="email", name="x").render(
        {"contact": {"name": "An"}}, "en"
    )

    assert rendered == Rendered(
        subject="Thanks, An: great",
        preheader="One more thing",
        text="Dear An,\n",
        html="<p>Dear An,</p>\n",
        sender="owner",
    )


@pytest.mark.parametrize(
    ("text", "message", "line", "column", "hint"),
    [
        ("Hello", "a mail begins with its front matter", 1, 1, "begin with ---, subject: ..., ---"),
        ("---\nsubject: a\n", "the front matter has no end", 1, 1, "close it with a line of ---"),
        ("---\nsender: owner\n---\n", "a mail needs a subject", 1, 1, "add subject: ..."),
        ("---\nsubjct: a\n---\n", 'unknown key "subjct"', 2, 1, 'did you mean "subject"?'),
        (
            "---\nsubject: a\nsubject: b\n---\n",
            '"subject" stands here twice',
            3,
            1,
            "keep one of them",
        ),
        (
            "---\nsubject: a\nsender: ownr\n---\n",
            'unknown sender "ownr"',
            3,
            9,
            'did you mean "owner"?',
        ),
    ],
)
def test_wrong_front_matter_is_refused(
    text: str, message: str, line: int, column: int, hint: str
) -> None:
    """Each slip in the front matter is told with its place and remedy."""
    with pytest.raises(WordsError) as caught:
        parse_template(text, kind="email", name="x")

    error = caught.value
    assert (str(error), error.line, error.column, error.hint) == (message, line, column, hint)
    assert error.code == "bad-template"


def test_a_text_message_and_a_title_have_no_front_matter() -> None:
    """Text messages keep their lines, titles are one line; neither has HTML."""
    values = {"contact": {"name": "An\nSmit"}}

    message = parse_template("Hi {{ contact.name }}\nBye\n", kind="sms", name="x")
    title = parse_template("Call {{ contact.name }}", kind="title", name="x")

    assert message.render(values, "en").text == "Hi An\nSmit\nBye"
    assert title.render(values, "en").text == "Call An Smit"
    assert message.render(values, "en").html == ""


def test_a_syntax_error_has_its_line_in_the_file() -> None:
    """Lines of the front matter count."""
    assert refusal(MAIL + "a\n{{ contact.name }\n", "email")[1:] == (5, 1)
    assert refusal("{{ a|dat }}")[0] == 'unknown filter "dat"'


# -- text of a mail -------------------------------------------------------------------------


def test_the_plain_text_reads_well() -> None:
    """Headings, lists, emphasis and links have a plain form."""
    body = (
        "# Hello\n\nA **bold** word,\nand [a link](https://x.example).\n\n"
        "- one\n- two\n  - deep\n\n1. first\n2. second\n\n---\n\n`code`\n"
    )

    assert mail(body).text == (
        "Hello\n\nA bold word,\nand a link: https://x.example.\n\n"
        "- one\n- two\n  - deep\n\n1. first\n2. second\n\n---\n\ncode\n"
    )


def test_a_line_that_says_something_keeps_its_end() -> None:
    """A block at its end leaves paragraphs and lists as they are written; a line of blocks goes."""
    body = (
        "{% if contact.on %}Yes.{% else %}No.{% endif %}\n\nThis is it:\n\n"
        "{% for each in contact.names %}\n"
        "- {{ each }}: {% if each == 'Ana' %}one{% endif %} {# once #}\n"
        "{% endfor %}\n\n"
        "{% if contact.on %}\nMore.\n\n{% endif %}\nBye\n"
    )

    said = mail(body, contact={"on": True, "names": ["Ana", "Ben"]}).text

    assert said == "Yes.\n\nThis is it:\n\n- Ana: one\n- Ben:\n\nMore.\n\nBye\n"
