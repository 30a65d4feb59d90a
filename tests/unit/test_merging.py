"""Two records of one person become one, whatever was going on with either."""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, balances, library
from workflows.engine import decide
from workflows.state import Changes, Consent, Input, State, iso

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
IDS = ("c-a", "c-b", "c-c")


def _world() -> Replay:
    world = Replay(library(), START)
    for contact in IDS:
        _say(world, f"known-{contact}", "contact.updated", contact,
             email=f"{contact}@acme.example", name=contact)  # fmt: skip
    return world


def _say(world: Replay, id_: str, kind: str, contact: str, **data: Any) -> None:
    event = {"id": id_, "source": "t", "type": kind, "time": iso(world.now), "lead": "",
             "contact": contact, "account": "", "data": data}  # fmt: skip
    if kind == "referral.submitted":
        event["lead"] = data["lead"]["id"]
        world.event(event, f"contact/{contact}", f"contact/{event['lead']}")
    elif "lead" in data:
        event |= {"lead": data["lead"], "contact": ""}
        world.event(event, f"contact/{data['lead']}")
    else:
        world.event(event)


def _doc(world: Replay, contact: str) -> dict[str, Any]:
    return world.states[f"contact/{contact}"].doc


def test_a_chain_of_merges_leads_to_the_last() -> None:
    """A into B into C: what is said to A reaches C, in either order of the merges."""
    for order in (("c-a", "c-b"), ("c-b", "c-a")):
        world = _world()
        into = {"c-a": "c-b", "c-b": "c-c"}
        for contact in order:
            _say(world, f"merge-{contact}", "contact.merged", contact, into=into[contact])
        _say(world, "e", "nps.answered", "c-a", response="r", score=7)

        assert _doc(world, "c-c")["nps"]["score"] == 7
        assert _doc(world, "c-c")["aliases"] == ["c-a", "c-b"]
        assert _doc(world, "c-a")["merged_into"] == "c-b"


@pytest.mark.parametrize("again", ["c-a", "c-b"])
def test_a_circle_is_refused(again: str) -> None:
    """After A into B into C nothing merges C into one of them."""
    world = _world()
    _say(world, "1", "contact.merged", "c-a", into="c-b")
    _say(world, "2", "contact.merged", "c-b", into="c-c")
    _say(world, "3", "contact.merged", "c-c", into=again)

    assert "merged_into" not in _doc(world, "c-c")
    assert [f["data"]["reason"] for f in world.facts if f["fact"] == "event.rejected"] == ["cycle"]


def test_who_recommended_a_merged_lead_is_forgotten_too() -> None:
    """The word goes on to the record that remains; the alias itself is emptied as well."""
    world = _world()
    _say(world, "1", "referral.submitted", "c-c", lead={"id": "c-a", "name": "A"})
    _say(world, "2", "contact.merged", "c-a", into="c-b")
    _say(world, "3", "contact.erase_requested", "c-c")

    subs = _doc(world, "c-b")["referred"]["subs"].values()
    assert [sub["referrer"]["id"] for sub in subs] == [""]
    _say(world, "4", "contact.erase_requested", "c-a")
    assert "email" not in _doc(world, "c-a")
    assert "email" not in _doc(world, "c-b")
    assert _doc(world, "c-a")["merged_into"] == "c-b"


def test_oneself_is_refused_and_the_same_merge_again_is_nothing() -> None:
    """Into itself is a mistake; a merge said twice changes nothing."""
    world = _world()
    _say(world, "1", "contact.merged", "c-a", into="c-a")
    _say(world, "2", "contact.merged", "c-a", into="c-b")
    before = dict(_doc(world, "c-b"))
    _say(world, "3", "contact.merged", "c-a", into="c-b")

    assert _doc(world, "c-b") == before
    assert [f["data"]["reason"] for f in world.facts if f["fact"] == "event.rejected"] == ["self"]


