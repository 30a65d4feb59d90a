"""Each rule of DESIGN section 2, switched off: what the simulation must notice.

A mutation patches the product, beneath the taps, so that one rule does not hold. It is caught
when some seed of a few comes out wrong; `notices` says which finding must be among them, so
that it is caught for its own reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.simulation import shapes
from tests.simulation import switches_inside as inside
from tests.simulation import switches_people as people
from tests.simulation import switches_sending as sending
from tests.simulation.company import Company
from tests.simulation.world import World

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule without which things go wrong.

    Attributes:
        rule: Its number in DESIGN section 2.
        name: What is switched off.
        off: Does so.
        notices: Part of a finding that must be there.
        seeds: Where to look; the first that notices is enough.
        first: A seed that noticed when this was written: looked at before the others.
        change: Makes the worlds likelier to need the rule.
    """

    rule: int
    name: str
    off: Callable[[Patch], None]
    notices: str
    seeds: Sequence[int] = range(1, 40)
    change: Callable[[World], None] | None = None
    first: int = 1


WIDE = range(shapes.WIDE, shapes.WIDE + 60)
"""Where people merge and are forgotten, and others are called and told."""


def _poisoned(how: str) -> list[int]:
    """Return a few seeds with an event that is poison in this way."""
    return [seed for seed in range(1, 300) if how in Company(seed).poison.values()][:12]


def _restless(world: World) -> None:
    """Clocks step back all the time, and workers are slow."""
    world.faults.left["clock"] = 60
    world.faults.often |= {"clock"}


def _sleepy(world: World) -> None:
    """Processes are stopped for longer than a lease, again and again."""
    world.faults.left["stall"] = 60
    world.faults.often |= {"stall"}


def outage(world: World) -> None:
    """Four of five transactions fail, three hundred times, and nobody dies."""
    world.faults.left |= {"database": 300, "kill": 0}
    world.faults.often.add("database")


def _full_disk(world: World) -> None:
    """Drains alone fail: counting a try finds room where a batch does not."""
    outage(world)
    world.faults.at = "drain begin"


def _doubtful(world: World) -> None:
    """Of most sends nobody knows what became of them."""
    world.faults.left["network"] = 60
    world.faults.often |= {"network"}


def _pausing(world: World) -> None:
    """An operator pauses one run after the other, and lets none go on."""
    world.hands.often, world.hands.verbs = 0.1, ("pause",)


MUTATIONS = (
    Mutation(
        1, "the answer comes before the commit", inside.answer_before_the_commit, "nothing_is_lost"
    ),
    Mutation(1, "the bells are the truth", inside.trust_the_bells, "nothing_is_left"),
    Mutation(2, "a batch is two transactions", inside.delete_inputs_first, ""),
    Mutation(3, "drains read before they lock", inside.read_before_the_lock, "not in its inbox"),
    Mutation(3, "the newest input comes first", inside.newest_first, "which came first"),
    Mutation(
        3,
        "clocks decide the order",
        inside.clocks_decide,
        "which came first",
        change=_restless,
    ),
    Mutation(4, "the engine remembers", inside.memory, "actor contact/"),
    Mutation(5, "keys are fresh at every try", inside.fresh_keys, ""),
    Mutation(5, "no event was seen before", inside.no_dedupe, ""),
    Mutation(
        6, "timers wait for nobody", inside.timers_first, "accepted before it was due", first=14
    ),
    Mutation(6, "timers are kept in memory", inside.timers_in_memory, "timers:"),
    Mutation(7, "runs take the newest text", inside.newest_text, ""),
    Mutation(8, "no guard", sending.no_guard, "the guard said"),
    Mutation(8, "no caps, whatever the oracle thinks", sending.no_caps, "caps_hold"),
    Mutation(
        8,
        "doubt takes no place in caps",
        sending.doubt_is_free,
        "the guard said",
        change=_doubtful,
        first=29,
    ),
    Mutation(
        8,
        "what leaves again gives its place back",
        sending.sure_of_nothing,
        "the guard said",
        range(5, 200, 5),
        _doubtful,
        first=85,
    ),
    Mutation(
        8,
        "consent waits in the queue",
        sending.consent_behind_the_queue,
        "consent_holds",
        change=lambda world: world.company.waver(),
    ),
    Mutation(
        8,
        "a pause is forgotten",
        inside.no_pause,
        "a_pause_holds",
        range(101, 140),
        _pausing,
    ),
    Mutation(9, "nobody hears of the outcome", sending.tell_nobody, "/message."),
    Mutation(10, "what is in doubt is sent again", sending.send_again, "once_to_people"),
    Mutation(10, "no fence before the call", sending.no_fence, "without a lease", change=_sleepy),
    Mutation(
        10, "the call comes before the commit", sending.call_before_the_commit, "once_to_people"
    ),
    Mutation(11, "what passes is blamed on an input", inside.blame_whoever_is_there, "dead letter"),
    Mutation(
        11,
        "poison is not isolated",
        inside.no_isolation,
        "no dead letter",
        _poisoned("raises"),
        first=13,
    ),
    Mutation(11, "deaths are forgotten", inside.no_tries, "stuck", _poisoned("kills"), first=18),
    Mutation(
        11,
        "neighbours of poison are blamed",
        inside.blame_the_neighbours,
        "took the process down",
        _poisoned("kills"),
        lambda world: world.company.crowd(),
    ),
    Mutation(
        11,
        "errors that pass are deaths",
        inside.errors_are_deaths,
        "took the process down",
        (29, 205),  # where five fail in a row of those that a slice has for itself
        change=_full_disk,
    ),
    Mutation(12, "nothing is said of what led to nothing", inside.no_records, "decision"),
    Mutation(12, "a skip has no reason", inside.no_reasons, "reason"),
    Mutation(
        3, "a merge leaves the book", people.leave_the_book, "and the book says", WIDE, first=10113
    ),
    Mutation(3, "a merge leaves the runs", people.leave_the_runs, "and nowhere", WIDE, first=10003),
    Mutation(
        5,
        "each attempt of a call has a key",
        people.fresh_call_keys,
        "no step's",
        WIDE,
        first=10002,
    ),
    Mutation(
        8,
        "the forgotten are written to",
        people.write_to_the_forgotten,
        "who is forgotten",
        WIDE,
        first=10137,
    ),
    Mutation(
        9,
        "what changed meanwhile is told",
        people.believe_it_is_known,
        "and true is",
        WIDE,
        first=10_008,
    ),
    Mutation(
        9,
        "syncs overtake each other",
        people.tell_beside_each_other,
        "others_hear_the_newest_last",
        WIDE,
        first=100_006,
    ),
    Mutation(
        3,
        "a merge keeps the first score",
        people.keep_the_first_score,
        "the_newest_score_counts",
        WIDE,
        lambda world: world.company.unite(),
        100_039,
    ),
    Mutation(
        3,
        "arrival decides what is newest",
        people.arrival_decides,
        "the_newest_score_counts",
        WIDE,
        first=100_044,
    ),
    Mutation(
        12,
        "the words of the forgotten stay",
        people.keep_the_words,
        "still knows",
        WIDE,
        first=10002,
    ),
)
