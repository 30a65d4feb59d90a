"""The facts that Vouch tells: every one of LANGUAGE section 9, with its fields."""

from datetime import UTC, datetime

import pytest

from events.catalogue import BUILT_IN, RESERVED
from events.facts import FACTS, NOT_TRIGGERS, Fact

LANGUAGE = {
    "event accepted duplicate rejected parked": "event type reason field",
    "run started refused ended": "per again as reason operand",
    "condition failed": "where error",
    "message queued deferred sent skipped failed": (
        "template class channel locale to planned reason uncapped"
    ),
    "ask opened reminded answered declined snoozed silent withdrawn skipped": (
        "ask kind touch answer reason cooling_until"
    ),
    "moment held absorbed chosen expired": "moment kind rank reason valid_until",
    "task opened accepted closed overdue escalated reassigned cancelled": (
        "task title to via due by level flags reason data"
    ),
    "case opened closed": "task held_until",
    "journey offered answered skipped": "stage effort amount",
    "referral accepted held rejected not_eligible duplicate voided contacted qualified won lost"
    " expired": "referral lead code stage deal reason flags",
    "reward accrued skipped released reversed reserved fulfilled": (
        "entry side amount benefit bucket by reason choice charity"
    ),
    "ledger posted": "entry contact reason benefit moves",
    "tier changed": "tier from_tier to_tier up",
    "contest entered frozen drawn": "contest entries won rank",
    "gift reserved shipped cancelled": "gift",
    "theme mentioned recurring resolved": "theme contacts text",
    "timer set fired cancelled": "timer due reason",
    "sync queued sent": "target fields",
    "call attempted": "endpoint attempt status",
    "contact changed merged erased unsubscribed zone_fallback": "fields into topic channel",
}


def test_the_facts_are_those_of_the_language() -> None:
    """Names and fields of every fact are LANGUAGE's, no fewer and no more."""
    expected = {
        f"{family.split()[0]}.{verb}": fields.split()
        for family, fields in LANGUAGE.items()
        for verb in family.split()[1:]
    }

    assert {name: list(fact.fields) for name, fact in FACTS.items()} == expected


def test_fields_of_facts_are_typed_for_conditions() -> None:
    """A condition may compare a touch, an instant and a flag with the right kind of value."""
    assert FACTS["ask.opened"].fields["touch"] == "int"
    assert FACTS["moment.chosen"].fields["valid_until"] == "instant"
    assert FACTS["tier.changed"].fields["up"] == "bool"
    assert FACTS["theme.recurring"].fields["contacts"] == "list"
    assert FACTS["reward.reserved"].fields["choice"] == "string"
    kinds = {kind for fact in FACTS.values() for kind in fact.fields.values()}
    assert kinds <= {"string", "int", "bool", "instant", "list", "dyn"}


def test_every_fact_is_described() -> None:
    """A fact's line is a sentence, and no two facts share one."""
    lines = [fact.about for fact in FACTS.values()]

    assert all(line[0].isupper() and line.endswith(".") for line in lines)
    assert len(set(lines)) == len(lines)


def test_facts_about_the_machine_start_no_run() -> None:
    """Timers, intake's verdicts and refused runs would chase their own tail."""
    assert {name.partition(".")[0] for name in NOT_TRIGGERS} == {"timer", "event", "run", "contact"}
    assert "run.refused" in NOT_TRIGGERS
    assert "contact.zone_fallback" in NOT_TRIGGERS
    assert "contact.changed" not in NOT_TRIGGERS
    assert "run.ended" not in NOT_TRIGGERS
    assert "task.overdue" not in NOT_TRIGGERS
    assert FACTS.keys() > NOT_TRIGGERS


def test_facts_that_producers_tell_too_are_not_reserved() -> None:
    """A closed task may be reported from outside, a message sent may not."""
    assert FACTS.keys() & BUILT_IN.keys() == {
        *("ask.answered", "journey.answered", "contact.merged", "contact.unsubscribed"),
        *("task.accepted", "task.closed", "task.cancelled", "task.reassigned"),
    }
    assert {"message.sent", "ledger.posted", "referral.accepted"} < RESERVED
    assert not RESERVED & BUILT_IN.keys()


def test_a_fact_is_plain() -> None:
    """A fact holds what happened; what does not apply is empty."""
    fact = Fact(at=datetime(2027, 2, 3, tzinfo=UTC), fact="message.sent", key="r1/1/1")

    assert (fact.contact, fact.run, fact.data) == ("", "", {})
    with pytest.raises(AttributeError):
        fact.key = "other"  # type: ignore[misc]  # that it is frozen is the point
