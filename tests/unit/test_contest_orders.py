"""Who is entered in a contest is judged as of the event, whatever is heard when (S20)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest

from tests.replay import LIBRARY, Replay, compiled
from workflows.compiled import Programme
from workflows.domain import contests
from workflows.domain.contest_draw import digest_of, leaderboard
from workflows.policies_rewards import ContestEntry
from workflows.rewarding import compile_rewarding
from workflows.state import Doc, State, iso

NAME = "autumn27"
START = datetime(2027, 9, 1, 8, tzinfo=UTC)
FREEZE = datetime(2027, 10, 4, 10, tzinfo=UTC)
WHO = "contact.tier in ['silver', 'gold'] && !contact.open_case && !('key' in contact.segments)"
REVIEWS = ({"event": "review.posted", "weight": 2, "max": 9},)
Happened = tuple[float, str, Doc]


@cache
def _programme(condition: str = WHO, entries: tuple[tuple[str, Any], ...] = ()) -> Programme:
    """Return the shipped programme with another condition of its contest, and other entries."""
    programme = compiled(LIBRARY)
    rows = [dict(entries)] if entries else REVIEWS
    contest = programme.policies.contests[NAME].model_copy(update={
        "if_": condition, "entries": tuple(ContestEntry.model_validate(row) for row in rows),
        "gifts": None,
    })  # fmt: skip
    programme.policies = programme.policies.model_copy(update={"contests": {NAME: contest}})
    programme.rewarding = compile_rewarding(programme.policies, programme.scopes, programme.zone)
    programme.seeds = {NAME: "a seed that was published before"}
    return programme


class Autumn(Replay):
    """One who reviews a lot, and another who just takes part."""

    def __init__(self, programme: Programme, **known: Any) -> None:
        super().__init__(programme, START)
        for name in ("c-a", "c-b"):
            doc = {"id": name, "name": name, "email": f"{name}@x.example", "locale": "nl"}
            self.states[f"contact/{name}"] = State(f"contact/{name}", doc | known)
        self.happen((1, "reward.released", {"who": "c-b"}))
        self.happen((20, "review.posted", {"who": "c-b", "url": "https://r.example/b"}))

    def happen(self, happened: Happened) -> None:
        """Hear of something so many days after the start."""
        days, kind, data = happened
        who = data.get("who", "c-a")
        said = {name: value for name, value in data.items() if name != "who"}
        if kind.startswith("task."):
            case = next(task for task in self.tasks.values() if task.step == "call")
            said |= {"task": case.key, "by": case.assignee, "root_cause": "waited"}
        event = {
            "id": f"{kind}/{days}/{who}", "source": "t", "type": kind, "contact": who,
            "time": iso(START + days * timedelta(days=1)), "account": "", "lead": "", "data": said,
        }  # fmt: skip
        if kind.startswith("reward."):
            event["fact"] = True
        self.event(event)

    def plays(self, happened: Sequence[Happened], *, in_time: bool) -> "Autumn":
        """Hear of everything, at once or when it happened, and wait for the draw."""
        for each in happened:
            self.advance(START + (each[0] if in_time else 25) * timedelta(days=1))
            self.happen(each)
        self.advance(FREEZE)
        return self

    @property
    def result(self) -> Doc:
        """What the contest came to."""
        doc = self.states[f"contest/{NAME}"].doc
        entries = {who: each["entries"] for who, each in doc["standings"].items()}
        assert doc["entries_sha256"] == digest_of(NAME, entries)
        return {
            "entries": {who: number for who, number in entries.items() if number},
            "ranks": leaderboard(doc["standings"]), "hash": doc["entries_sha256"],
            "reached": [doc["standings"][who]["reached"] for who in leaderboard(doc["standings"])],
            "drawn": doc["drawn"]["order"],
        }  # fmt: skip


def _review(days: float) -> Happened:
    return days, "review.posted", {"url": f"https://r.example/{days}"}


def _nps(days: float, score: int, response: str) -> Happened:
    return days, "nps.answered", {"response": response, "score": score}


def _segments(days: float, *names: str) -> Happened:
    return days, "contact.updated", {"segments": list(names)}


STORY: tuple[Happened, ...] = (
    _review(2),  # no level yet
    (3, "reward.released", {}),
    _review(4),
    _nps(5, 3, "r-1"),
    _review(6),  # a case is open
    (7, "task.closed", {}),
    _review(8),
    _segments(9, "key"),
    _review(10),  # a key account
    _segments(11, "small"),
    _review(12),
)


def test_who_is_entered_goes_by_what_was_true_then() -> None:
    """A level, a case and a segment count for what happened while they were so."""
    world = Autumn(_programme()).plays(STORY, in_time=True)

    assert world.result["entries"] == {"c-a": 6, "c-b": 2}


@pytest.mark.parametrize("seed", range(15))
def test_any_order_before_the_freeze_gives_the_same_contest(seed: int) -> None:
    """Entries, ranks, the hash of the list and the draw do not depend on what came first."""
    in_time = Autumn(_programme()).plays(STORY, in_time=True)
    order = Random(seed).sample(STORY, len(STORY))
    answered = order.index(STORY[3])  # nobody closes a task that does not exist yet
    closed = order.index(STORY[5])
    if closed < answered:
        order[closed], order[answered] = order[answered], order[closed]

    late = Autumn(_programme()).plays(order, in_time=False)

    assert late.result == in_time.result


@pytest.mark.parametrize("seed", range(6))
def test_an_entrys_own_condition_is_judged_as_of_then_too(seed: int) -> None:
    """A condition over the event and the contact sees both as they were."""
    if_ = "contact.nps.band == 'promoter' && event.data.url != ''"
    programme = _programme("", tuple({**REVIEWS[0], "if": if_}.items()))
    story = [_review(1), _nps(2, 9, "r-1"), _review(3), _nps(4, 7, "r-2"), _review(5)]

    late = Autumn(programme).plays(Random(seed).sample(story, len(story)), in_time=False)

    assert late.result["entries"] == {"c-a": 2}


def test_a_level_is_lost_at_the_run_that_lowers_it() -> None:
    """What counts no more had its contact on a level until the first of the month."""
    programme = _programme("contact.tier == 'silver'")
    world = Autumn(programme)
    state = world.states["contact/c-a"]
    state.doc["counted"] = {"r-1": iso(START - timedelta(days=365) - timedelta(days=20))}
    state.doc["tier"] = "silver"

    world.plays([_review(2)], in_time=False)

    assert world.result["entries"] == {"c-b": 2}


def test_after_the_freeze_nothing_is_judged_again() -> None:
    """What is heard later changes no entry, and nothing is kept to be judged."""
    world = Autumn(_programme()).plays([(1, "reward.released", {}), _review(6)], in_time=False)
    world.advance(FREEZE + timedelta(hours=1))

    world.happen(_segments(2, "key"))

    assert world.result["entries"] == {"c-a": 2, "c-b": 2}
    assert "tried" not in world.states["contact/c-a"].doc["contests"][NAME]


def test_what_is_kept_to_be_judged_has_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that count and so many that do not are kept, the first ones of each."""
    monkeypatch.setattr(contests, "KEPT_MAX", 3)
    world = Autumn(_programme())
    for days in (9, 8, 7, 6, 5, 1, 2, 3, 4):
        world.happen(_review(days))
    world.happen((4.5, "reward.released", {}))

    tried = world.states["contact/c-a"].doc["contests"][NAME]["tried"]

    assert sorted(instant["at"][:10] for instant in tried.values()) == [
        "2027-09-02", "2027-09-03", "2027-09-04",
    ]  # fmt: skip


def test_two_records_of_one_person_are_judged_apart_up_to_their_merge() -> None:
    """A segment of one record says nothing of what the other did before they were one."""
    story: list[Happened] = [
        (1, "reward.released", {}), _segments(2, "key"), (3, "review.posted", {"who": "c-b"}),
        (5, "contact.merged", {"who": "c-b", "into": "c-a"}), _review(6),
    ]  # fmt: skip
    in_time = Autumn(_programme()).plays(story, in_time=True)
    late = Autumn(_programme()).plays([story[n] for n in (2, 3, 1, 0, 4)], in_time=False)

    assert in_time.result == late.result
