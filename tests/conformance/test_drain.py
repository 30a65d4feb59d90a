"""The hot transaction: each input handled once, in order, with all its actor's state."""

import pytest

from store.db import Store
from store.drain import PENDING_MAX, begin_try, lock_slices, next_due, pending_inputs, stale_slices
from tests.conformance.rows import ACME, ANNA, BRAM
from tests.conformance.values import (
    T0,
    after,
    arrival,
    ask,
    drain,
    message,
    names,
    peek,
    publish,
    run,
    set_timers,
    task,
    timer,
    write,
)
from workflows.state import Changes, Consent, State, slice_of

# What a batch holds


def test_a_batch_has_an_actors_inputs_in_order(store: Store) -> None:
    """Events by when they were accepted, timers by when they were due, events first on a tie."""
    publish(store, arrival("e-0"), arrival("e-1"), arrival("e-5", arrived=after(minutes=5)))
    set_timers(store, timer("t-0"), timer("t-3", due_at=after(minutes=3)), timer("t-z"))

    inputs = peek(store, ANNA, now=after(hours=1)).inputs[ANNA]

    assert names(inputs) == ["e-0", "e-1", "t-0", "t-z", "t-3", "e-5"]
    assert [one.at for one in inputs] == [T0] * 4 + [after(minutes=3), after(minutes=5)]


def test_events_come_as_they_were_accepted_whatever_clocks_said(store: Store) -> None:
    """Two machines' clocks differ: seq decides, and timers still wait for what came before them."""
    publish(store, arrival("e-0", arrived=after(minutes=5)))
    publish(store, arrival("e-1"), arrival("e-2", arrived=after(minutes=4)))
    set_timers(
        store,
        timer("t-first", due_at=after(minutes=-1)),
        timer("t-3", due_at=after(minutes=3)),
        timer("t-6", due_at=after(minutes=6)),
    )

    inputs = peek(store, ANNA, now=after(hours=1)).inputs[ANNA]

    assert names(inputs) == ["t-first", "e-0", "e-1", "t-3", "e-2", "t-6"]


@pytest.mark.parametrize("limit", range(1, 7))
def test_a_small_batch_takes_the_first_of_them(store: Store, limit: int) -> None:
    """A clock that went back puts no event before an earlier one, however few are taken."""
    publish(store, arrival("e-0", arrived=after(minutes=5)))
    publish(store, arrival("e-1"), arrival("e-2", arrived=after(minutes=4)))
    dues = {"t-first": -1, "t-3": 3, "t-6": 6}
    set_timers(store, *(timer(key, due_at=after(minutes=due)) for key, due in dues.items()))

    inputs = peek(store, ANNA, now=after(hours=1), limit=limit).inputs[ANNA]

    assert names(inputs) == ["t-first", "e-0", "e-1", "t-3", "e-2", "t-6"][:limit]


def test_a_batch_has_the_whole_state_of_its_actors(store: Store) -> None:
    """Document, live runs, open asks and tasks, timers and consents come back as written."""
    late, early = run("a-2", started_at=after(hours=1)), run("z-1", doc={"at": "step"})
    state = State(
        ANNA,
        doc={"email": "anna@example.com", "nps": {"score": 9}},
        runs={"z-1": early, "a-2": late},
        asks={"k-1": ask("k-1", status="open", opened_at=T0, doc={"touch": 1})},
        tasks={"t-1": task("t-1", overdue_at=after(hours=3), doc={"level": 2})},
        timers={"w-1": timer("w-1", due_at=after(days=1), subject="t-1")},
        consents={("sms", "asks"): Consent(ANNA, "sms", "asks", granted=True, at=T0, source="x")},
    )
    changes = Changes(
        actors={ANNA: state.doc},
        runs={**state.runs, "r-9": run("r-9", status="ended", ended_at=T0, ended_as="done")},
        asks={**state.asks, "k-9": ask("k-9", status="answered", closed_at=T0)},
        tasks={**state.tasks, "t-9": task("t-9", status="done", closed_at=T0)},
        timers_set=state.timers,
        consents=list(state.consents.values()),
    )
    write(store, changes)
    publish(store, arrival("e-1"))

    found = peek(store, ANNA).states[ANNA]

    assert found == state
    assert list(found.runs) == ["z-1", "a-2"]


