"""Who earns is judged as of when it was earned, whatever is heard when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.replay import LIBRARY, Replay, compiled
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.domain import eligibility
from workflows.expressions import compile_expression
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.state import Doc, State, iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
Said = tuple[str, float, Doc]


@cache
def _library(condition: str = "") -> Programme:
    return _with(condition) if condition else compiled(LIBRARY)


def _with(condition: str) -> Programme:

    programme = compiled(LIBRARY)
    if_ = compile_expression(condition, programme.scopes.rewards(), returns="bool")
    paths = [name.split(".") for name in if_.names]
    return replace(
        programme, rewards_if=if_,
        earning=frozenset(path[1] for path in paths if path[0] == "contact"),
        earning_firm=frozenset(path[1] for path in paths if path[0] == "account"),
    )  # fmt: skip


class World(Replay):
    """One who recommends, and one who turns out to be the same person."""

    def __init__(self, programme: Programme, **known: Any) -> None:
        super().__init__(programme, START)
        for name in ("c-a", "c-b"):
            doc = {"id": name, "name": name, "email": f"{name}@x.example", "locale": "nl"}
            self.states[f"contact/{name}"] = State(f"contact/{name}", doc | known)

    def hears(self, kind: str, days: float, data: Doc, *, contact: str = "c-a") -> None:
        """Hear of something that happened so many days after the start."""
        lead = data.get("lead", "")
        lead = lead["id"] if isinstance(lead, dict) else lead
        is_deal = kind.startswith("deal.")
        event = {
            "id": f"{kind}/{days}/{data}", "source": "t", "type": kind, "data": data, "lead": lead,
            "time": iso(START + days * DAY), "contact": "" if is_deal else contact, "account": "",
        }  # fmt: skip
        actors = [f"contact/{lead if is_deal else contact}"]
        self.event(event, *actors)

    def plays(self, happened: Sequence[Said], *, in_time: bool) -> "World":
        """Hear of everything, at once or when it happened, and wait until every hold is over."""
        for kind, days, data in happened:
            if in_time:
                self.advance(START + days * DAY)
            else:
                self.now = START + 40 * DAY
            more = {"contact": "c-b"} if data.get("who") else {}
            self.hears(kind, days, {k: v for k, v in data.items() if k != "who"}, **more)
        self.advance(START + 90 * DAY)
        return self

    @property
    def balance(self) -> Doc:
        """What is there in the end: nothing pending, and without what was taken back."""
        found = self.states["contact/c-a"].doc.get("balance", {})
        return {name: n for name, n in found.items() if n and name != "reversed"}


def _nps(days: float, score: int, response: str = "", revision: int = 0) -> Said:
    data = {"response": response or f"r-{days}", "score": score}
    return "nps.answered", days, data | ({"revision": revision} if revision else {})


def _won(days: float, number: int = 1) -> list[Said]:
    lead = {"id": f"l-{number}", "name": "Daan", "email": f"d{number}@polder.example"}
    return [
        ("referral.submitted", 0.5, {"lead": lead}),
        ("deal.won", days, {"lead": f"l-{number}", "deal": f"d-{number}"}),
    ]


STORIES = {
    "promoter": ([_nps(0, 9), *_won(3)], 100),
    "passive": ([_nps(0, 7), *_won(3)], 0),
    "promoter only afterwards": ([_nps(5, 9), *_won(3)], 0),
    "promoter until afterwards": ([_nps(0, 9), *_won(3), _nps(5, 6)], 100),
    "no longer": ([_nps(0, 9), _nps(2, 6), *_won(3)], 0),
    "revised before": ([_nps(0, 9, "r", 1), _nps(2, 6, "r", 2), *_won(3)], 0),
    "revised afterwards": ([_nps(0, 9, "r", 1), *_won(3), _nps(5, 6, "r", 2)], 100),
    "revised upwards": ([_nps(0, 6, "r"), *_won(3), _nps(5, 9, "r")], 0),
    "a partner by then": (
        [_nps(0, 9), ("contact.updated", 2, {"partner": True}), *_won(3)], 0),
    "a partner afterwards": (
        [_nps(0, 9), *_won(3), ("contact.updated", 4, {"partner": True})], 100),
    "a partner for a day": (
        [_nps(0, 9), ("contact.updated", 2, {"partner": True}),
         ("contact.updated", 2.5, {"partner": False}), *_won(3)], 100),
    "lost as well": (
        [_nps(0, 7), *_won(3), ("deal.lost", 5, {"lead": "l-1", "deal": "d-1"})], 0),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_late_words_come_to_the_same_balance(story: str) -> None:
    """In every order: credited after all, taken back, or never credited."""
    happened, earned = STORIES[story]
    expected = {"available": earned} if earned else {}

    in_time = World(_library()).plays(sorted(happened, key=lambda each: each[1]), in_time=True)
    assert in_time.balance == expected
    for order in permutations(happened):
        assert World(_library()).plays(order, in_time=False).balance == expected, order


def test_what_was_credited_is_taken_back_with_its_reason() -> None:
    """A word on an earlier instant undoes a reward that is still held."""
    world = World(_library())
    for said in (_nps(0, 9), *_won(3)):
        world.hears(*said)
    world.hears(*_nps(2, 6))

    reversed_ = [f["data"] for f in world.facts if f["fact"] == "reward.reversed"]
    assert [(each["reason"], each["side"]) for each in reversed_] == [("not_eligible", "referrer")]
    assert world.states["contact/c-a"].doc["balance"]["pending"] == 0


def test_what_was_credited_after_all_is_free_when_it_would_have_been() -> None:
    """The hold counts from the win, not from the word that let it count."""
    world = World(_library())
    for said in (_nps(4, 9), *_won(3)):
        world.hears(*said)
    world.hears(*_nps(2, 9))

    (hold,) = [t for t in world.timers.values() if t.name == "hold" and t.actor == "contact/c-a"]
    assert hold.due_at == START + 17 * DAY


def test_what_an_import_said_counts_until_the_next_answer() -> None:
    """A score that nobody answered here is one all the same."""
    known = {"nps": {"score": 9, "band": "promoter", "at": iso(START - DAY)}}
    world = World(_library(), **known).plays([_nps(5, 6), *_won(3)], in_time=False)

    assert world.balance == {"available": 100}


def test_what_has_no_history_is_judged_by_once() -> None:
    """A no to asks, and a firm that moved, since then change nothing about a win before them."""
    condition = "contact.nps.band == 'promoter' && !contact.no_asks && account.region == 'noord'"
    world = World(_library(condition))
    state = world.states["contact/c-a"]
    state.account = {"region": "noord"}
    for said in (_nps(0, 9), *_won(3)):
        world.hears(*said)
    state.doc["no_asks"], state.account = True, {"region": "zuid"}
    world.hears(*_nps(1, 10))

    assert world.balance == {"pending": 100}


MERGE: Said = ("contact.merged", 10, {"into": "c-a", "who": True})


@pytest.mark.parametrize(("score", "days"), [(6, 2), (9, 2)])
def test_another_record_counts_only_since_the_merge(score: int, days: float) -> None:
    """What the other record had answered before says nothing of wins before the merge."""
    kind, at, data = _nps(days, score)
    other = (kind, at, data | {"who": True})
    happened = [_nps(0, 9), *_won(3), other, MERGE]

    for order in permutations(happened):
        world = World(_library()).plays(order, in_time=False)
        assert world.balance == {"available": 100}, order


def test_after_the_merge_both_records_count() -> None:
    """A win after the merge is judged by the newest answer of either record."""
    kind, at, data = _nps(2, 6)
    other = (kind, at, data | {"who": True})
    happened = [_nps(0, 9), other, MERGE, *_won(12)]

    for order in permutations(happened):
        assert World(_library()).plays(order, in_time=False).balance == {}, order


def test_a_contact_keeps_no_more_than_so_many_to_be_judged_again() -> None:
    """The document of somebody who never earns stays small."""
    world = World(_library())
    for number in range(eligibility.UNEARNED_MAX + 2):
        for kind, days, data in _won(30, number):
            world.hears(kind, days if days > 1 else number / 2, data)

    unearned = world.states["contact/c-a"].doc["unearned"]
    assert len(unearned) == eligibility.UNEARNED_MAX


def test_nothing_is_kept_where_no_condition_asks() -> None:
    """A programme that rewards everybody pays nothing for it."""
    world = World(replace(compiled(LIBRARY), rewards_if=None, earning=frozenset()))
    for said in (_nps(0, 9, "r", 1), *_won(3), _nps(4, 6, "r", 2)):
        world.hears(*said)

    doc = world.states["contact/c-a"].doc
    assert not {"nps_was", "said", "unearned", "joined"} & doc.keys()
    assert all("judged" not in each for each in doc["accruals"].values())


def test_what_was_done_instead_is_not_credited_as_well() -> None:
    """Where a step says what follows when nobody earns, a late word does not do both."""
    programme = compiled(LIBRARY)
    node = programme.workflows["referral-reward"].nodes["1"]
    node.then["skipped"] = node.after
    try:
        world = World(programme).plays([*_won(3), _nps(2, 9)], in_time=False)
    finally:
        del node.then["skipped"]

    assert world.balance == {}


def test_what_came_with_the_contact_counts_for_the_time_before_it() -> None:
    """Of a score that nobody answered here nobody knows since when it is true."""
    known = {"nps": {"score": 9, "band": "promoter", "at": iso(START + 8 * DAY)}}
    happened = [*_won(3), _nps(9, 6)]

    for order in permutations(happened):
        world = World(_library(), **known).plays(order, in_time=False)
        assert world.balance == {"available": 100}, order


TO_THE_LEAD = """\
workflow: referral-reward
title: Whoever was recommended earns as one who recommends does
trigger: {event: referral.won}
run: {per: deal}
steps:
  - credit: {amount: 70, to: referral.lead, object: referral.deal}
