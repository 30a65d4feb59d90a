"""One bad input harms nobody else: errors, data the database refuses, and dead processes."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from store import dead, stats
from store.db import Store
from store.listings import work
from store.tries import set_tries
from tests.workers.library import apply_library
from workers import draining
from workers.trial import Trial
from workflows import engine
from workflows.expressions import Scope, activation, compile_expression
from workflows.state import SLICES, Changes, Input, iso

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)


class ProcessKilledError(BaseException):
    """Stands for a death of the process: nothing after it runs."""


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a trial of the shipped programme."""
    trial = Trial(tmp_path, NOW)
    apply_library(trial)
    yield trial
    trial.close()


def _answers(count: int, *, bad: int = -1) -> list[dict[str, Any]]:
    return [
        {
            "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": "nps.answered",
            "time": iso(NOW), "subject": f"contact/c-{number % 7}",
            "data": {"response": f"r-{number}", "score": 7,
                     "comment": "poison" if number == bad else "fine"},
        }
        for number in range(count)
    ]  # fmt: skip


def _fails_on(comment: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    decide = engine.decide

    def failing(programme: Any, state: Any, item: Input, **rest: Any) -> None:
        if item.event is not None and item.event["data"].get("comment") == comment:
            raise error
        decide(programme, state, item, **rest)

    monkeypatch.setattr(draining, "decide", failing)


def _dies(*_: object, **__: object) -> None:
    raise ProcessKilledError


def _runs(store: Store) -> int:
    with store.reader() as conn:
        return len(work.runs(conn))


def test_an_input_that_fails_is_set_aside_alone(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its batch, of its contact too, come out as if it had not been there."""
    _fails_on("poison", RuntimeError, monkeypatch)

    trial.publish(_answers(30, bad=11))

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert _runs(trial.store) == 29
    assert letter["type"] == "nps.answered"
    assert letter["error"].startswith("RuntimeError at test_draining.py:")
    assert "poison" not in letter["error"]


def test_a_heading_says_which_condition_and_no_value(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A condition that fails on what somebody wrote is named; what they wrote is not."""
    scope = Scope({"event": {"data": {"comment": "string"}}})
    condition = compile_expression(
        "timestamp(event.data.comment) > timestamp(0)", scope, returns="bool"
    )
    decide = engine.decide

    def failing(programme: Any, state: Any, item: Input, **rest: Any) -> None:
        if item.event is not None and item.event["data"].get("comment") == "poison":
            condition.evaluate(activation({"event": item.event}, NOW, lambda span: NOW))
        decide(programme, state, item, **rest)

    monkeypatch.setattr(draining, "decide", failing)
    trial.publish(_answers(3, bad=1))

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    said = capsys.readouterr()
    assert "timestamp(event.data.comment) > timestamp(0)" in letter["error"]
    assert "poison" not in str(letter) + said.err + said.out


def test_a_dead_letter_replayed_gives_its_effects_once(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the defect is mended, replay gives what was missing, and only once."""
    with monkeypatch.context() as broken:
        _fails_on("poison", RuntimeError, broken)
        trial.publish(_answers(5, bad=2))

    for expected in (1, 0):
        with trial.store.transaction() as conn:
            assert dead.replay(conn, dead.Filter(), now=NOW) == expected
        trial.settle()

    assert _runs(trial.store) == 5


def _breaks_a_constraint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the database refuse what comes of the bad one."""
    decide = engine.decide

    def breaking(programme: Any, state: Any, item: Input, *, changes: Changes, **rest: Any) -> None:
        decide(programme, state, item, changes=changes, **rest)
        if item.event is not None and item.event["data"].get("comment") == "poison":
            for run in changes.runs.values():
                if run.doc["trigger"]["id"] == item.event["id"]:
                    run.workflow = cast("str", None)  # NOT NULL refuses it

    monkeypatch.setattr(draining, "decide", breaking)


def test_data_the_database_refuses_is_found_and_set_aside(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that breaks a constraint is halved until the culprit is alone."""
    _breaks_a_constraint(monkeypatch)

    trial.publish(_answers(40, bad=23))

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert "IntegrityError" in letter["error"]
    assert _runs(trial.store) == 39


def test_refused_data_is_found_in_a_slice_under_suspicion(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice that is tried alone, for deaths that it had no part in, is halved like any other."""
    _breaks_a_constraint(monkeypatch)
    answers = [answer | {"subject": "contact/c-1"} for answer in _answers(5, bad=3)]
    trial.app.publish(answers)
    with trial.store.transaction() as conn:
        set_tries(conn, range(SLICES), draining.TRIES_MAX + 1)

    trial.settle()

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert "IntegrityError" in letter["error"]
    assert _runs(trial.store) == 4


def test_an_input_that_kills_the_process_is_set_aside_after_it_did_so_alone(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight deaths at most a neighbour; then it is aside, and everybody else is handled."""
    _fails_on("poison", ProcessKilledError, monkeypatch)
    trial.app.publish(_answers(21, bad=13))

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
    assert _runs(trial.store) == 20
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
    trial.app.publish(_answers(30))

    for _ in range(20):
        try:
            trial.settle()
            break
        except ProcessKilledError:
            trial.restart()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert _runs(trial.store) == 30
    assert (health.dead, health.inbox, health.slices_tried) == (0, 0, 0)


def _dies_of_drains(trial: Trial, patch: pytest.MonkeyPatch, times: int) -> None:
    """Let the process die in so many drains, and start again after each."""
    _fails_on("fine", ProcessKilledError, patch)
    for _ in range(times):
        with pytest.raises(ProcessKilledError):
            trial.app.drain()
        trial.restart()


def test_deaths_in_company_say_nothing_however_many(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty deaths of drains that many slices shared: nobody is blamed, all is handled after."""
    trial.app.publish(_answers(30))
    with monkeypatch.context() as dying:
        dying.setattr(draining.Drainer, "_suspect", _dies)
        dying.setattr(draining, "_single_out", _dies)
        _dies_of_drains(trial, dying, 50)

    trial.settle()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert _runs(trial.store) == 30
    assert (health.dead, health.inbox, health.slices_tried) == (0, 0, 0)


def test_a_slice_is_tried_alone_while_its_process_does_nothing_else(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliver stands still meanwhile: a death then tells of the input."""
    trial.app.publish(_answers(1))
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
    _fails_on("poison", ProcessKilledError, monkeypatch)
    everybody = set(range(SLICES))

    for _ in range(30):
        trial.app.publish(_answers(7, bad=3))  # the same again: duplicates but the first time
        try:
            trial.app.drain(everybody)
            break
        except ProcessKilledError:
            trial.restart()

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert letter["actor"] == "contact/c-3"
    assert _runs(trial.store) == 6


def test_errors_that_pass_are_no_deaths(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails for ten minutes makes no dead letter and no suspect."""
    trial.app.publish(_answers(5))
    with monkeypatch.context() as outage:
        outage.setattr(draining, "write_batch", _disk_is_full)
        for _ in range(300):
            with pytest.raises(OperationalError):
                trial.app.drain()

    trial.settle()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert _runs(trial.store) == 5
    assert (health.dead, health.inbox, health.slices_tried) == (0, 0, 0)


def _disk_is_full(*_: Any, **__: Any) -> None:
    plain = sqlite3.OperationalError("database or disk is full")
    plain.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise OperationalError("INSERT", {}, plain)


class _Running:
    """A clock that goes on by a whole round each time it is looked at."""

    def __init__(self) -> None:
        self._at = NOW

    def now(self) -> datetime:
        """Go on, and tell the time."""
        self._at += draining.ROUND_MAX
        return self._at


def test_a_drain_ends_by_itself_and_rings_for_the_rest(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is, one ends after a round, and the next ones do what it left."""
    answers, rung = _answers(9), 0
    trial.app.publish(answers)
    monkeypatch.setattr(draining, "BATCH_MAX", 2)
    drainer = draining.Drainer(trial.store, _Running(), trial.app.programmes)
    handled = []

    while (drained := drainer.drain()).inputs:
        handled.append(drained.inputs)
        rung += bool(drained.inbox)

    assert len(handled) > 1
    assert rung >= len(handled) - 1
    with trial.store.reader() as conn:
        assert stats.health(conn, now=NOW).inbox == 0
