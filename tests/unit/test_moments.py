"""Moments: gathered, ranked, held back, let go, chosen; by the numbers of whoever writes them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.catalogue import default_catalogue
from tests.examples import examples
from tests.replay import Replay
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.domain.moments import CLOSED_MAX, KEPT_MAX, blended
from workflows.moments import Opening, kind_at
from workflows.policies import Asks, Policies
from workflows.state import iso

START = datetime(2027, 6, 7, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LADDER = [{"kind": kind} for kind in ("quote", "reference_story", "referral")]


def programme(collect: str = "24h", valid: str = "14d", **asks: Any) -> Programme:
    """Return a programme of moments without workflows: favours, problems, deliveries."""
    events = [
        {"event": "favour.granted", "rank": 1, "valid": valid, "opens": ["quote"]},
        {"event": "problem.solved", "rank": 3, "valid": valid, "opens": ["referral", "quote"]},
        {
            "event": "project.delivered",
            "rank": 5,
            "valid": valid,
            "opens": [{"kind": "reference_story", "if": "event.data.value_eur >= 100"}],
        },
    ]
    policies = {
        "programme": "p",
        "zone": "Europe/Amsterdam",
        "asks": {"ladder": LADDER, **asks},
        "moments": {"collect": collect, "events": events},
    }
    return compile_programme(
        Policies.model_validate(policies), {}, templates={}, catalogue=default_catalogue()
    )


class World(Replay):
    """One contact and what happens to them."""

    def __init__(self, made: Programme | None = None, **doc: Any) -> None:
        super().__init__(made or programme(), START)
        self.tell("contact.updated", first_name="Anna")
        self.doc.update(doc)

    @property
    def doc(self) -> dict[str, Any]:
        return self.states["contact/c"].doc

    def tell(self, kind: str, after: timedelta = timedelta(), **data: Any) -> None:
        """Have something arrive now; `after` the start is when it happened."""
        number = len(self.seen)
        time = START + after if after else self.now
        self.event(
            {"id": f"e-{number}", "source": "t", "type": kind, "time": iso(time), "contact": "c",
             "account": "", "lead": "", "data": data}
        )  # fmt: skip

    def told(self) -> list[tuple[str, str, str]]:
        """Return what became of moments: what, which, and the kind or the reason."""
        return [
            (f["fact"].removeprefix("moment."), f["data"]["moment"],
             f["data"].get("kind") or f["data"].get("reason", ""))
            for f in self.facts if f["fact"].startswith("moment.")
        ]  # fmt: skip


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