"""


@cache
def _to_the_lead() -> Programme:
    files = {**load_folder(LIBRARY).files, "workflows/referral-reward.yaml": TO_THE_LEAD}
    loaded = load_programme(Folder(files))
    return compile_programme(
        loaded.policies, loaded.workflows, catalogue=default_catalogue(),
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
    )  # fmt: skip


@pytest.mark.parametrize(("theirs", "lead", "earned"), [(6, 9, 70), (9, 6, 0), (9, 0, 0)])
def test_who_earns_is_judged_and_not_whose_run_it_is(theirs: int, lead: int, earned: int) -> None:
    """A reward for the lead asks whether the lead earns, and again when a late word comes."""
    world = World(_to_the_lead())
    world.hears(*_nps(0, theirs))
    for said in _won(3):
        world.hears(*said)
    before = world.states["contact/l-1"].doc.get("balance", {}).get("pending", 0)
    if lead:
        world.hears(*_nps(2, lead, "late"), contact="l-1")

    doc = world.states["contact/l-1"].doc
    assert before == 0
    assert doc.get("balance", {}).get("pending", 0) == earned
    assert "balance" not in world.states["contact/c-a"].doc
    skipped = [f["data"] for f in world.facts if f["fact"] == "reward.skipped"]
    assert [(each["reason"], each["amount"]) for each in skipped] == [("not_eligible", 70)]
