"""The catalogue: the types of the language, the schemas we publish, who hears an event."""

import json
from pathlib import Path
from typing import Any

import pytest

from events.refusals import ReservedEventTypeError, UnknownEventTypeError
from tests.unit.event_data import CATALOGUE, good

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
