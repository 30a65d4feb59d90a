"""The guard and the clock: day, hour, slot and zone of the recipient, and what is late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.letters import ANNA, PROGRAMME, TEN, Letter, ask, local, programme, sent
from workflows.guard import Defer, Leave, Skip
from workflows.state import iso

# -- 5: day and hour -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_", "planned", "leaves"),
    [
        ("plain", "2027-06-09T07:59", "2027-06-09T08:00"),
        ("plain", "2027-06-09T20:00", "2027-06-10T08:00"),
        ("plain", "2027-06-12T12:00", "2027-06-12T12:00"),
        ("night", "2027-06-09T03:00", "2027-06-09T03:00"),
        ("office", "2027-06-12T12:00", "2027-06-14T08:00"),
        ("office", "2027-03-25T21:00", "2027-03-30T08:00"),  # Good Friday to Easter Monday
        ("slotted", "2027-05-17T10:00", "2027-05-18T10:00"),  # Whit Monday
        ("plain", "2027-03-27T22:00", "2027-03-28T08:00"),
    ],
)
def test_day_and_hour(class_: str, planned: str, leaves: str) -> None:
    """Quiet hours are half-open; a slot goes to the next slot, other classes to the next hour."""
    verdict = ask(Letter(class_, local(planned)))

    when = verdict.planned if isinstance(verdict, Leave) else getattr(verdict, "until", None)
    assert when == local(leaves)


def test_the_hour_is_the_recipients() -> None:
    """Ten in the morning in Amsterdam is the night of New York."""
    verdict = ask(Letter(), doc={**ANNA, "zone": "America/New_York"})

    assert verdict == Defer(local("2027-06-09T08:00", "America/New_York"), "closed")


def test_the_slot_is_the_recipients_as_they_live_now() -> None:
    """A message planned for the slot of another zone waits for theirs."""
    london = {**ANNA, "zone": "Europe/London"}

    assert ask(Letter("capped"), doc=london) == Defer(
        local("2027-06-09T10:00", "Europe/London"), "closed"
    )


def test_a_slot_in_quiet_hours_is_their_end() -> None:
    """A slot that can never be leaves when the quiet hours do, and waits no longer."""
    made = programme(slot="07:00")
    verdict = ask(Letter("slotted", local("2027-06-09T07:00")), made=made)

    assert verdict == Defer(local("2027-06-09T08:00"), "closed")
    assert isinstance(ask(Letter("slotted", local("2027-06-09T08:00")), made=made), Leave)


@pytest.mark.parametrize(("class_", "until"), [("capped", "2027-06-10T10:00"), ("plain", "")])
def test_an_hour_late_is_planned_anew(class_: str, until: str) -> None:
    """A slot's message goes to the next slot, another leaves and counts now; less is no matter."""
    now = TEN + timedelta(hours=1)
    verdict = ask(Letter(class_), now=now)

    if until:
        assert verdict == Defer(local(until), "late")
    else:
        assert isinstance(verdict, Leave)
        assert verdict.planned == now
    on_time = ask(Letter(class_), now=now - timedelta(seconds=1))
    assert isinstance(on_time, Leave)
    assert on_time.planned == TEN


@pytest.mark.parametrize(("zone", "noted"), [("", False), ("Mars/Olympus", True), ("../x", True)])
def test_a_zone_that_is_none_is_the_programmes(zone: str, *, noted: bool) -> None:
    """Missing is normal; a wrong one is noted."""
    verdict = ask(Letter(), doc={**ANNA, "zone": zone})

    assert isinstance(verdict, Leave)
    assert (verdict.zone, verdict.zone_fallback) == ("Europe/Amsterdam", noted)


# -- whatever is asked -----------------------------------------------------------------------------

ZONES = ["Europe/Amsterdam", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Nowhere/X"]


@given(
    class_=st.sampled_from(sorted(PROGRAMME.policies.classes)),
    zone=st.sampled_from(ZONES),
    hours=st.integers(0, 24 * 400),
    minutes=st.integers(0, 59),
    before=st.lists(st.integers(1, 24 * 20), max_size=4),
)
def test_whatever_waits_leaves_or_ends(
    class_: str, zone: str, hours: int, minutes: int, before: list[int]
) -> None:
    """Asked again when it said so, the guard comes to an end, and lets nothing go that must wait.

    What leaves is in no quiet hour and on a day of its calendar, and finds room in its caps.
    """
    planned = datetime(2027, 1, 4, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    history = sent(*(planned - timedelta(hours=hour) for hour in before), class_="both")
    letter = Letter(class_, planned, doc={"since": iso(planned)})
    doc = {**ANNA, "zone": zone}
    for _ in range(40):
        verdict = ask(letter, doc=doc, history=history)
        if not isinstance(verdict, Defer):
            break
        assert verdict.until > letter.planned_at
        letter = replace(letter, planned_at=verdict.until)
    else:
        pytest.fail("it waits for ever")
    policy = PROGRAMME.policies.classes[class_]
    if isinstance(verdict, Skip):
        assert verdict.reason == "capped"
        return
    wall = verdict.planned.astimezone(ZoneInfo(verdict.zone))
    assert policy.at_night or 8 <= wall.hour < 20
    assert not policy.calendar or PROGRAMME.office.is_business_day(wall.date())
    if policy.leaves:
        assert (wall.hour, wall.minute) == (10, 0)
    if "weekly" in policy.caps:
        week = verdict.planned - timedelta(days=6, hours=23)
        assert not [one for one in history if one.planned_at > week]
