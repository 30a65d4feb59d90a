"""Moments: gathered in their window, ranked, chosen; of two records as of one."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.one_contact import DAY, HOUR, START, World, programme
from workflows.domain.moments import CLOSED_MAX, blended
from workflows.state import iso

# -- windows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("collect", "hours"), [("24h", 24), ("3d", 72), ("90m", 1.5)])
def test_the_window_closes_after_its_span(collect: str, hours: float) -> None:
    """Nothing is chosen a second before the window of whatever length ends."""
    world = World(programme(collect))
    world.tell("problem.solved")
    world.advance(START + timedelta(hours=hours, seconds=-1))

    assert world.told() == []

    world.advance(START + timedelta(hours=hours))

    assert world.told() == [("chosen", "problem.solved", "referral")]


def test_a_window_of_days_keeps_the_wall_clock_of_the_contact() -> None:
    """Two days over a clock change in New York are an hour shorter than forty-eight."""
    new_york = ZoneInfo("America/New_York")
    made = programme("2d")
    world = World(made, zone="America/New_York")
    world.now = datetime(2027, 3, 13, 9, tzinfo=new_york).astimezone(UTC)
    world.tell("favour.granted")
    world.advance(world.now + timedelta(hours=46, minutes=59))

    assert world.told() == []

    world.advance(world.now + timedelta(minutes=1))

    assert world.told() == [("chosen", "favour.granted", "quote")]


def test_the_highest_rank_wins_and_of_equals_the_earliest() -> None:
    """A tie goes to the earlier time, whatever arrived first; the others give way."""
    world = World()
    world.tell("problem.solved")
    world.tell("favour.granted")
    world.advance(START + 2 * HOUR)
    world.tell("problem.solved", -HOUR)
    world.advance(START + DAY)

    assert Counter(world.told()) == {
        ("absorbed", "problem.solved", "lower_rank"): 1,
        ("absorbed", "favour.granted", "lower_rank"): 1,
        ("chosen", "problem.solved", "referral"): 1,
    }
    chosen = next(f for f in world.facts if f["fact"] == "moment.chosen")
    assert chosen["data"]["valid_until"] == iso(START - HOUR + 14 * DAY)


def test_events_go_before_the_end_of_the_window_at_the_same_instant() -> None:
    """What arrives at the very end is gathered; a second later the window has closed."""
    world = World()
    world.tell("favour.granted")
    world.now = START + DAY
    world.tell("problem.solved")
    world.advance(START + DAY)

    assert world.told()[-1] == ("chosen", "problem.solved", "referral")


@pytest.mark.parametrize(
    ("hours", "late"), [(0, True), (24, True), (25, False), (-1, True), (-25, False)]
)
def test_late_is_what_happened_in_a_window_that_has_closed(hours: int, *, late: bool) -> None:
    """Both ends are in a window; what would have opened it earlier is of the same heap."""
    world = World()
    world.tell("favour.granted")
    world.advance(START + 30 * HOUR)
    world.tell("problem.solved", timedelta(hours=hours, microseconds=1 if not hours else 0))
    world.advance(START + 10 * DAY)

    expected = ("absorbed", "problem.solved", "late") if late else (
        "chosen", "problem.solved", "referral")  # fmt: skip
    assert world.told()[-1] == expected


def test_a_window_that_was_over_before_its_moment_arrived_closes_at_once() -> None:
    """It makes no difference how soon a worker comes to it: the choice is made on arrival."""
    world = World()
    world.tell("favour.granted", -3 * DAY)

    assert world.told() == [("chosen", "favour.granted", "quote")]

    world.tell("problem.solved", -3 * DAY + HOUR)

    assert world.told()[-1] == ("absorbed", "problem.solved", "late")
    assert world.timers == {}


def test_what_is_valid_for_less_than_the_window_does_not_compete() -> None:
    """A moment whose time is up at the end of the window has expired."""
    world = World(programme("24h", "23h"))
    world.tell("project.delivered", project_id="p", value_eur=100)
    world.advance(START + 2 * HOUR)
    world.tell("favour.granted")
    world.advance(START + 2 * DAY)

    assert world.told() == [
        ("expired", "project.delivered", ""),
        ("chosen", "favour.granted", "quote"),
    ]


# -- whatever comes --------------------------------------------------------------------------------

KINDS = ("favour.granted", "problem.solved", "project.delivered")


@examples(100)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 60), st.sampled_from(KINDS)), max_size=12
    ),
    st.integers(1, 48),
)
def test_windows_follow_a_plain_model(given_moments: list[Any], collect: int) -> None:
    """Of somebody who may always be asked, the times alone say which windows there are."""
    world = World(programme(f"{collect}h", "1y"))
    span = timedelta(hours=collect)
    closed: list[tuple[datetime, datetime]] = []
    gathered: list[tuple[int, datetime]] = []
    chosen: list[int] = []
    late = 0
    rank = dict(zip(KINDS, (1, 3, 5), strict=True))

    def close_before(now: datetime) -> None:
        while gathered and (over := min(time for _, time in gathered) + span) < now:
            inside = [each for each in gathered if each[1] <= over]
            chosen.append(max(inside, key=lambda each: (each[0], -each[1].timestamp()))[0])
            closed.append((over - span, over))
            gathered[:] = [each for each in gathered if each[1] > over]

    now = START
    for wait, ago, kind in given_moments:
        now += timedelta(hours=wait, minutes=7)
        close_before(now)
        time = now - timedelta(hours=ago, minutes=3)
        world.advance(now)
        world.tell(kind, time - START, project_id="p", value_eur=100)
        if any(opened <= time + span and time <= over for opened, over in closed[-CLOSED_MAX:]):
            late += 1
            continue
        gathered.append((rank[kind], time))
        close_before(now)
    world.advance(now + 30 * DAY)
    close_before(now + 30 * DAY)

    counted = Counter(what for what, _, _ in world.told())
    reasons = Counter(why for what, _, why in world.told() if what == "absorbed")
    ranks = [f["data"]["rank"] for f in world.facts if f["fact"] == "moment.chosen"]
    assert ranks == chosen
    assert reasons["late"] == late
    assert counted["chosen"] + counted["absorbed"] == len(given_moments)


# -- two records of one person ---------------------------------------------------------------------


def test_moments_of_two_records_become_one_book() -> None:
    """After a merge there is one window, what waits of both, and no window is forgotten."""
    ours, theirs = World(), World(cooling_until=iso(START + 5 * DAY))
    ours.tell("favour.granted")
    ours.advance(START + 2 * DAY)
    ours.tell("problem.solved")
    theirs.tell("project.delivered", project_id="p", value_eur=100)
    one = blended(ours.doc["moments"], theirs.doc["moments"])

    assert one["window"] == ours.doc["moments"]["window"]
    assert [each["event"]["type"] for each in one["gathered"]] == ["problem.solved"]
    assert [each["event"]["type"] for each in one["held"]] == ["project.delivered"]
    assert one["closed"] == ours.doc["moments"]["closed"]
    assert blended({}, theirs.doc["moments"])["held"] == theirs.doc["moments"]["held"]
