"""Names in templates, checked at load: what is unknown or can be absent, at its place."""

import pytest

from workflows.cel_scope import ListOf
from workflows.words import Kind, Template, WordsScope, check_template, parse_template

SCOPE = WordsScope(
    {
        "contact": {
            "name": "string",
            "first_name": "string",
            "nps": {"score": "int", "comment": "string"},
            "segments": "list",
            "referrals": ListOf({"stage": "string", "lead": {"name": "string"}}),
        },
        "referral": {"id": "string", "lead": {"name": "string"}},
        "links": {"gladly": "string"},
        "trigger": {"data": "dyn"},
    },
    absent=frozenset({"contact.first_name", "contact.nps.comment", "referral"}),
)


def checked(text: str, kind: Kind = "sms") -> list[tuple[str, int, int, int, str]]:
    template: Template = parse_template(text, kind=kind, name="x")
    return [
        (str(error), error.line, error.column, error.end_column, error.hint)
        for error in check_template(template, SCOPE)
    ]


def test_a_correct_template_has_no_findings() -> None:
    """Loops, tests and defaults are understood."""
    assert (
        checked(
            "{{ contact.name }} {{ contact.first_name|default('you') }} {{ trigger.data.any.x }}"
            "{% for r in contact.referrals %}{{ loop.index }} {{ r.lead.name }}{% endfor %}"
            "{% for s in contact.segments %}{{ s|upper }}{% endfor %}"
            "{% if referral is defined %}{{ referral.lead.name }}{% endif %}"
            "{{ contact.nps.comment if contact.nps.comment is defined else '' }}"
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "message", "column", "end", "hint"),
    [
        (
            "Hi {{ contact.nam }}",
            'unknown field "contact.nam"',
            7,
            18,
            'did you mean "contact.name"?',
        ),
        ("Hi {{ contct.name }}", 'unknown name "contct"', 7, 13, 'did you mean "contact"?'),
        (
            "{{ cycler }}",
            'unknown name "cycler"',
            4,
            10,
            "known: contact, links, referral, trigger",
        ),
        (
            "{{ contact.name }} {{ contact.name.x }}",
            '"contact.name" is a string and has no field "x"',
            23,
            37,
            "write {{ contact.name }}",
        ),
        (
            "{{ contact.first_name }}",
            '"contact.first_name" can be absent and has no default',
            4,
            22,
            "write {{ contact.first_name|default('...') }}",
        ),
        (
            "{{ referral.lead.name }}",
            '"referral.lead.name" can be absent and has no default',
            4,
            22,
            "write {{ referral.lead.name|default('...') }}",
        ),
        (
            "{% if contact.first_name %}x{% endif %}",
            '"contact.first_name" can be absent and has no default',
            7,
            25,
            "write {% if contact.first_name is defined %}",
        ),
        (
            "{% for r in contact.referrals %}{{ r.stag }}{% endfor %}",
            'unknown field "r.stag"',
            36,
            42,
            'did you mean "r.stage"?',
        ),
        (
            "{{ contact.nps }}",
            '"contact.nps" is a group of fields: name one',
            4,
            15,
            "such as contact.nps.score",
        ),
        (
            "{{ contact.name|amount }}",
            '"contact.name" is a string, and |amount takes a whole number',
            4,
            16,
            "write {{ contact.name }}",
        ),
        (
            "{{ contact.name|date('short') }}",
            'unknown style of a date "short"',
            4,
            16,
            "known: day, long, time",
        ),
    ],
)
def test_a_wrong_name_is_marked(text: str, message: str, column: int, end: int, hint: str) -> None:
    """What is unknown or can be absent is found at load, at its place."""
    assert checked(text) == [(message, 1, column, end, hint)]


def test_places_count_the_front_matter() -> None:
    """Findings in subject and body bear the line and column of the file."""
    text = "---\nsubject: Hi {{ contact.nam }}\n---\nDear\n  {{ contact.nam }} {{ contact.nam }}\n"

    assert [row[1:4] for row in checked(text, "email")] == [(2, 16, 27), (5, 6, 17), (5, 24, 35)]
