"""Moments of who may not be asked: held, let go; and which rung of the ladder is asked."""

from datetime import timedelta

import pytest

from tests.unit.one_contact import DAY, HOUR, LADDER, START, World, programme
from workflows.domain.moments import KEPT_MAX
from workflows.moments import Opening, kind_at
from workflows.policies import Asks
from workflows.state import iso

# -- who may not be asked --------------------------------------------------------------------------


def test_a_held_moment_is_let_go_when_the_cool_down_ends_in_time() -> None:
    """The window opens when the reason ends, and what comes meanwhile is gathered in it."""
    world = World(cooling_until=iso(START + 5 * DAY))
    world.tell("favour.granted")
    world.advance(START + 5 * DAY + HOUR)
    world.tell("problem.solved")
    world.advance(START + 6 * DAY - timedelta(seconds=1))

    assert world.told() == [("held", "favour.granted", "cooldown")]

    world.advance(START + 6 * DAY)

    assert world.told()[1:] == [
        ("absorbed", "favour.granted", "lower_rank"),
        ("chosen", "problem.solved", "referral"),
    ]


@pytest.mark.parametrize(("days", "outcome"), [(13, "chosen"), (14, "expired"), (15, "expired")])
def test_the_reason_must_end_before_the_moment_does(days: int, outcome: str) -> None:
    """At the same instant it is too late."""
    world = World(programme("2h"), cooling_until=iso(START + days * DAY))
    world.tell("favour.granted")
    world.advance(START + 30 * DAY)

    assert [what for what, _, _ in world.told()] == ["held", outcome]
    assert world.timers == {}


def test_never_is_the_reason_before_the_cool_down() -> None:
    """After never, a moment is held for that, and for as long as it is valid."""
    world = World(no_asks=True, cooling_until=iso(START + 5 * DAY))
    world.tell("favour.granted")
    world.advance(START + 30 * DAY)

    assert world.told() == [
        ("held", "favour.granted", "no_asks"),
        ("expired", "favour.granted", "no_asks"),
    ]


def test_who_becomes_eligible_is_asked_after_all() -> None:
    """News of the contact frees a moment, and the window opens with it."""
    made = programme("24h", **{"if": "contact.nps.band == 'promoter'"})
    world = World(made)
    world.tell("problem.solved")
    world.advance(START + 3 * DAY)
    world.tell("nps.answered", response="r", score=9)
    world.advance(START + 4 * DAY)

    assert world.told() == [
        ("held", "problem.solved", "not_eligible"),
        ("chosen", "problem.solved", "referral"),
    ]


def test_who_loses_the_right_in_the_window_is_held_at_its_end() -> None:
    """The winner waits; the others have given way to it."""
    made = programme("24h", **{"if": "contact.nps.band == 'promoter'"})
    world = World(made)
    world.tell("nps.answered", response="r", score=9)
    world.tell("problem.solved")
    world.tell("favour.granted")
    world.advance(START + HOUR)
    world.tell("nps.answered", response="r2", score=3)
    world.advance(START + 40 * DAY)

    assert world.told() == [
        ("absorbed", "favour.granted", "lower_rank"),
        ("held", "problem.solved", "not_eligible"),
        ("expired", "problem.solved", "not_eligible"),
    ]


def test_another_reason_holds_on() -> None:
    """A moment whose cool-down ends while a case is open is held anew, for the case."""
    world = World(cooling_until=iso(START + 2 * DAY))
    world.tell("problem.solved")
    world.doc["open_case"] = True
    world.advance(START + 2 * DAY)

    assert world.told() == [
        ("held", "problem.solved", "cooldown"),
        ("held", "problem.solved", "open_case"),
    ]


def test_a_contact_keeps_no_more_moments_than_the_bound() -> None:
    """One more than the bound, and the least gives way at once."""
    world = World(no_asks=True)
    for _ in range(KEPT_MAX):
        world.tell("problem.solved")

    assert len(world.doc["moments"]["held"]) == KEPT_MAX

    world.tell("favour.granted")

    assert len(world.doc["moments"]["held"]) == KEPT_MAX
    assert world.told()[-1] == ("absorbed", "favour.granted", "lower_rank")


# -- the ladder ------------------------------------------------------------------------------------

ASKS = Asks.model_validate({"ladder": LADDER})


@pytest.mark.parametrize(
    ("opens", "refused", "kind"),
    [
        (["referral", "quote"], "", "referral"),
        (["referral", "quote"], "referral", "quote"),
        (["referral"], "referral", "reference_story"),
        (["referral"], "reference_story", "quote"),
        (["reference_story", "referral"], "reference_story", "quote"),
        (["quote"], "quote", ""),
        (["quote"], "no_such_rung", "quote"),
        ([], "referral", "reference_story"),
        ([], "", ""),
    ],
)
def test_the_rung_after_a_no(opens: list[str], refused: str, kind: str) -> None:
    """Only what is below the refused rung; else the rung just below; below the lowest nothing."""
    found = kind_at([Opening(each, None) for each in opens], ASKS, refused, lambda _: True)

    assert found == kind


def test_a_kind_whose_condition_is_false_is_passed_over() -> None:
    """A small delivery opens no story; after a no, the rung below is asked all the same."""
    world = World()
    world.tell("project.delivered", project_id="p", value_eur=99)

    assert world.told() == [("held", "project.delivered", "not_eligible")]

    world = World(refused="referral")
    world.tell("project.delivered", project_id="p", value_eur=99)
    world.advance(START + DAY)

    assert world.told() == [("chosen", "project.delivered", "reference_story")]
