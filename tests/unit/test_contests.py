"""Contests, their draw and their gifts: S20, and what it leaves open."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from tests.replay import LIBRARY, Replay, compiled
from workflows.compiled import Programme
from workflows.domain.contest_draw import digest_of, leaderboard, order_of
from workflows.state import Doc, Entry, State, iso

NAME = "autumn27"
ACTOR = f"contest/{NAME}"
START = datetime(2027, 9, 1, 8, tzinfo=UTC)
FREEZE = datetime(2027, 10, 4, 10, tzinfo=UTC)
PEOPLE = ("anna", "bram", "carla", "dirk", "eva", "finn", "koen")
ENTRIES = {"c-anna": 10, "c-bram": 10, "c-carla": 5, "c-eva": 2}


@cache
def _library() -> Programme:
    programme = compiled(LIBRARY)
    programme.seeds = {NAME: "a seed that was published before"}
    return programme


class Autumn(Replay):
    """The shipped contest, among people who take part in the programme."""

    def __init__(self, programme: Programme | None = None) -> None:
        super().__init__(programme or _library(), START)
        for name in PEOPLE:
            doc = {"id": f"c-{name}", "name": name, "email": f"{name}@x.nl", "participant": True,
                   "nps": {"score": 9, "band": "promoter", "at": iso(START)}}  # fmt: skip
            self.states[f"contact/c-{name}"] = State(f"contact/c-{name}", doc)
        self.states["contact/c-koen"].doc["segments"] = ["key_account"]

    def say(self, at: datetime, kind: str, who: str, *, fact: bool = False, **data: Any) -> None:
        """Let something happen, heard now."""
        event: Doc = {
            "id": f"e-{len(self.seen)}", "source": "test", "type": kind, "time": iso(at),
            "account": "", "contact": f"c-{who}", "lead": "", "data": data,
        }  # fmt: skip
        if fact:
            event["fact"] = True
        self.event(event)

    def follow(self, at: datetime, who: str) -> None:
        self.say(at, "social.followed", who, url="https://social.example/x")

    def review(self, at: datetime, who: str) -> None:
        self.say(at, "review.posted", who, url="https://reviews.example/x")

    def accepted(self, at: datetime, who: str, number: int = 1) -> None:
        self.say(at, "referral.accepted", who, fact=True, referral=f"r-{who}-{number}")

    def voided(self, at: datetime, who: str, number: int = 1) -> None:
        self.say(at, "referral.voided", who, fact=True, referral=f"r-{who}-{number}")

    def story(self) -> None:
        """Play S20 up to the freeze."""
        for at, what, who in sorted([
            (_sept(2), self.follow, "anna"), (_sept(3), self.review, "anna"),
            (_sept(9), self.review, "anna"), (_sept(5), self.follow, "carla"),
            *((_sept(day), self.review, "carla") for day in range(6, 12)),
            (_sept(8), self.accepted, "koen"), (_sept(12), self.accepted, "bram"),
            (_sept(15), self.accepted, "dirk"), (_sept(20), self.accepted, "anna"),
        ], key=lambda each: each[0]):  # fmt: skip
            self.advance(at)
            what(at, who)
        self.advance(_sept(25))
        self.accepted(_sept(25), "bram", 2)
        self.advance(datetime(2027, 9, 30, 22, tzinfo=UTC))
        self.review(datetime(2027, 9, 30, 22, tzinfo=UTC), "finn")  # midnight: the period is over
        self.advance(datetime(2027, 10, 2, 6, tzinfo=UTC))
        self.review(datetime(2027, 9, 30, 21, 58, tzinfo=UTC), "eva")
        self.voided(self.now, "dirk")

    @property
    def contest(self) -> Doc:
        return self.states[ACTOR].doc

    def standing(self) -> dict[str, int]:
        standings = self.contest["standings"]
        return {who: mine["entries"] for who, mine in standings.items() if mine["entries"]}

    def entries_of(self, benefit: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.benefit == benefit]

    def told(self, kind: str) -> list[Doc]:
        return [fact["data"] for fact in self.facts if fact["fact"] == kind]


def _sept(day: int) -> datetime:
    return datetime(2027, 9, day, 9, tzinfo=UTC)


# -- entries ---------------------------------------------------------------------------------------


def test_entries_are_weighted_capped_and_final_at_the_freeze() -> None:
    """S20: 27 entries; who was excluded, too late or taken back has none."""
    world = Autumn()
    world.story()
    world.advance(FREEZE)

    assert world.standing() == ENTRIES
    assert world.told("contest.frozen") == [{"contest": NAME, "entries": 27}]
    assert leaderboard(world.contest["standings"]) == ["c-anna", "c-bram", "c-carla", "c-eva"]


@pytest.mark.parametrize(("late", "counts"), [(0, True), (1, False)])
def test_what_arrives_with_the_freeze_counts_and_later_does_not(late: int, *, counts: bool) -> None:
    """Events go before timers of the same instant; a second later the entries are final."""
    world = Autumn()
    world.follow(_sept(2), "anna")
    world.now = FREEZE + timedelta(seconds=late)

    world.review(_sept(3), "bram")
    world.advance(world.now)

    assert ("c-bram" in world.standing()) is counts


def test_a_late_event_may_make_the_tie_fall_otherwise() -> None:
    """Who had so many first is told by when things happened, not by when we heard."""
    world = Autumn()
    world.follow(_sept(5), "bram")
    world.follow(_sept(6), "anna")
    before = leaderboard(world.contest["standings"])
    world.review(_sept(4), "anna")
    world.review(_sept(7), "bram")

    assert before == ["c-bram", "c-anna"]
    assert leaderboard(world.contest["standings"]) == ["c-anna", "c-bram"]


# -- the draw --------------------------------------------------------------------------------------


def test_the_draw_is_made_once_and_anybody_can_count_it_again() -> None:
    """Seed and entries give the order; everybody who took part is told, a winner among them."""
    world = Autumn()
    world.story()
    world.advance(FREEZE)
    drawn = dict(world.contest["drawn"])

    world.advance(FREEZE + timedelta(days=60))
    world._handle(ACTOR, event={  # noqa: SLF001 - a second request, as an operator makes it
        "id": "again", "source": "vouch", "type": "contest.draw", "time": iso(world.now),
        "contact": "", "data": {}, "fact": True,
    })  # fmt: skip

    assert world.contest["drawn"] == drawn
    assert drawn["order"] == order_of(drawn["seed"], NAME, world.standing())
    assert world.contest["entries_sha256"] == digest_of(NAME, ENTRIES)
    told = world.told("contest.drawn")
    assert sorted(t["entries"] for t in told) == sorted(ENTRIES.values())
    assert [t["rank"] for t in told if t["won"]] == [1]
    assert len(told) == len(ENTRIES)


def test_without_its_seed_the_draw_waits_and_is_made_later() -> None:
    """Entries are final all the same; within an hour of the seed being there it is drawn."""
    programme = compiled(LIBRARY)
    world = Autumn(programme)
    world.follow(_sept(2), "anna")
    world.advance(FREEZE + timedelta(hours=5))
    waiting = "drawn" not in world.contest and bool(world.contest["frozen"])
    world.review(_sept(3), "bram")

    programme.seeds = {NAME: "found"}
    world.advance(world.now + timedelta(hours=1))

    assert waiting
    assert world.contest["drawn"]["winners"] == ["c-anna"]


def test_the_next_in_the_same_order_wins_for_one_who_is_disqualified() -> None:
    """Nobody else's rank changes, and the prize of the first goes back."""
    world = Autumn()
    world.story()
    world.advance(FREEZE)
    order = world.contest["drawn"]["order"]
    before = {t["rank"] for t in world.told("contest.drawn")}

    first = order[0].removeprefix("c-")
    world.say(world.now, "contest.disqualified", first, contest=NAME)
    world.say(world.now, "contest.disqualified", first, contest=NAME)

    assert world.contest["drawn"]["order"] == order
    assert world.contest["drawn"]["winners"] == [order[1]]
    assert [t["rank"] for t in world.told("contest.drawn") if t["won"]] == [1, 2]
    assert before == set(range(1, len(order) + 1))
    prize = [e for e in world.entries_of("contest_prize") if e.account != "programme"]
    assert Counter((e.account, e.bucket) for e in prize) == {
        (f"contact/{order[0]}", "available"): 2, (f"contact/{order[0]}", "reversed"): 1,
        (f"contact/{order[1]}", "available"): 1,
    }  # fmt: skip


