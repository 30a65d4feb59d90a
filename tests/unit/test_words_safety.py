"""What no template and no value can do: reach out, run long, write markup or headers."""

import pytest

from tests.unit.worded import mail, refusal, short
from workflows.words import RENDERED_BYTES_MAX, TEMPLATE_BYTES_MAX, WordsError, parse_template
from workflows.words_sandbox import DEPTH_MAX


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
