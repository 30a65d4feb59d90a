"""The bench's own reckoning: its events, its figures, its programme."""

import gc
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

import benchmarks
from benchmarks.figures import Figure, Round, summary, table, times
from benchmarks.workload import ANSWERS, LAG_SHARE, OPENS, batches, make_events, openings
from events.catalogue import default_catalogue
from events.envelope import parse_event
from workers.arrivals import offer
from workers.cli.applying import checked
from workers.programmes import compile_loaded
from workflows.engine import decide
from workflows.state import Changes, Input, State

AT = datetime(2027, 2, 3, 10, tzinfo=UTC)
PROGRAMME = Path(benchmarks.__file__).with_name("programme")


def figure(key: str, *rates: int) -> Figure:
    rounds = tuple(Round(rate, 1.0, {"workers": rate / 5_000}, 60.0) for rate in rates)
    return Figure(key, key, rounds)


def test_one_event_of_five_is_an_answer() -> None:
    """Four of five events open something, one answers."""
    kinds = Counter(event["type"] for event in make_events(1_000, "a", AT))

    assert kinds == {OPENS: openings(1_000), ANSWERS: 200}
    assert openings(1_000) == 800


def test_every_event_is_accepted_by_the_catalogue() -> None:
    """A bench that publishes rejects would measure rejections."""
    catalogue = default_catalogue()

    parsed = [parse_event(raw, now=AT, catalogue=catalogue) for raw in make_events(50, "a", AT)]

    assert len({(event.source, event.id) for event in parsed}) == 50


@pytest.mark.parametrize("count", [1_000, 4_800, 24_000])
def test_answers_follow_what_they_answer(count: int) -> None:
    """By then the contact opened something, far enough before to be handled before."""
    events = make_events(count, "a", AT)
    opened: dict[str, int] = {}
    gaps = []
    for place, event in enumerate(events):
        if event["type"] == OPENS:
            opened.setdefault(event["subject"], place)
        else:
            gaps.append(place - opened[event["subject"]])

    assert len(gaps) == count // 5
    assert min(gaps) >= openings(count) // LAG_SHARE


def test_rounds_share_no_contact_and_no_event() -> None:
    """Each round begins with people nobody knows, so that rounds can be compared."""
    first, second = make_events(100, "a", AT), make_events(100, "b", AT)

    assert not {event["subject"] for event in first} & {event["subject"] for event in second}
    assert not {event["id"] for event in first} & {event["id"] for event in second}


def test_events_happen_one_after_the_other() -> None:
    """No two events bear the same instant: a reward is earned by each quote."""
    happened = [event["time"] for event in make_events(500, "a", AT)]

    assert happened == sorted(set(happened))


def test_batches_hold_everything_in_order() -> None:
    """The last batch is short, nothing is left out."""
    events = make_events(250, "a", AT)

    cut = list(batches(events, 100))

    assert [len(each) for each in cut] == [100, 100, 50]
    assert [event for each in cut for event in each] == events


def test_rates_are_least_median_most() -> None:
    """Of three rounds the middle one counts."""
    assert figure("ours", 900, 1_500, 1_200).rates == (900, 1_200, 1_500)


def test_ratios_compare_rounds_side_by_side() -> None:
    """A neighbour who slowed down one round of both changes no ratio."""
    ours, base = figure("ours", 4_000, 2_000, 4_000), figure("base", 200, 100, 200)

    assert times(ours, base) == (20, 20, 20)


def test_processor_time_is_per_event() -> None:
    """A fifth of a second for a thousand events is 200 microseconds each."""
    assert figure("ours", 1_000).cpu_microseconds() == {"workers": pytest.approx(200)}


def test_table_and_line_say_the_same() -> None:
    """What people read and what machines read come from the same figures."""
    base, ours = figure("base", 100, 200, 300), figure("ours", 4_000, 4_000, 4_000)

    lines = table([base, ours], [base]).splitlines()
    found = json.loads(json.dumps(summary([base, ours], [base])))

    assert lines[0].split()[:4] == ["events/s", "min", "max", "x"]
    assert lines[2].split()[:5] == ["ours", "4,000", "4,000", "4,000", "20.0"]
    assert found["ours"]["events_a_second"] == {"min": 4_000, "median": 4_000, "max": 4_000}
    assert found["ours"]["times"]["base"]["median"] == 20.0


def test_programme_has_ten_workflows_and_no_findings() -> None:
    """What is measured is what `vouch check` would let through."""
    loaded, findings = checked(PROGRAMME)

    assert findings == []
    assert len(loaded.workflows) == 10


def test_a_decided_input_leaves_nothing_to_the_garbage_collector() -> None:
    """A batch is freed when it is written: nothing the engine makes holds itself in a circle."""
    programme, _ = compile_loaded(checked(PROGRAMME)[0])
    changes, states = Changes(), dict[str, State]()
    offered = [
        offer(raw, None, arrived=AT, catalogue=programme.catalogue)
        for raw in make_events(250, "a", AT)
    ]
    gc.collect()
    gc.disable()
    try:
        for number, each in enumerate(offered):
            actor = each.actors[0]
            item = Input(actor, AT, number, event=each.arrival().doc)
            state = states.setdefault(actor, State(actor))
            decide(programme, state, item, now=AT, changes=changes, loads={})
        left = gc.collect()
    finally:
        gc.enable()

    assert len(changes.records) == 250
    assert left < 25  # an object in ten inputs: caches of the libraries
