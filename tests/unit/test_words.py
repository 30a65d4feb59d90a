"""Words for people: what a template may hold, what it becomes, what is refused at load."""

from datetime import UTC, date, datetime

import pytest

from workflows.cel_scope import ListOf
from workflows.words import (
    RENDERED_BYTES_MAX,
    TEMPLATE_BYTES_MAX,
    Kind,
    Rendered,
    Template,
    WordsError,
    WordsScope,
    check_template,
    parse_template,
)
from workflows.words_sandbox import DEPTH_MAX

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
MAIL = "---\nsubject: Hello\n---\n"


def mail(body: str, **values: object) -> Rendered:
    return parse_template(MAIL + body, kind="email", name="x").render(values, "en")


def short(text: str, locale: str = "en", **values: object) -> str:
    return parse_template(text, kind="sms", name="x").render(values, locale).text


def refusal(text: str, kind: Kind = "sms") -> tuple[str, int, int]:
    with pytest.raises(WordsError) as caught:
        parse_template(text, kind=kind, name="x")
    return str(caught.value), caught.value.line, caught.value.column


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


def checked(text: str, kind: Kind = "sms") -> list[tuple[str, int, int, int, str]]:
    template: Template = parse_template(text, kind=kind, name="x")
    return [
        (str(error), error.line, error.column, error.end_column, error.hint)
        for error in check_template(template, SCOPE)
    ]


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


# -- safety ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ contact._private }}",
        "{{ _locale }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ contact.name.format }}",
        "{{ contact.keys }}",
        "{{ contact|attr('name') }}",
        "{{ contact|map(attribute='name') }}",
        "{{ contact }}",
        "{{ lipsum }}",
        "{{ namespace }}",
        "{% for a in items %}{{ loop.cycle }}{% endfor %}",
        "{% for a in items %}{{ loop }}{% endfor %}",
        "{% include 'other' %}",
        "{% import 'other' as o %}",
        "{% extends 'other' %}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
    ],
)
def test_a_template_cannot_reach_out(text: str) -> None:
    """Nothing but keys of the given values can be read: no attribute, no global, no file."""
    with pytest.raises(WordsError):
        short(text, contact={"name": "An"}, items=[1])


@pytest.mark.parametrize(
    "text",
    [
        "{{ range(1000000000) }}",
        "{% for a in range(1000000000) %}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ items * 1000000000 }}",
        "{{ 999999999 * 999999999 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ 'a'|center(999999999) }}",
        "{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}",
        "{{ word|join(word)|join(word)|join(word) }}",
        "{{ long|join(word) }}",
        "{{ word|truncate(1, true, word) }}",
        "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
        "{{ " + "not " * 4000 + "1 }}",
        "{{ word" + "|upper" * 4000 + " }}",
        "{{ " + "1 + " * 4000 + "1 }}",
        "{% if 1 %}" * 400 + "{% endif %}" * 400,
    ],
)
def test_a_template_cannot_run_long(text: str) -> None:
    """Whatever could take a gigabyte or an hour is refused."""
    with pytest.raises(WordsError):
        short(text, items=[1], word="x" * 4000, long=["x"] * 4000)


@pytest.mark.parametrize(
    ("most", "more"),
    [
        ("{{ " + " + ".join(["1"] * (DEPTH_MAX - 1)) + " }}", " + ".join(["1"] * DEPTH_MAX)),
        ("{{ items|join(' ') }}", ""),
    ],
)
def test_depth_is_bounded_at_its_edge(most: str, more: str) -> None:
    """As deep as the bound passes, one more does not; a list is joined as ever."""
    assert short(most, items=[1, 2]) in (str(DEPTH_MAX - 1), "1 2")
    if more:
        with pytest.raises(WordsError, match="deeper than 60"):
            short(f"{{{{ {more} }}}}")