@pytest.mark.parametrize("first", [0, 1])
def test_state_comes_in_one_order(store: Store, first: int) -> None:
    """Tasks and timers come by key, runs by start, whatever was written when."""
    for number in (first, 1 - first):
        at = after(hours=-number)
        each = Changes(
            runs={f"r-{number}": run(f"r-{number}", started_at=at)},
            tasks={f"t-{number}": task(f"t-{number}", due_at=at)},
            timers_set={f"w-{number}": timer(f"w-{number}", due_at=after(days=2 - number))},
        )
        write(store, each)
    publish(store, arrival("e-1"))

    state = peek(store, ANNA).states[ANNA]

    assert [list(of) for of in (state.runs, state.tasks, state.timers)] == [
        ["r-1", "r-0"], ["t-0", "t-1"], ["w-0", "w-1"],
    ]  # fmt: skip


def test_an_unknown_actor_has_an_empty_state(store: Store) -> None:
    """An actor nobody has written about is read as nothing known."""
    publish(store, arrival("e-1"))

    assert peek(store, ANNA).states == {ANNA: State(ANNA)}


@pytest.mark.parametrize("name", ["acme", ACME])
def test_a_contact_comes_with_its_account(store: Store, name: str) -> None:
    """The account's document is there: by the contact's own word, else by its first event's."""
    old = {"account/old": {"owner": "u-2"}, "account/old/nl": {"owner": "u-3"}}
    write(store, Changes(actors={ACME: {"owner": "u-1"}, **old}))
    publish(store, arrival("e-1", doc={"id": "e-1", "account": name}))

    assert peek(store, ANNA).states[ANNA].account == {"owner": "u-1"}

    write(store, Changes(actors={ANNA: {"account": "old"}}))

    assert peek(store, ANNA).states[ANNA].account == {"owner": "u-2"}

    write(store, Changes(actors={ANNA: {"account": "old/nl"}}))

    assert peek(store, ANNA).states[ANNA].account == {"owner": "u-3"}


def test_state_of_others_stays_out(store: Store) -> None:
    """Of two actors in one slice a batch loads only the one that has an input."""
    other = next(f"contact/{n}" for n in range(999) if slice_of(f"contact/{n}") == slice_of(ANNA))
    write(store, Changes(actors={other: {"x": 1}}, runs={"r": run("r", other)}))
    publish(store, arrival("e-1"))

    assert list(peek(store, ANNA).states) == [ANNA]


# Which inputs a batch takes


def test_a_timer_is_held_back_behind_an_event_that_did_not_fit(store: Store) -> None:
    """A timer waits for its actor's events accepted up to the instant it was due."""
    publish(store, arrival("e-1"), arrival("e-2", arrived=after(minutes=1)))
    set_timers(store, timer("t-1", due_at=after(minutes=1)))

    def next_one() -> list[str]:
        return names(drain(store, now=after(hours=1), limit=1).inputs[ANNA])

    assert [next_one(), next_one(), next_one()] == [["e-1"], ["e-2"], ["t-1"]]


def test_a_timer_does_not_wait_for_a_later_event_nor_for_others(store: Store) -> None:
    """Neither an event accepted after it was due nor another actor's holds a timer back."""
    other = next(f"contact/{n}" for n in range(999) if slice_of(f"contact/{n}") == slice_of(ANNA))
    late = [arrival(f"e-{n}", arrived=after(minutes=2)) for n in range(2)]
    publish(store, arrival("o-1", other), arrival("o-2", other), *late)
    set_timers(store, timer("t-1", due_at=after(minutes=1)))

    batch = peek(store, ANNA, now=after(hours=1), limit=3)

    assert {actor: names(inputs) for actor, inputs in batch.inputs.items()} == {
        other: ["o-1", "o-2"],
        ANNA: ["t-1"],
    }


