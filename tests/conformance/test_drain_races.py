"""Drains that run at once: every input is handled once, and each actor's in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from store.db import Store
from store.drain import begin_try, left_over, lock_slices, read_batch
from tests.conformance.values import T0, arrival, decide, publish, rows
from workflows.state import Changes, slice_of

ACTORS = [f"contact/c-{number}" for number in range(12)]
EVENTS = 240


def drain_once(store: Store) -> int:
    """Handle a batch by noting in each actor's document which events it saw."""
    picked = begin_try(store, now=T0, limit=4)
    with store.transaction() as conn:
        slices = lock_slices(conn, now=T0, want=picked, limit=4)
        batch = read_batch(conn, slices, now=T0, limit=7)
        changes = Changes()
        for actor, inputs in batch.inputs.items():
            seen = batch.states[actor].doc.get("seen", [])
            changes.actors[actor] = {"seen": seen + [(one.event or {})["n"] for one in inputs]}
        handled = [one for inputs in batch.inputs.values() for one in inputs]
        decide(conn, batch.slices, changes, handled)
    return len(handled)


def drain_until_handled(store: Store, handled: list[int]) -> None:
    while sum(handled) < EVENTS:
        handled.append(drain_once(store))


def test_every_event_is_handled_once_and_in_order(database_url: str) -> None:
    """Three drains and a publisher at work together lose, double and swap nothing."""
    stores = [Store.open(database_url, durable=False) for _ in range(4)]
    start = Barrier(4)
    handled: list[int] = []

    def publish_all(store: Store) -> None:
        start.wait()
        for number in range(0, EVENTS, 6):
            events = [
                arrival(f"e-{n}", ACTORS[n % len(ACTORS)], doc={"n": n})
                for n in range(number, number + 6)
            ]
            publish(store, *events)

    def drain_all(store: Store) -> None:
        start.wait()
        drain_until_handled(store, handled)

    work: list[Callable[[Store], None]] = [publish_all, drain_all, drain_all, drain_all]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(do, store) for do, store in zip(work, stores, strict=True)]:
            done.result()
    found = dict(rows(stores[0], "actor", "key", "doc"))
    for store in stores:
        store.close()

    assert sum(handled) == EVENTS
    assert found == {
        actor: {"seen": list(range(place, EVENTS, len(ACTORS)))}
        for place, actor in enumerate(ACTORS)
    }


def test_a_drain_never_waits_for_a_slice(pg: str) -> None:
    """A slice that one drain holds is passed over by the next, which takes the others."""
    store = Store.open(pg)
    anna, bram = slice_of("contact/anna"), slice_of("contact/bram")
    publish(store, arrival("e-1", "contact/anna"))
    with store.transaction() as one:
        held = lock_slices(one, now=T0)
        publish(store, arrival("e-2", "contact/bram"))
        tried = begin_try(store, now=T0)
        with store.transaction() as other:
            locked = lock_slices(other, now=T0)
    store.close()

    assert held == [anna]
    assert tried == locked == [bram]


@pytest.mark.parametrize("sides", [2, 5])
def test_a_slice_is_held_by_one_drain_at_a_time(store: Store, sides: int) -> None:
    """However many drains begin at once, one batch of a slice is handled by one of them."""
    publish(store, *(arrival(f"e-{n}", ACTORS[0], doc={"n": n}) for n in range(7)))
    start = Barrier(sides)

    def go(_: int) -> int:
        start.wait()
        return drain_once(store)

    with ThreadPoolExecutor(sides) as threads:
        handled = sorted(threads.map(go, range(sides)))

    assert handled == [0] * (sides - 1) + [7]


def test_who_was_turned_away_is_served_by_who_held_the_slice(pg: str) -> None:
    """An event that came while a drain held its slice is found when the drain lets go."""
    store = Store.open(pg)
    actor = ACTORS[0]
    publish(store, arrival("e-1", actor))
    picked = begin_try(store, now=T0)
    with store.transaction() as conn:
        slices = lock_slices(conn, now=T0, want=picked)
        batch = read_batch(conn, slices, now=T0)
        handled = [one for inputs in batch.inputs.values() for one in inputs]
        decide(conn, batch.slices, Changes(), handled)
        publish(store, arrival("e-2", actor))
        turned_away = begin_try(store, now=T0)
    left = left_over(store, slices, now=T0)
    store.close()

    assert turned_away == []
    assert left == [slice_of(actor)]
