"""Order and change: the rest of SCENARIOS section A, in programmes that are made.

Events in another order, contacts in another order, another programme while runs are waiting.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.generated import compiled, made
from tests.played import (
    AFTERWARDS,
    CONTACTS,
    START,
    Move,
    Numbered,
    Played,
    Stream,
    ends,
    known,
    play_numbered,
    programme_of,
    say,
    seeds,
    streams,
    waiting_programme,
)
from workflows.compiled import Programme


@examples(25)
@given(seeds, streams, st.randoms(use_true_random=False))
def test_contacts_do_not_disturb_each_other(seed: int, stream: Stream, draw: Random) -> None:
    """A3: in which order contacts of no common firm are handled makes no difference."""
    apart = [replace(move, contact=APART[move.contact]) for move in stream]
    groups = _at_once(apart)
    mixed = [_shuffled_by_contact(group, draw) for group in groups]

    told = play_numbered(programme_of(seed), [each for group in groups for each in group])
    other = play_numbered(programme_of(seed), [each for group in mixed for each in group])

    assert ends(other) == ends(told)


APART = {"c-anna": "c-anna", "c-bram": "c-cleo", "c-cleo": "c-cleo"}
STATE = ("nps", "responses", "owner", "participant", "participant_since", "unsubscribed",
         "first_name", "name", "email", "segments", "locale")  # fmt: skip


def _at_once(stream: Stream) -> list[list[Numbered]]:
    """Return moves in groups, each of which happens at one instant; they keep their numbers."""
    groups: list[list[Numbered]] = []
    for number, move in enumerate(stream):
        if not groups or number % 3 == 0:
            groups.append([])
        groups[-1].append(Numbered(number, replace(move, wait=0) if groups[-1] else move))
    return groups


def _shuffled_by_contact(group: list[Numbered], draw: Random) -> list[Numbered]:
    """Return the same moves, each contact's in their order, the contacts mixed otherwise."""
    by: defaultdict[str, list[Numbered]] = defaultdict(list)
    for each in group:
        by[each.move.contact].append(each)
    order = [each.move.contact for each in group]
    draw.shuffle(order)
    first = replace(group[0].move)
    taken = [by[contact].pop(0) for contact in order]
    return [Numbered(each.number, replace(each.move, wait=first.wait if place == 0 else 0))
            for place, each in enumerate(taken)]  # fmt: skip


words = st.lists(
    st.tuples(
        st.sampled_from(("nps.answered", "contact.updated", "owner.changed", "optin.confirmed",
                         "contact.unsubscribed", "own.ping")),
        st.integers(0, 30),
    ),
    min_size=2, max_size=7,
)  # fmt: skip


@examples(25)
@given(seeds, words, st.randoms(use_true_random=False))
def test_what_is_known_is_decided_by_time(
    seed: int, said: list[tuple[str, int]], draw: Random
) -> None:
    """A3: events told before any timer is due leave the same contact, in whatever order."""
    told = [(number, kind, what) for number, (kind, what) in enumerate(said)]
    mixed = list(told)
    draw.shuffle(mixed)
    one, other = (_known_after(programme_of(seed), each) for each in (told, mixed))

    assert other == one


def _known_after(programme: Programme, told: list[tuple[int, str, int]]) -> dict[str, Any]:
    """Return what is known of a contact once all of these arrived, at one instant."""
    world = Played(programme, START)
    known(world, "c-cleo", 2)
    world.advance(START + timedelta(minutes=30))
    for number, kind, what in told:
        late = 29 - 2 * number
        say(world, Move(0, kind, "c-cleo", what, late), f"e-{number}", world.now)
    state = world.states["contact/c-cleo"]
    consents = {way: (word.granted, word.at) for way, word in state.consents.items()}
    return {**{name: state.doc.get(name) for name in STATE}, "consents": consents}


@examples(25)
@given(
    st.permutations(("quote.given", "story.given", "review.posted", "favour.granted")),
    st.permutations(range(5)),
    st.sampled_from(("2d", "5h", "3bd")),
)
def test_a_wait_hears_what_came_before_it(waits: list[str], order: list[int], within: str) -> None:
    """A3: a run that its trigger starts late has the effects of one that was started in time."""
    programme = waiting_programme(tuple(waits), within)
    kinds = ("problem.solved", "quote.given", "story.given", "review.posted", "favour.granted")
    told = [(place, kinds[place]) for place in range(5)]

    assert _effects(programme, [told[place] for place in order]) == _effects(programme, told)


def _effects(programme: Programme, told: list[tuple[int, str]]) -> dict[str, Any]:
    world = Played(programme, START)
    known(world, "c-cleo", 2)
    world.advance(START + timedelta(minutes=30))
    for place, kind in told:  # they happened five minutes apart, the trigger first
        say(world, Move(0, kind, "c-cleo", 1, 29 - 5 * place), f"e-{place}", world.now)
    world.advance(START + timedelta(days=60))
    found = ends(world, without=("recent", "seen"))
    return {name: found[name] for name in ("runs", "sent", "skipped", "tasks", "entries")}


@examples(25)
@given(seeds, streams, st.integers(0, 15))
def test_a_run_keeps_the_version_it_started_with(seed: int, stream: Stream, when: int) -> None:
    """A7: another text of its workflow changes nothing for a run that is live."""
    before = made(Random(f"programme/{seed}"))
    same, other = _never_again(before), _never_again(before, more=True)

    kept = _switched(programme_of(seed), compiled(same), stream, when)
    changed = _switched(programme_of(seed), compiled(other), stream, when)

    recent = ("recent",)  # what an exit may look back to is remembered, and does nothing
    assert ends(changed, without=recent) == ends(kept, without=recent)


def _never_again(files: Mapping[str, str], *, more: bool = False) -> dict[str, str]:
    """Return the programme with triggers that never come, and other steps if `more`."""
    changed = dict(files)
    for path, text in files.items():
        if path.startswith("workflows/"):
            workflow = yaml.safe_load(text)
            workflow["trigger"] = {"event": "social.followed"}
            workflow["run"] = {}
            if more:
                first = {"send": {"template": "plain-3", "class": "transactional"}}
                workflow["steps"] = [first, {"wait": "1d"}, *workflow["steps"]]
                workflow["exit"] = [{"event": "nps.answered", "as": "other"}]
            changed[path] = yaml.safe_dump(workflow, sort_keys=False)
    return changed


def _switched(programme: Programme, after: Programme, stream: Stream, when: int) -> Played:
    """Play a stream; from a move on the other programme is the newest, as after `apply`."""
    newest = replace(after, versions={**programme.versions, **after.versions})
    world = Played(programme, START)
    for number, contact in enumerate(CONTACTS):
        known(world, contact, number)
    at = START
    for number, move in enumerate(stream):
        if number == when:
            world.programme = newest
        at += timedelta(minutes=move.wait)
        world.advance(at)
        say(world, move, f"e-{number}", at)
    world.programme = newest
    world.advance(at + AFTERWARDS)
    return world
