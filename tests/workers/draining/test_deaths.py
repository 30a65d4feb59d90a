"""Inputs that kill the process are set aside; innocent ones of its batches are not."""

from threading import Event, Thread
from typing import Any

import pytest

from store import dead, stats
from tests.workers.draining.answers import NOW, ProcessKilledError, answered, dies, fails_on, runs
from workers import draining
from workers.trial import Trial
from workflows import engine
from workflows.state import SLICES


def test_an_input_that_kills_the_process_is_set_aside_after_it_did_so_alone(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight deaths at most a neighbour; then it is aside, and everybody else is handled."""
    fails_on("poison", ProcessKilledError, monkeypatch)
    trial.app.publish(answered(21, bad=13))

    deaths = 0
    for _ in range(100):
        try:
            trial.settle()
            break
        except ProcessKilledError:
            deaths += 1
            trial.restart()

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
        health = stats.health(conn, now=NOW)
    assert letter["error"] == "took the process down"
    assert draining.TRIES_MAX + 3 <= deaths < 30
    assert runs(trial.store) == 20
    assert health.inbox == 0
    assert health.slices_tried == 0


def test_random_deaths_set_nothing_aside(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five deaths of innocent batches in a row cost time and no input."""
    decide = engine.decide
    left = iter(range(5))

    def dying(*args: Any, **kwargs: Any) -> None:
        if next(left, None) is not None:
            raise ProcessKilledError
        decide(*args, **kwargs)

    monkeypatch.setattr(draining, "decide", dying)
    trial.app.publish(answered(30))

    for _ in range(20):
        try:
            trial.settle()
            break
        except ProcessKilledError:
            trial.restart()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert runs(trial.store) == 30
    assert (health.dead, health.inbox, health.slices_tried) == (0, 0, 0)


def _dies_of_drains(trial: Trial, patch: pytest.MonkeyPatch, times: int) -> None:
    """Let the process die in so many drains, and start again after each."""
    fails_on("fine", ProcessKilledError, patch)
    for _ in range(times):
        with pytest.raises(ProcessKilledError):
            trial.app.drain()
        trial.restart()


def test_deaths_in_company_say_nothing_however_many(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty deaths of drains that many slices shared: nobody is blamed, all is handled after."""
    trial.app.publish(answered(30))
    with monkeypatch.context() as dying:
        dying.setattr(draining.Drainer, "_suspect", dies)
        dying.setattr(draining, "_single_out", dies)
        _dies_of_drains(trial, dying, 50)

    trial.settle()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert runs(trial.store) == 30
    assert (health.dead, health.inbox, health.slices_tried) == (0, 0, 0)


def test_a_slice_is_tried_alone_while_its_process_does_nothing_else(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliver stands still meanwhile: a death then tells of the input."""
    trial.app.publish(answered(1))
    with monkeypatch.context() as dying:
        _dies_of_drains(trial, dying, draining.TRIES_MAX)
    entered, seen = Event(), []
    decide = engine.decide

    def watched(*args: Any, **rest: Any) -> None:
        other = Thread(target=beside)
        other.start()
        seen.append(entered.wait(0.2))
        decide(*args, **rest)

    def beside() -> None:
        with trial.app.deliverer.lock.shared():
            entered.set()

    monkeypatch.setattr(draining, "decide", watched)
    trial.app.drain()

    assert seen[0] is False
    assert entered.wait(10)


def test_a_neighbour_is_not_blamed_for_deaths_in_its_company(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slices drained together with the one that kills lose nothing, however often it does."""
    fails_on("poison", ProcessKilledError, monkeypatch)
    everybody = set(range(SLICES))

    for _ in range(30):
        trial.app.publish(answered(7, bad=3))  # the same again: duplicates but the first time
        try:
            trial.app.drain(everybody)
            break
        except ProcessKilledError:
            trial.restart()

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert letter["actor"] == "contact/c-3"
    assert runs(trial.store) == 6
