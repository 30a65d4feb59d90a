"""`event` takes a type or a list of types, wherever a programme names one."""

from datetime import timedelta
from typing import Any

import pytest

from tests.replay import LIBRARY, Replay, compiled
from tests.treasury import ANNA, Book
from tests.unit.broken.sound import PROGRAMME, SOUND
from tests.unit.test_contests import ACTOR, FREEZE, NAME, Autumn, _sept
from workers.editing import schemas
from workflows.check.findings import Finding
from workflows.check.programme import check
from workflows.compiled import Programme
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.moments import compile_moments
from workflows.policies import Moments
from workflows.policies_rewards import Contest, ReverseOn
from workflows.rewarding import compile_rewarding
from workflows.state import Doc, iso

MORE = """\
moments:
  collect: 24h
  events:
    - event: [favour.granted, problem.solved]
      if: event.data.account == 'acme'
      rank: 2
      valid: 7d
      opens: [quote]
rewards:
  reverse: [deal.lost, {event: [deal.refunded, contract.cancelled], within: 30d}]
contests:
  autumn:
    period: ["2027-09-01T00:00", "2027-10-01T00:00"]
    freeze: "2027-10-04T12:00"
    entries:
      - {event: [review.posted, social.followed], if: event.data.url != '', weight: 2, max: 3}
    gifts: {event: [referral.accepted, deal.won], stock: {mug: 2}}
"""
FIRST = "    - {event: favour.granted, rank: 1, valid: 7d, opens: [quote]}\n"


def _found(more: str) -> list[Finding]:
    return check(load_programme(Folder({**SOUND, "programme.yaml": PROGRAMME + more})))


def _with_contest(**changes: Any) -> Programme:
    programme = compiled(LIBRARY)
    policies = programme.policies
    written = policies.contests[NAME].model_dump(by_alias=True)
    contest = Contest.model_validate({**written, **changes})
    policies = policies.model_copy(update={"contests": {NAME: contest}})
    programme.policies = policies
    programme.rewarding = compile_rewarding(policies, programme.scopes, programme.zone)
    programme.seeds = {NAME: "a seed"}
    return programme