def _crossed(world: Replay) -> tuple[deque[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """Merge A into B and B into A; return the packs under way, and what merges have in common."""
    inboxes: deque[tuple[str, dict[str, Any]]] = deque()
    _say(world, "s", "nps.answered", "c-a", response="r-a", score=9)
    _say(world, "t", "nps.answered", "c-b", response="r-b", score=3)
    base = {"source": "t", "type": "contact.merged", "time": iso(world.now), "lead": "",
            "account": ""}  # fmt: skip
    for one, other in (("c-a", "c-b"), ("c-b", "c-a")):
        _step(world, f"contact/{one}", {**base, "id": one, "contact": one, "data": {"into": other}},
              inboxes)  # fmt: skip
    return inboxes, base


def test_two_merges_that_cross_leave_one_record() -> None:
    """A into B and B into A, both accepted before either pack arrives: A, whose id is first."""
    world = _world()
    inboxes, _ = _crossed(world)
    for _ in range(20):
        if inboxes:
            _step(world, *inboxes.popleft(), inboxes)

    assert not inboxes
    assert "merged_into" not in _doc(world, "c-a")
    assert _doc(world, "c-b")["merged_into"] == "c-a"
    assert set(_doc(world, "c-a")["responses"]) == {"r-a", "r-b"}


def test_what_goes_round_follows_a_third_merge() -> None:
    """A into B and B into A cross, and A is merged into C before every pack has come home."""
    world = _world()
    inboxes, base = _crossed(world)
    while "merged_into" in _doc(world, "c-a"):
        _step(world, *inboxes.popleft(), inboxes)
    assert inboxes
    _step(world, "contact/c-a", {**base, "id": "c", "contact": "c-a", "data": {"into": "c-c"}},
          inboxes)  # fmt: skip
    for _ in range(40):
        if inboxes:
            _step(world, *inboxes.popleft(), inboxes)

    assert not inboxes
    assert _doc(world, "c-a")["merged_into"] == "c-c"
    assert set(_doc(world, "c-c")["responses"]) == {"r-a", "r-b"}


def _step(world: Replay, actor: str, event: dict[str, Any], inboxes: deque[Any]) -> None:
    """Handle one input, and hold back what follows for others."""
    changes = Changes()
    item = Input(actor, world.now, 1, event=event)
    decide(world.programme, world.states[actor], item, now=world.now, changes=changes, loads={})
    world.take(changes)
    inboxes.extend((each.actor, each.event) for each in changes.forwards)


@pytest.mark.parametrize(("ours", "theirs", "granted"), [
    (True, False, False), (False, True, False), (True, True, True), (None, False, False),
    (None, True, True), (False, None, False),
])  # fmt: skip
def test_the_strictest_consent_counts(ours: Any, theirs: Any, granted: Any) -> None:
    """A no of either record counts, however old it is; a yes only where neither said no."""
    world = _world()
    for contact, said, at in (("c-a", theirs, START - timedelta(days=9)), ("c-b", ours, START)):
        if said is not None:
            word = Consent(f"contact/{contact}", "email", "programme", said, at)
            world.states[f"contact/{contact}"].consents["email", "programme"] = word
    _say(world, "1", "contact.merged", "c-a", into="c-b")

    word = world.states["contact/c-b"].consents["email", "programme"]
    assert word.granted is granted
    assert word.at >= (START if ours is not None else START - timedelta(days=9))
    assert ("programme" in _doc(world, "c-b").get("unsubscribed", ())) is (
        not granted and ours is not False
    )


@pytest.mark.parametrize("further", ["c-a", "c-b"])
def test_the_furthest_run_goes_on(further: str) -> None:
    """Both records were asked: the run that stands further on remains, the other ends as merged."""
    world = _world()
    behind = {"c-a": "c-b", "c-b": "c-a"}[further]
    for contact, days in ((further, 20), (behind, 3)):
        _say(world, f"n-{contact}", "nps.answered", contact, response=f"r-{contact}", score=9)
        _say(world, f"o-{contact}", "optin.confirmed", contact)
        if contact == further:
            _say(world, f"j-{contact}", "journey.answered", contact, stage="poll")
        world.advance(world.now + timedelta(days=days))
    _say(world, "1", "contact.merged", "c-a", into="c-b")

    ended = {r.ended_as: r for r in world.runs.values()
             if r.workflow == "ambassador" and r.status == "ended"}  # fmt: skip
    (live,) = [r for r in world.runs.values()
               if r.workflow == "ambassador" and r.status == "live"]  # fmt: skip
    assert live.actor == "contact/c-b"
    assert live.doc["trigger"]["contact"] == further
    assert ended["merged"].doc["trigger"]["contact"] == behind


moves = st.lists(
    st.tuples(
        st.sampled_from(["nps", "solved", "merge", "refer", "won", "lost", "optin", "no"]),
        st.sampled_from(IDS), st.sampled_from(IDS), st.integers(0, 10), st.integers(0, 60),
    ),
    max_size=14,
)  # fmt: skip


def _act(world: Replay, what: str, one: str, other: str, score: int, id_: str) -> None:
    lead = "l-d" if one == other else other
    said: dict[str, tuple[str, str, dict[str, Any]]] = {
        "nps": ("nps.answered", one, {"response": id_, "score": score}),
        "solved": ("problem.solved", one, {"ticket": id_}),
        "merge": ("contact.merged", one, {"into": other}),
        "refer": ("referral.submitted", one,
                  {"lead": {"id": lead, "name": "D"}, "consent_to_contact": True}),
        "won": ("deal.won", "", {"lead": other, "deal": f"d-{score % 2}", "value_eur": 9}),
        "lost": ("deal.lost", "", {"lead": other, "deal": f"d-{score % 2}", "value_eur": 9}),
        "optin": ("optin.confirmed", one, {}),
        "no": ("contact.unsubscribed", one, {"topic": "programme", "channel": "email"}),
    }  # fmt: skip
    kind, contact, data = said[what]
    _say(world, id_, kind, contact, **data)


@examples(80)
@given(moves)
def test_whatever_is_merged_into_whatever(said: list[Any]) -> None:
    """The book sums to zero, balances are its sums, nobody waits for ever, one ask a person."""
    world = _world()
    for number, (what, one, other, score, hours) in enumerate(said):
        _act(world, what, one, other, score, f"e-{number}")
        world.advance(world.now + timedelta(hours=hours))
    world.advance(world.now + timedelta(days=200))

    assert not any(balances(world.entries).values())
    sums: dict[tuple[str, str], int] = {}
    for entry in world.entries:
        if not entry.benefit:
            key = (entry.account, entry.bucket)
            sums[key] = sums.get(key, 0) + entry.delta
    for actor, state in world.states.items():
        if actor.startswith("contact/"):
            known = state.doc.get("balance", {})
            for bucket in ("pending", "available", "paid"):
                assert known.get(bucket, 0) == sums.get((actor, bucket), 0), (actor, bucket)
        _sound(state)
    live = {run.id: run for run in world.runs.values() if run.status == "live"}
    waking = {timer.run for timer in world.timers.values()}
    for run in live.values():
        assert run.id in world.states[run.actor].runs
        assert run.doc.get("wait") is not None or run.id in waking


def _sound(state: State) -> None:
    """An alias holds nothing; who is no alias has one open ask at most."""
    if "merged_into" in state.doc:
        assert [state.runs, state.asks, state.tasks, state.timers] == [{}, {}, {}, {}]
    assert len(state.asks) <= 1


def test_moments_and_refusals_of_both_records_count() -> None:
    """Two open windows become one, its winner is chosen once, and the lower rung stays refused."""
    world = _world()
    for contact, kind in (("c-a", "favour.granted"), ("c-b", "problem.solved")):
        _say(world, f"nps-{contact}", "nps.answered", contact, response=f"r-{contact}", score=9)
        _say(world, f"moment-{contact}", kind, contact, note="x", ticket="1")
        world.advance(world.now + timedelta(hours=3))
    _doc(world, "c-a")["refused"] = "referral"
    _doc(world, "c-b")["refused"] = "reference_story"
    _say(world, "merge", "contact.merged", "c-a", into="c-b")
    world.advance(world.now + timedelta(days=3))

    told = [fact for fact in world.facts if fact["fact"].startswith("moment.")]
    assert [(f["fact"], f["data"]["moment"], f["data"].get("kind")) for f in told] == [
        ("moment.absorbed", "favour.granted", None),
        ("moment.chosen", "problem.solved", "quote"),
    ]
    _say(world, "again", "favour.granted", "c-b", note="y")
    assert _doc(world, "c-b")["refused"] == "reference_story"


def test_a_merge_that_is_taken_back_counts_syncs_on() -> None:
    """After two merges that crossed no key of a sync is used a second time."""
    world = _world()
    _say(world, "s", "nps.answered", "c-a", response="r-a", score=9)
    before = _doc(world, "c-a")["synced"]["crm"]["number"]

    _say(world, "m", "contact.merged", "c-a", into="c-b")

    assert _doc(world, "c-a")["synced"]["crm"] == {"number": before}


def test_what_a_merge_makes_void_starts_runs_that_know_the_referral() -> None:
    """The correction that sales gets speaks of the recommendation."""
    world = _world()
    _say(world, "r", "referral.submitted", "c-a", consent_to_contact=True,
         lead={"id": "c-b", "name": "Bo", "email": "c-b@acme.example"})  # fmt: skip

    _say(world, "m", "contact.merged", "c-b", into="c-a")

    started = [run.doc["trigger"] for run in world.runs.values()
               if run.doc.get("trigger", {}).get("type") == "referral.voided"]  # fmt: skip
    assert [trigger["referral"]["lead"]["id"] for trigger in started] == ["c-b"]
