"""Filters of templates: dates, amounts, translations, defaults."""

from datetime import UTC, date, datetime

import pytest

from tests.unit.worded import mail, short
from workflows.words import WordsError


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


@pytest.mark.parametrize("filter_", ["date", "amount", "date('time')"])
@pytest.mark.parametrize("value", ["Anna Jansen", "2027-13-01", "2027-01-01T99:00", 1.5, ["Anna"]])
def test_a_bad_value_is_not_repeated(filter_: str, value: object) -> None:
    """What somebody wrote is in no error: that stands in a dead letter's heading and in a log."""
    with pytest.raises(WordsError) as caught:
        short(f"{{{{ name|{filter_} }}}}", name=value)

    assert "given to it" in str(caught.value)
    assert str(value) not in str(caught.value)


def test_a_bad_value_fails_as_words() -> None:
    """A filter that is given nonsense fails with the place, not with a crash."""
    for text in ("{{ 'x'|date }}", "{{ 'x'|amount }}", "{{ 1 // 0 }}", "{{ 1 + 'a' }}"):
        with pytest.raises(WordsError):
            short(text)