def test_each_of_them_is_read_and_checked() -> None:
    """A list passes where each of its types exists and has what the condition names."""
    assert _found(MORE) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "marked"),
    [
        ("problem.solved]", "problem.solvd]", "V040", "problem.solvd"),
        ("deal.refunded,", "deal.refundd,", "V040", "deal.refundd"),
        ("social.followed]", "social.folowed]", "V040", "social.folowed"),
        ("deal.won]", "deal.one]", "V040", "deal.one"),
        ("event.data.url", "event.data.text", "V012", "event.data.text"),
        ("'acme'\n", "event.data.note\n", "V012", "event.data.note"),
        ("problem.solved]", "favour.granted]", "V024", "favour.granted"),
        ("    - event: [favour", FIRST + "    - event: [favour", "V018", "favour.granted"),
        ("deal.refunded,", "timer.fired,", "V041", "timer.fired"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_list_is_found_at_its_place(
    old: str, new: str, code: str, marked: str
) -> None:
    """An unknown type is marked itself; so is a field that one of the types lacks."""
    assert old in MORE
    (finding,) = _found(MORE.replace(old, new, 1))

    assert finding.code == code
    assert finding.source_line[finding.column - 1 : finding.end_column - 1] == marked


def test_the_schema_offers_a_list_wherever_it_offers_a_type() -> None:
    """An editor takes both forms, and completes the types in both."""
    made = schemas(load_programme(Folder(SOUND)))
    events = [
        (name, part["properties"][key])
        for schema in (made["programme"], made["workflow"])
        for name, part in schema["$defs"].items()
        for key in ("event", "done_by", "reverse")
        if key in part.get("properties", ()) and name not in ("Emit", "Rewards")
    ]

    assert {name for name, _ in events} >= {"Moment", "ReverseOn", "ContestEntry", "Gifts", "Rung"}
    for name, schema in events:
        forms = {form.get("type"): form for form in schema["anyOf"]}
        assert "deal.won" in forms["string"]["enum"], name
        assert "deal.won" in forms["array"]["items"]["enum"], name


def test_an_entry_counts_each_of_its_types_up_to_one_max() -> None:
    """Two reviews and a follow are three things done; with max: 2 the first two count."""
    entry = {"event": ["review.posted", "social.followed"], "weight": 3, "max": 2}
    world = Autumn(_with_contest(entries=[entry]))
    for day, tell in ((2, world.follow), (3, world.review), (4, world.review)):
        world.advance(_sept(day))
        tell(_sept(day), "anna")

    assert world.standing() == {"c-anna": 6}
    assert world.contest["standings"]["c-anna"]["reached"].startswith("2027-09-03")


def test_a_type_added_to_an_entry_keeps_what_was_counted() -> None:
    """What somebody did under the old policy counts on when a list takes the type's place."""
    world = Autumn(_with_contest(entries=[{"event": "review.posted", "weight": 2}]))
    world.review(_sept(2), "anna")

    world.programme = _with_contest(
        entries=[{"event": ["social.followed", "review.posted"], "weight": 2}]
    )
    world.follow(_sept(3), "anna")

    assert world.standing() == {"c-anna": 4}


def test_a_gift_is_earned_by_any_of_its_types() -> None:
    """One of the types is enough, and a second one earns no second gift."""
    gifts = {"event": ["social.followed", "referral.accepted"], "stock": {"mug": 2}}
    world = Autumn(_with_contest(gifts=gifts))
    world.follow(_sept(2), "anna")
    world.accepted(_sept(3), "anna")
    world.accepted(_sept(4), "bram")
    world.advance(FREEZE - timedelta(days=1))

    assert sorted(world.states[f"gift/{NAME}"].doc["given"]) == ["c-anna", "c-bram"]
    assert ACTOR in world.states


def test_a_moment_of_several_types_is_one_moment_each() -> None:
    """Every type has the rank, the condition and the kinds of its entry."""
    programme = compiled(LIBRARY)
    policy = Moments.model_validate({"collect": "24h", "events": [
        {"event": ["favour.granted", "compliment.given"], "rank": 4, "valid": "7d",
         "if": "event.data.note == 'big'", "opens": ["quote"]},
    ]})  # fmt: skip
    programme.moments = compile_moments(policy, programme.scopes)
    world = Replay(programme, _sept(1))
    doc = {"id": "c", "participant": True, "email": "c@x.nl",
           "nps": {"score": 9, "band": "promoter", "at": "2027-09-01T09:00:00Z"}}  # fmt: skip
    event: Doc = {"source": "t", "contact": "c", "lead": "", "time": iso(_sept(1)), "account": ""}
    world.event({**event, "id": "e-0", "type": "contact.updated", "data": {"first_name": "Anna"}})
    world.states["contact/c"].doc.update(doc)
    for number, (kind, note) in enumerate(
        [("compliment.given", "big"), ("favour.granted", "big"), ("favour.granted", "small")], 1
    ):
        world.event({**event, "id": f"e-{number}", "type": kind, "data": {"note": note}})
    world.advance(_sept(3))

    told = {(f["fact"], f["data"]["moment"]) for f in world.facts if f["fact"][:7] == "moment."}
    assert told == {("moment.chosen", "compliment.given"), ("moment.absorbed", "favour.granted")}


@pytest.mark.parametrize("kind", ["deal.refunded", "contract.cancelled"])
def test_any_of_a_list_takes_a_reward_back(kind: str) -> None:
    """Each type of the list undoes the win within the list's one span."""
    reverse = (ReverseOn.model_validate({"event": ["deal.refunded", kind], "within": "30d"}),)
    book = Book(reverse=reverse)
    book.programme.rewarding = compile_rewarding(
        book.programme.policies, book.programme.scopes, book.programme.zone
    )
    book.won(1)
    free = book.balance(ANNA)

    book.deal(kind)

    assert free["available"]
    assert "available" not in book.balance(ANNA)
