"""Which recommendations are looked at for their speed goes by when they were made."""

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest

from tests.replay import LIBRARY, Replay, compiled
from workflows.compiled import Programme
from workflows.engine import decide
from workflows.policies import Verdict
from workflows.state import Changes, Doc, Forward, Input, State, Timer, iso

START = datetime(2027, 6, 7, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOST = 2
LEADS = {
    "l-self": ("a@aa.example", -2), "l-1": ("een@een.example", 0), "l-2": ("b@b.example", 10),
    "l-3": ("c@c.example", 29), "l-4": ("d@d.example", 30), "l-5": ("e@e.example", 40),
    "l-6": ("f@f.example", 60), "l-7": ("a+x@aa.example", 61),
}  # fmt: skip


@cache
def _programme() -> Programme:
    programme = compiled(LIBRARY)
    checks = programme.policies.referrals.checks | {
        "velocity": Verdict.model_validate({"verdict": "hold", "max": MOST, "within": "30m"})
    }
    referrals = programme.policies.referrals.model_copy(update={"checks": checks})
    programme.policies = programme.policies.model_copy(update={"referrals": referrals})
    return programme


class World(Replay):
    """One who recommends, and leads whose checks come back when they like."""

    def __init__(self, draw: Random | None) -> None:
        super().__init__(_programme(), START + timedelta(hours=2))
        doc = {"id": "c-a", "name": "A", "email": "a@aa.example", "locale": "nl", "owner": "u-sam"}
        self.states["contact/c-a"] = State("contact/c-a", doc)
        self.draw, self.under_way = draw, list[Forward]()

    def recommends(self, lead: str) -> None:
        """Hear of a recommendation, whenever it was made."""
        email, minutes = LEADS[lead]
        self.event({
            "id": lead, "source": "t", "type": "referral.submitted", "contact": "c-a",
            "time": iso(START + minutes * MINUTE), "account": "", "lead": lead,
            "data": {"lead": {"id": lead, "email": email}},
        })  # fmt: skip

    def _handle(self, actor: str, *, event: Doc | None = None, timer: Timer | None = None) -> None:
        if self.draw is None:
            super()._handle(actor, event=event, timer=timer)
            return
        self._one(actor, event=event, timer=timer)
        while self.under_way and self.draw.random() < 0.5:
            self._comes_back()

    def settles(self) -> "World":
        """Let everything that is under way arrive."""
        while self.under_way:
            self._comes_back()
            self._deliver()
        return self

    def _comes_back(self) -> None:
        """Hand one of the events on: each actor hears what another tells it in order."""
        assert self.draw is not None
        actors = sorted({each.actor for each in self.under_way})
        actor = self.draw.choice(actors)
        forward = next(each for each in self.under_way if each.actor == actor)
        self.under_way.remove(forward)
        self._one(actor, event=dict(forward.event))

    def _one(self, actor: str, **what: Any) -> None:
        self.seq += 1
        state, changes = self.states.setdefault(actor, State(actor)), Changes()
        item = Input(actor, self.now, self.seq, **what)
        decide(self.programme, state, item, now=self.now, changes=changes, loads={})
        self.take(changes)
        self.under_way += changes.forwards

    @property
    def found(self) -> dict[str, Any]:
        """What became of each lead, and what there is to be done."""
        referrals = self.states["contact/c-a"].doc["referrals"].values()
        return {
            "verdicts": {each["lead"]["id"]: each["verdict"] for each in referrals},
            "tasks": sorted(
                (task.step, str(task.doc.get("about")), task.due_at)
                for task in self.tasks.values()
                if task.status == "open"
            ),
            "closed": [task.key for task in self.tasks.values() if task.status == "done"],
        }


def _in_time() -> World:
    world = World(None)
    for lead in sorted(LEADS, key=lambda lead: LEADS[lead][1]):
        world.recommends(lead)
    return world


def test_who_is_too_fast_goes_by_what_was_recommended_in_the_half_hour_before() -> None:
    """The third within thirty minutes is looked at; oneself does not count."""
    found = _in_time().found

    assert found["verdicts"] == {
        "l-self": "rejected", "l-1": "accepted", "l-2": "accepted", "l-3": "held", "l-4": "held",
        "l-5": "held", "l-6": "accepted", "l-7": "rejected",
    }  # fmt: skip
    assert [who for step, who, _ in found["tasks"] if step == "lead"] == ["l-1", "l-2", "l-6"]


@pytest.mark.parametrize("late", [False, True], ids=["checked", "under-way"])
@pytest.mark.parametrize("seed", range(12))
def test_any_order_has_the_same_looked_at(seed: int, *, late: bool) -> None:
    """Verdicts and open tasks do not depend on what was heard, or had come back, first."""
    draw = Random(seed)
    world = World(draw if late else None)
    for lead in draw.sample(list(LEADS), len(LEADS)):
        world.recommends(lead)

    assert world.settles().found == _in_time().found
