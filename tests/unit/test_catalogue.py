"""The catalogue: what each event type must and may carry, and the schemas we publish."""

import json
from pathlib import Path
from typing import Any

import pytest

from events.catalogue import BUILT_IN, default_catalogue
from events.nps import SCORE_MAX, SCORE_MIN
from events.refusals import EventError, ReservedEventTypeError, UnknownEventTypeError
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

CATALOGUE = default_catalogue()
SCHEMAS = Path(__file__).parents[2] / "docs" / "events"

# LANGUAGE's table of domain events; `*` must be there.
LANGUAGE = {
    "project.delivered": "project_id* value_eur",
    "problem.solved": "ticket",
    "product.upgraded": "product",
    "favour.granted": "note",
    "compliment.given": "note",
    "nps.answered": "response* score* improve comment survey revision band previous_band",
    "optin.requested": "text_version",
    "optin.confirmed": "text_version",
    "ask.answered": "ask* answer* text",
    "quote.given": "text may_publish",
    "story.given": "text url",
    "review.posted": "url",
    "social.followed": "url",
    "referral.submitted": "lead* code consent_to_contact via",
    "lead.created": "lead* referred_by",
    "lead.stage_changed": "lead* stage*",
    "deal.opened": "lead* deal* value_eur",
    "deal.won": "lead* deal* value_eur",
    "deal.lost": "lead* deal* value_eur",
    "deal.refunded": "lead* deal* value_eur",
    "contract.cancelled": "lead* deal* value_eur",
    "agreement.signed": "agreement* start_on*",
    "agreement.reported": "agreement* target* attained* month",
    "agreement.ended": "agreement*",
    "journey.answered": "stage* text",
    "reward.chosen": "choice* amount* charity",
    "reward.approved": "entry*",
    "review.approved": "referral*",
    "review.rejected": "referral*",
    "task.accepted": "task* by",
    "task.closed": "task* by",
    "task.cancelled": "task* by",
    "task.reassigned": "task* by to*",
    "contact.updated": "name first_name last_name email phone locale zone segments owner",
    "contact.merged": "into*",
    "contact.erase_requested": "",
    "contact.unsubscribed": "topic channel",
    "owner.changed": "owner*",
    "customer.started": "on",
    "customer.ended": "on",
    "message.reported": "class*",
    "link.clicked": "code* bot",
    "improvement.announced": "theme* text*",
}

GOOD: dict[str, Any] = {
    "project_id": "p-1",
    "response": "r-1",
    "score": 9,
    "ask": "a-1",
    "answer": "gladly",
    "lead": "l-1",
    "stage": "won",
    "deal": "d-1",
    "agreement": "g-1",
    "start_on": "2027-03-01",
    "target": 100,
    "attained": 90,
    "choice": "donation",
    "amount": 100,
    "entry": "e-1",
    "referral": "f-1",
    "task": "t-1",
    "to": "u-sam",
    "into": "c-2",
    "owner": "u-sam",
    "class": "newsletter",
    "code": "ANNA-7K2",
    "theme": "waiting_time",
    "text": "A second line",
}


def good(event_type: str, **changes: object) -> dict[str, Any]:
    """Return data with what the type requires, changed."""
    data = {name: GOOD[name] for name in CATALOGUE.required(event_type)}
    if event_type == "referral.submitted":
        data["lead"] = {"id": "l-1"}
    return {**data, **changes}


def refused(event_type: str, data: dict[str, Any]) -> EventError:
    with pytest.raises(EventError) as caught:
        CATALOGUE.check(event_type, data)
    return caught.value