def test_the_output_is_bounded() -> None:
    """The bound counts bytes, with its edge inside, for loops and for values in a mail."""
    text = "{% for a in items %}x{% endfor %}"
    most = ["x"] * RENDERED_BYTES_MAX

    assert len(short(text, items=most)) == RENDERED_BYTES_MAX
    with pytest.raises(WordsError, match="longer than 65536 bytes"):
        short(text, items=[*most, "x"])
    with pytest.raises(WordsError, match="longer than 65536 bytes"):
        mail("{{ contact.name }}", contact={"name": "é" * (RENDERED_BYTES_MAX // 2 + 1)})


def test_the_file_is_bounded() -> None:
    """A template file has at most 64 KiB."""
    assert len(short("x" * TEMPLATE_BYTES_MAX)) == TEMPLATE_BYTES_MAX
    assert "65537 bytes" in refusal("x" * (TEMPLATE_BYTES_MAX + 1))[0]


def test_values_are_never_markup() -> None:
    """A value that looks like Markdown or HTML is shown as it is, in HTML and in text."""
    name = "**An** <b>&</b> [x](http://evil.example)\n# Big"

    rendered = mail("Hi {{ contact.name }} *you*", contact={"name": name})

    assert rendered.html == (
        "<p>Hi **An** &lt;b&gt;&amp;&lt;/b&gt; [x](http://evil.example)\n# Big <em>you</em></p>\n"
    )
    assert rendered.text == f"Hi {name} you\n"


def test_html_in_a_template_is_shown_not_obeyed() -> None:
    """Markup in mails is Markdown only."""
    assert mail("<script>x</script>").html == "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("https://x.example/a?b=1&c=%22", "https://x.example/a?b=1&amp;c=%22"),
        ('https://x.example/" onclick="x', "https://x.example/&quot; onclick=&quot;x"),
        ("javascript:alert(1)", "#"),
        ("data:text/html,x", "#"),
    ],
)
def test_links_lead_to_safe_places(address: str, href: str) -> None:
    """A link's address cannot leave its attribute, and leads to the web, mail or phone only."""
    rendered = mail("[Yes]({{ links.gladly }})", links={"gladly": address})

    assert rendered.html == f'<p><a href="{href}">Yes</a></p>\n'


def test_a_subject_is_one_line() -> None:
    """No value can add a header to a mail."""
    template = parse_template("---\nsubject: Hi {{ a.b }}\n---\n", kind="email", name="x")

    assert template.render({"a": {"b": "x\r\nBcc: evil"}}, "en").subject == "Hi x Bcc: evil"


def test_a_template_that_holds_the_mark_is_rendered_right() -> None:
    """Letters like those that stand for held values are safe in a template."""
    assert mail("vq0x {{ a.b }} vqq", a={"b": "1"}).text == "vq0x 1 vqq\n"


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


# -- filters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "long", "day"),
    [
        ("nl", "vrijdag 5 februari 2027", "5 februari 2027"),
        ("nl-BE", "vrijdag 5 februari 2027", "5 februari 2027"),
        ("de", "Freitag, 5. Februar 2027", "5. Februar 2027"),
        ("en", "Friday 5 February 2027", "5 February 2027"),
        ("xx", "Friday 5 February 2027", "5 February 2027"),
    ],
)
def test_dates_are_in_the_recipient_s_language(locale: str, long: str, day: str) -> None:
    """A date is written out in the locale's language, else in English."""
    text = "{{ on|date }}/{{ on|date('day') }}"

    assert short(text, locale, on=date(2027, 2, 5)) == f"{long}/{day}"


def test_instants_are_in_the_recipient_s_zone() -> None:
    """Late in the evening in UTC is the next day in Amsterdam."""
    at = datetime(2027, 2, 4, 23, 30, tzinfo=UTC)
    contact = {"zone": "Europe/Amsterdam"}

    assert short("{{ at|date('day') }}", at=at, contact=contact) == "5 February 2027"
    assert short("{{ at|date('time') }}", at=at, contact=contact) == "00:30"
    assert short("{{ at|date('day') }}", at="2027-02-04T23:30:00Z") == "4 February 2027"
    assert short("{{ at }}", at=at) == "Thursday 4 February 2027"
    assert short("{{ at|date('day') }}", at=at, contact={"zone": "No/Where"}) == "4 February 2027"


@pytest.mark.parametrize(
    ("locale", "currency", "amount"),
    [
        ("nl", {"code": "star", "decimals": 0, "names": {"nl": "sterren"}}, "1.250 sterren"),
        ("de", {"code": "stars", "names": {"nl": "sterren"}}, "1.250 Sterne"),
        ("nl", {"code": "EUR", "decimals": 2}, "€ 12,50"),
        ("en", "EUR", "€1,250"),
        ("en", "points", "1,250 points"),
    ],
)
def test_amounts_have_their_unit(locale: str, currency: object, amount: str) -> None:
    """An amount is written with the programme's currency, in the locale's manner."""
    assert short("{{ 1250|amount }}", locale, programme={"currency": currency}) == amount


def test_words_are_translated() -> None:
    """The programme's own words come first, then the built-in ones, then the word itself."""
    words = {"nl": {"quote": "een citaat"}}

    assert short("{{ 'quote'|t }}", "nl") == "een aanbeveling"
    assert short("{{ 'quote'|t }}", "nl", words=words) == "een citaat"
    assert short("{{ 'root_cause'|t }}", "nl") == "root cause"


def test_a_default_serves_absent_null_and_empty() -> None:
    """A default stands in for what is not there, however deep, and for an empty text."""
    text = "{{ contact.nps.comment|default('-') }}"

    assert short(text) == "-"
    assert short(text, contact={"nps": None}) == "-"
    assert short(text, contact={"nps": {"comment": None}}) == "-"
    assert short(text, contact={"nps": {"comment": ""}}) == "-"
    assert short(text, contact={"nps": {"comment": "x"}}) == "x"


def test_what_is_absent_without_default_fails_with_its_line() -> None:
    """Nobody gets a mail with a hole in it."""
    with pytest.raises(WordsError, match='"name" has no value here') as caught:
        mail("Dear\n\n{{ contact.name }}", contact={})

    assert caught.value.line == 6


def test_a_bad_value_fails_as_words() -> None:
    """A filter that is given nonsense fails with the place, not with a crash."""
    for text in ("{{ 'x'|date }}", "{{ 'x'|amount }}", "{{ 1 // 0 }}", "{{ 1 + 'a' }}"):
        with pytest.raises(WordsError):
            short(text)


# -- the check ------------------------------------------------------------------------------


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
