"""What a drain that fails leaves behind: dead letters, tries, and its inputs."""

import pytest

from store.db import Store
from store.decided import DeadInput, StraySliceError
from store.drain import begin_try, lock_slices, read_batch, set_aside
from tests.conformance.rows import ANNA, BRAM
from tests.conformance.values import (
    T0,
    after,
    arrival,
    drain,
    names,
    peek,
    publish,
    rows,
    run,
    set_timers,
    timer,
)
from workflows.state import Changes, slice_of


def test_an_input_set_aside_is_a_dead_letter(store: Store) -> None:
    """Events and timers leave with their error and all that a replay needs."""
    publish(store, arrival("e-1", doc={"id": "e-1", "type": "nps.submitted"}))
    set_timers(store, timer("t-1"))
    begin_try(store, now=T0)
    with store.transaction() as conn:
        batch = read_batch(conn, lock_slices(conn, now=T0), now=T0)
        dead = [DeadInput(one, error="boom") for one in batch.inputs[ANNA]]
        set_aside(conn, batch, dead, now=after(minutes=1))

    assert rows(store, "dead", "actor", "kind", "type", "error", "tries", "status", "at") == [
        (ANNA, "event", "nps.submitted", "boom", 1, "dead", after(minutes=1)),
        (ANNA, "timer", "wait", "boom", 1, "dead", after(minutes=1)),
    ]
    assert rows(store, "inbox", "seq") == rows(store, "timer", "key") == []


def test_an_input_handled_meanwhile_is_not_set_aside(store: Store) -> None:
    """Drains that fail on the same inputs make one dead letter; a timer set anew is another."""
    publish(store, arrival("e-1"), arrival("e-2"))
    set_timers(store, timer("t-1"), timer("t-2"))
    batch = peek(store, ANNA)
    dead = [DeadInput(one, error="boom") for one in batch.inputs[ANNA]]

    def aside(*given: DeadInput) -> int:
        with store.transaction() as conn:
            return set_aside(conn, batch, given, now=T0)

    assert aside(dead[0], dead[2]) == 2
    set_timers(store, timer("t-2", due_at=after(days=1)))

    assert aside(*dead) == 1
    assert rows(store, "dead", "kind") == [("event",), ("event",), ("timer",)]
    assert rows(store, "timer", "key") == [("t-2",)]


def test_tries_count_what_never_committed(store: Store) -> None:
    """A try is counted before the batch and forgotten when it commits, slice by slice."""
    publish(store, arrival("e-1"), arrival("b-1", BRAM))

    picked = [begin_try(store, now=T0, want=[slice_of(ANNA)]) for _ in range(2)]
    batch = drain(store)

    assert picked == [[slice_of(ANNA)]] * 2
    assert batch.tries == {slice_of(ANNA): 3, slice_of(BRAM): 1}
    assert [one.tries for one in batch.inputs[ANNA]] == [3]
    assert set(rows(store, "slice", "tries")) == {(0,)}


def test_a_batch_that_fails_keeps_its_try_and_its_inputs(store: Store) -> None:
    """Rolled back, everything is as before but for the count of tries."""
    publish(store, arrival("e-1"))

    with pytest.raises(StraySliceError):
        drain(store, Changes(runs={"r-1": run("r-1", BRAM)}))

    again = peek(store, ANNA)
    assert names(again.inputs[ANNA]) == ["e-1"]
    assert again.tries == {slice_of(ANNA): 1}