def test_a_timer_not_due_is_no_input(store: Store) -> None:
    """A timer is an input from the instant it is due, not a microsecond before."""
    set_timers(store, timer("t-1", due_at=after(microseconds=1)))

    assert drain(store, now=T0).inputs == {}
    assert names(drain(store, now=after(microseconds=1)).inputs[ANNA]) == ["t-1"]


def test_a_batch_is_bounded_and_says_when_it_is_full(store: Store) -> None:
    """At most `limit` inputs, events and timers together; full means there may be more."""
    publish(store, arrival("e-1"), arrival("e-2"))
    set_timers(store, timer("t-1"), timer("t-2"))

    full, short = peek(store, ANNA, limit=4), peek(store, ANNA, limit=5)
    less = peek(store, ANNA, limit=3)

    assert (full.full, short.full, less.full) == (True, False, True)
    assert names(less.inputs[ANNA]) == ["e-1", "e-2", "t-1"]


def test_slices_that_wait_longest_come_first(store: Store) -> None:
    """Of many slices with input the oldest are taken, whether an event or a timer waits."""
    actors = [f"contact/{n}" for n in range(400)]
    by_slice = {slice_of(actor): actor for actor in actors}
    order = [by_slice[number] for number in sorted(by_slice, reverse=True)]
    for place, actor in enumerate(order):
        if place % 2:
            publish(store, arrival(actor, actor, arrived=after(seconds=place)))
        else:
            set_timers(store, timer(actor, actor, due_at=after(seconds=place)))

    with store.transaction() as conn:
        locked = lock_slices(conn, now=after(hours=1), limit=5)
        wanted = lock_slices(conn, now=after(hours=1), want=[3, 4], limit=5)

    assert locked == [63, 62, 61, 60, 59]
    assert wanted == [4, 3]


def test_a_slice_without_input_is_not_locked(store: Store) -> None:
    """Nothing waiting, and a timer due later, are no reason to begin."""
    set_timers(store, timer("t-1", due_at=after(hours=1)))

    with store.transaction() as conn:
        assert lock_slices(conn, now=T0) == []
    assert begin_try(store, now=T0) == []


# What the clock asks


def test_the_next_thing_due_is_a_timer_or_a_message(store: Store) -> None:
    """The earliest of both, at once when it is past, nothing when nothing is planned."""

    def due(minutes: float) -> object:
        with store.reader() as conn:
            return next_due(conn, now=after(minutes=minutes))

    assert due(0) is None

    set_timers(store, timer("t-1", due_at=after(minutes=9)), timer("t-2", BRAM))
    planned = {"m": message("m", planned_at=after(minutes=5)), "s": message("s", status="sent")}
    write(store, Changes(messages=planned, timers_cut={"t-2": timer("t-2", BRAM)}))

    assert due(0) == after(minutes=5)
    assert due(7) == after(minutes=7)


def test_a_slice_that_waits_too_long_is_stale(store: Store) -> None:
    """An event left lying for the given time is found, and a timer as soon as it is due."""
    publish(store, arrival("e-1"))
    set_timers(store, timer("t-1", BRAM, due_at=after(seconds=5)))

    def stale(seconds: float) -> list[int]:
        with store.reader() as conn:
            return stale_slices(conn, now=after(seconds=seconds), older_than=after(seconds=2) - T0)

    assert stale(1.9) == []
    assert stale(2) == [slice_of(ANNA)]
    assert stale(4.9) == [slice_of(ANNA)]
    assert stale(5) == sorted([slice_of(ANNA), slice_of(BRAM)])


def test_waiting_inputs_are_counted_up_to_a_bound(store: Store) -> None:
    """The count is exact up to its bound and stops there."""
    for start in range(0, PENDING_MAX, 2000):
        publish(store, *(arrival(f"e-{n}") for n in range(start, start + 2000)))
        with store.reader() as conn:
            assert pending_inputs(conn) == start + 2000
    publish(store, arrival("one more"))

    with store.reader() as conn:
        assert pending_inputs(conn) == PENDING_MAX
