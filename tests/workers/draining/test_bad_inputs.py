"""One bad input harms nobody else: errors, and data that the database refuses."""

import sqlite3
from datetime import datetime
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from store import dead, stats
from store.tries import set_tries
from tests.workers.draining.answers import NOW, answered, fails_on, runs
from workers import draining
from workers.trial import Trial
from workflows import engine
from workflows.expressions import Scope, activation, compile_expression
from workflows.state import SLICES, Changes, Input


def test_an_input_that_fails_is_set_aside_alone(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its batch, of its contact too, come out as if it had not been there."""
    fails_on("poison", RuntimeError, monkeypatch)

    trial.publish(answered(30, bad=11))

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert runs(trial.store) == 29
    assert letter["type"] == "nps.answered"
    assert letter["error"].startswith("RuntimeError at answers.py:")
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
    trial.publish(answered(3, bad=1))

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
        fails_on("poison", RuntimeError, broken)
        trial.publish(answered(5, bad=2))

    for expected in (1, 0):
        with trial.store.transaction() as conn:
            assert dead.replay(conn, dead.Filter(), now=NOW) == expected
        trial.settle()

    assert runs(trial.store) == 5


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

    trial.publish(answered(40, bad=23))

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert "IntegrityError" in letter["error"]
    assert runs(trial.store) == 39


def test_refused_data_is_found_in_a_slice_under_suspicion(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice that is tried alone, for deaths that it had no part in, is halved like any other."""
    _breaks_a_constraint(monkeypatch)
    answers = [answer | {"subject": "contact/c-1"} for answer in answered(5, bad=3)]
    trial.app.publish(answers)
    with trial.store.transaction() as conn:
        set_tries(conn, range(SLICES), draining.TRIES_MAX + 1)

    trial.settle()

    with trial.store.reader() as conn:
        (letter,) = dead.listed(conn)
    assert "IntegrityError" in letter["error"]
    assert runs(trial.store) == 4


def test_errors_that_pass_are_no_deaths(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails for ten minutes makes no dead letter and no suspect."""
    trial.app.publish(answered(5))
    with monkeypatch.context() as outage:
        outage.setattr(draining, "write_batch", _disk_is_full)
        for _ in range(300):
            with pytest.raises(OperationalError):
                trial.app.drain()

    trial.settle()

    with trial.store.reader() as conn:
        health = stats.health(conn, now=NOW)
    assert runs(trial.store) == 5
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
    answers, rung = answered(9), 0
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
