"""What data may hold, type by type: bounds, kinds of values, nulls, misspelt fields."""

import pytest

from events.catalogue import BUILT_IN, default_catalogue
from events.nps import SCORE_MAX, SCORE_MIN
from events.refusals import EventError
from events.rewards import AMOUNT_MAX
from events.values import (
    EMAIL_CHARS_MAX,
    ID_CHARS_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    LIST_ITEMS_MAX,
    NAME_CHARS_MAX,
    PHONE_CHARS_MAX,
    TEXT_CHARS_MAX,
    URL_CHARS_MAX,
    VALUE_EUR_MAX,
)
from tests.unit.event_data import CATALOGUE, good, refused


@pytest.mark.parametrize("event_type", sorted(BUILT_IN))
def test_what_is_required_suffices_and_is_missed(event_type: str) -> None:
    """Data with just the required fields passes; without any one of them it does not."""
    data = good(event_type)

    assert CATALOGUE.check(event_type, data) == data
    assert CATALOGUE.check(event_type, {**data, "account": "acme", "extra": None}) == {
        **data,
        "account": "acme",
        "extra": None,
    }
    for name in data:
        without = {key: value for key, value in data.items() if key != name}
        for bad in (without, {**data, name: None}):
            error = refused(event_type, bad)
            assert (error.reason, error.field) == ("missing", f"data.{name}")


@pytest.mark.parametrize(
    ("event_type", "name", "longest"),
    [
        ("project.delivered", "project_id", ID_CHARS_MAX),
        ("project.delivered", "account", ID_CHARS_MAX),
        ("message.reported", "class", ID_CHARS_MAX),
        ("nps.answered", "comment", TEXT_CHARS_MAX),
        ("nps.answered", "survey", NAME_CHARS_MAX),
        ("story.given", "url", URL_CHARS_MAX),
        ("contact.updated", "email", EMAIL_CHARS_MAX),
        ("contact.updated", "phone", PHONE_CHARS_MAX),
    ],
)
def test_texts_are_bounded(event_type: str, name: str, longest: int) -> None:
    """The longest text passes, one character more does not."""
    end = "@é.example" if name == "email" else "é"
    text = "é" * (longest - len(end)) + end
    assert CATALOGUE.check(event_type, good(event_type, **{name: text}))

    error = refused(event_type, good(event_type, **{name: "é" + text}))
    assert (error.reason, error.field) == ("invalid", f"data.{name}")
    assert f"at most {longest} characters" in str(error)


@pytest.mark.parametrize(
    ("event_type", "name", "low", "high"),
    [
        ("nps.answered", "score", SCORE_MIN, SCORE_MAX),
        ("nps.answered", "revision", INTEGER_MIN, INTEGER_MAX),
        ("project.delivered", "value_eur", 0, VALUE_EUR_MAX),
        ("deal.won", "value_eur", 0, VALUE_EUR_MAX),
        ("reward.chosen", "amount", 1, AMOUNT_MAX),
        ("agreement.reported", "target", INTEGER_MIN, INTEGER_MAX),
    ],
)
def test_numbers_are_bounded(event_type: str, name: str, low: int, high: int) -> None:
    """Both edges pass, one beyond either does not."""
    for value in (low, high):
        assert CATALOGUE.check(event_type, good(event_type, **{name: value}))[name] == value
    for value in (low - 1, high + 1):
        error = refused(event_type, good(event_type, **{name: value}))
        assert (error.reason, error.field) == ("invalid", f"data.{name}")


def test_lists_are_bounded() -> None:
    """So many segments and no more, none of them empty."""
    assert CATALOGUE.check("contact.updated", {"segments": ["a"] * LIST_ITEMS_MAX})
    assert (
        refused("contact.updated", {"segments": ["a"] * (LIST_ITEMS_MAX + 1)}).reason == "invalid"
    )
    assert refused("contact.updated", {"segments": ["a", ""]}).field == "data.segments.1"