def write_schemas() -> None:
    """Write `docs/events/`, one file a type, as the catalogue has them now."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for path in SCHEMAS.glob("*.json"):
        path.unlink()
    for name, schema in CATALOGUE.schemas().items():
        (SCHEMAS / f"{name}.json").write_text(written(schema), encoding="utf-8")


def written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def test_the_types_are_those_of_the_language() -> None:
    """Names, fields and what is required are LANGUAGE's, and each may carry an account."""
    found = {name: set(CATALOGUE.fields(name)) for name in CATALOGUE.known}
    required = {name: CATALOGUE.required(name) for name in CATALOGUE.known}

    words = {name: line.split() for name, line in LANGUAGE.items()}
    assert found == {
        name: {"account", *(word.rstrip("*") for word in line)} for name, line in words.items()
    }
    assert required == {
        name: {word[:-1] for word in line if word.endswith("*")} for name, line in words.items()
    }


def test_published_schemas_are_committed() -> None:
    """docs/events holds the schemas as they are, so that a review sees what changes."""
    committed = {path.stem: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    current = {name: written(schema) for name, schema in CATALOGUE.schemas().items()}

    how = "python -c 'from tests.unit.test_catalogue import write_schemas; write_schemas()'"
    assert committed == current, f"to write them anew: {how}"


def test_every_field_of_every_type_is_described() -> None:
    """A schema says in words what a type and each of its fields mean."""
    for name, schema in CATALOGUE.schemas().items():
        assert schema["title"] == name
        assert schema["description"].endswith(".")
        assert CATALOGUE.entry(name).about == schema["description"].split("\n")[0]
        for part in (schema, *schema.get("$defs", {}).values()):
            assert all(field["description"] for field in part["properties"].values()), name


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


def test_unknown_and_reserved_types_are_told_apart() -> None:
    """A typing error gets a suggestion, a fact of Vouch's own a reason."""
    with pytest.raises(UnknownEventTypeError) as unknown:
        CATALOGUE.entry("nps.answerd")
    assert unknown.value.hint == 'did you mean "nps.answered"?'
    with pytest.raises(ReservedEventTypeError):
        CATALOGUE.model("reward.accrued")


def test_fields_are_typed_for_conditions() -> None:
    """Conditions learn the simple type of each field, and the fields inside a lead."""
    assert CATALOGUE.fields("nps.answered")["score"] == "int"
    assert CATALOGUE.fields("quote.given")["may_publish"] == "bool"
    assert CATALOGUE.fields("agreement.signed")["start_on"] == "string"
    assert CATALOGUE.fields("contact.updated")["segments"] == "list"
    assert CATALOGUE.fields("ask.answered")["answer"] == "string"
    lead = CATALOGUE.fields("referral.submitted")["lead"]
    assert lead == dict.fromkeys(["id", "name", "email", "phone", "company"], "string")


def test_open_types_are_those_with_fields_of_the_programme() -> None:
    """What a task requires and a contact's own fields cannot be listed here."""
    assert {name for name in CATALOGUE.known if CATALOGUE.is_open(name)} == {
        *("task.accepted", "task.closed", "task.cancelled", "task.reassigned", "contact.updated")
    }


def test_events_of_leads_are_routed_by_them() -> None:
    """Leads, deals and contracts name their lead; a submission holds it."""
    routed = {
        name: CATALOGUE.lead_of(name, good(name))
        for name in CATALOGUE.known
        if CATALOGUE.lead_of(name, good(name))
    }

    assert routed == dict.fromkeys(
        [
            *("referral.submitted", "lead.created", "lead.stage_changed", "contract.cancelled"),
            *("deal.opened", "deal.won", "deal.lost", "deal.refunded"),
        ],
        "l-1",
    )


def test_a_programmes_contact_fields_are_made_a_model_once() -> None:
    """Each of its scenarios asks for them: the same fields are the same type, others another."""
    first = CATALOGUE.with_contact_fields({"vip": "bool", "size": "int"}).entry("contact.updated")
    again = CATALOGUE.with_scale((1, 10)).with_contact_fields({"vip": "bool", "size": "int"})
    other = CATALOGUE.with_contact_fields({"vip": "string", "size": "int"})

    assert again.entry("contact.updated") is first
    assert again.scale == (1, 10)
    assert other.entry("contact.updated").fields["vip"] == "string"


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