def test_whoever_was_merged_since_is_disqualified_by_either_record() -> None:
    """The draw knows the record of then: the one that remains speaks for it."""
    world = Autumn()
    world.story()
    world.advance(FREEZE)
    order = world.contest["drawn"]["order"]

    world.say(world.now, "contact.merged", order[0].removeprefix("c-"), into="c-finn")
    world.say(world.now, "contest.disqualified", "finn", contest=NAME)

    assert world.contest["drawn"]["winners"] == [order[1]]


def test_more_entries_win_more_often() -> None:
    """Three entries against one come first three times in four."""
    first = Counter(order_of(f"s{n}", NAME, {"a": 3, "b": 1})[0] for n in range(2_000))

    assert 0.72 < first["a"] / 2_000 < 0.78


def test_taking_somebody_out_moves_nobody_else() -> None:
    """The order of the others is the same with and without one of them."""
    everybody = {f"c-{n}": n % 5 + 1 for n in range(40)}
    without = {who: number for who, number in everybody.items() if who != "c-7"}

    order = order_of("seed", NAME, everybody)

    assert [who for who in order if who != "c-7"] == order_of("seed", NAME, without)


# -- gifts -----------------------------------------------------------------------------------------


def test_the_first_three_get_the_gifts_and_what_comes_back_is_given_again() -> None:
    """S20: bram, dirk and anna get the stock of three; dirk's comes back unshipped."""
    world = Autumn()
    world.story()

    stock = world.states[f"gift/{NAME}"].doc["given"]
    assert {who: gift["gift"] for who, gift in stock.items()} == {"c-bram": "mug", "c-anna": "book"}
    assert [f["gift"] for f in world.told("gift.reserved")] == ["mug", "mug", "book"]
    assert [f["gift"] for f in world.told("gift.cancelled")] == ["mug"]