@pytest.mark.parametrize(
    ("event_type", "field", "value"),
    [
        ("project.delivered", "project_id", ""),
        ("project.delivered", "project_id", 77),
        ("improvement.announced", "text", ""),
        ("nps.answered", "score", "9"),
        ("nps.answered", "score", True),
        ("nps.answered", "score", 9.5),
        ("ask.answered", "answer", "yes"),
        ("quote.given", "may_publish", "true"),
        ("quote.given", "may_publish", 1),
        ("agreement.signed", "start_on", "2027-02-30"),
        ("agreement.signed", "start_on", "1 March"),
        ("agreement.signed", "start_on", "2027-03-01T00:00"),
        ("referral.submitted", "lead", "l-daan"),
        ("contact.updated", "segments", "all"),
    ],
)
def test_values_of_another_kind_are_refused(event_type: str, field: str, value: object) -> None:
    """Nothing is guessed: a text is no number, a number no text."""
    error = refused(event_type, good(event_type, **{field: value}))

    assert (error.reason, error.field) == ("invalid", f"data.{field}")
    assert str(error).startswith(f"data.{field}: ")


def test_a_whole_number_may_be_written_with_a_fraction_of_zero() -> None:
    """JSON Schema counts 9.0 as an integer, so it arrives as 9."""
    data = good("nps.answered", score=9.0, revision=2.0)

    checked = CATALOGUE.check("nps.answered", data)

    assert [checked["score"], checked["revision"]] == [9, 2]
    assert type(checked["score"]) is int
    assert type(data["score"]) is float
    assert refused("nps.answered", good("nps.answered", score=1e6)).reason == "invalid"


def test_a_day_may_be_a_day_or_an_instant() -> None:
    """What counts from a day is given as a day, and stays the text it was."""
    for text in ("2027-03-01", "2027-03-01T00:00:00+01:00"):
        assert (
            CATALOGUE.check("agreement.signed", good("agreement.signed", start_on=text))["start_on"]
            == text
        )


@pytest.mark.parametrize("email", ["anna", "@acme.example", "anna@", "anna@a b", "a@b.c, d@e.f"])
def test_an_address_that_is_none_is_refused(email: str) -> None:
    """What nobody can be written to is refused with its field, as by an import."""
    error = refused("contact.updated", {"email": email})
    assert (error.field, error.reason) == ("data.email", "invalid")


@pytest.mark.parametrize("email", ["", None, " anna@acme.example ", "a.b+c@münchen.example"])
def test_an_address_may_be_odd_or_emptied(email: str | None) -> None:
    """Every address that mail can go to is taken as it is written, and so is none."""
    assert CATALOGUE.check("contact.updated", {"email": email})["email"] == (email or "")


def test_null_is_absence() -> None:
    """An optional field that is null is not there, also inside; what we do not know stays."""
    data = {"lead": {"id": "l", "name": None, "x": None}, "code": None, "x": {"y": None}}

    assert CATALOGUE.check("referral.submitted", data) == {
        "lead": {"id": "l", "x": None},
        "x": {"y": None},
    }


def test_null_empties_a_field_of_a_contact() -> None:
    """An update with null takes the value away; a field that is left out keeps it."""
    assert CATALOGUE.check("contact.updated", {"phone": None, "segments": None, "own": None}) == {
        "phone": "",
        "segments": [],
        "own": None,
    }


def test_what_the_engine_adds_is_not_taken_from_producers() -> None:
    """A band that a producer sends is dropped; conditions see the engine's."""
    assert CATALOGUE.check("nps.answered", good("nps.answered", band=7)) == good("nps.answered")
    assert CATALOGUE.fields("nps.answered")["band"] == "string"


def test_checked_data_is_a_copy() -> None:
    """What the engine adds to an event does not reach back into what arrived."""
    data = good("nps.answered")
    CATALOGUE.check("nps.answered", data)["band"] = "promoter"

    assert "band" not in data


def test_a_misspelt_field_is_recognised() -> None:
    """Who wrote `scor` learns of `scor`, not only that `score` is missing."""
    error = refused("nps.answered", {"response": "r", "scor": 9})

    assert error.field == "data.score"
    assert '"scor"' in error.hint


@pytest.mark.parametrize(("score", "passes"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_score_stays_on_the_programmes_scale(score: int, passes: bool) -> None:  # noqa: FBT001
    """Both ends of the scale belong to it; what lies outside is refused with its own reason."""
    catalogue = default_catalogue().with_scale((1, 10)).with_contact_fields({"vip": "bool"})
    data = {"response": "r", "score": score}

    if passes:
        assert catalogue.check("nps.answered", data) == data
        return
    with pytest.raises(EventError) as refused:
        catalogue.check("nps.answered", data)
    assert (refused.value.reason, refused.value.field) == ("out_of_scale", "data.score")