def test_gifts_of_one_instant_go_by_when_they_were_earned() -> None:
    """Five want the three gifts in one instant: the earliest events get them, none is doubled."""
    world = Autumn()
    world.advance(_sept(28))
    days = {"anna": 9, "bram": 5, "carla": 7, "dirk": 3, "eva": 8}
    for who, day in days.items():
        world._handle(f"contact/c-{who}", event={  # noqa: SLF001 - before any timer fires
            "id": f"r-{who}", "source": "test", "type": "referral.accepted", "fact": True,
            "time": iso(_sept(day)), "contact": f"c-{who}", "data": {"referral": f"r-{who}"},
        })  # fmt: skip
    world.advance(world.now)

    given = world.states[f"gift/{NAME}"].doc["given"]
    assert set(given) == {"c-dirk", "c-bram", "c-carla"}
    assert Counter(gift["gift"] for gift in given.values()) == {"mug": 2, "book": 1}


def test_a_gift_that_was_shipped_does_not_come_back() -> None:
    """What is on its way is not in stock, whatever becomes of the recommendation."""
    world = Autumn()
    world.accepted(_sept(3), "dirk")
    world.advance(_sept(4))
    world._handle(f"gift/{NAME}", event={  # noqa: SLF001 - what the run that ships it says
        "id": "sent", "source": "vouch", "type": "gift.sent", "fact": True, "contact": "",
        "time": iso(_sept(4)), "data": {"contact": "c-dirk"},
    })  # fmt: skip

    world.voided(_sept(5), "dirk")

    assert world.states[f"gift/{NAME}"].doc["given"]["c-dirk"]["status"] == "shipped"
    assert world.told("gift.cancelled") == []
