"""What facts say of their own, and whose they are: what a workflow that listens to them reads."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workers.scenarios.simulate import simulate
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded

FIRM = Path(__file__).parent / "programmes" / "examiner"
UNTIL = datetime(2027, 2, 9, 12, tzinfo=UTC)


def _loaded() -> Loaded:
    return load_programme(load_folder(FIRM))


def _event(number: int, kind: str, hour: str, whose: str = "contact/c-a", **data: object) -> str:
    return json.dumps({
        "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": kind,
        "subject": whose, "time": f"2027-02-01T{hour}:00Z", "data": data,
    })  # fmt: skip


def _data(facts: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (fact,) = [fact for fact in facts if fact["fact"] == kind]
    found: dict[str, Any] = fact["data"]
    return found


def test_every_fact_of_a_task_says_whose_it_is_by_when_and_who_acted() -> None:
    """A workflow that starts when a task is closed may compare its due time, and who closed it."""
    loaded = _loaded()
    bad = _event(1, "nps.answered", "09:00", response="r-1", score=1)
    task = _data(simulate(loaded, [bad]), "task.opened")["task"]
    lines = [
        bad,
        _event(2, "task.accepted", "09:10", task=task, by="u-d"),
        _event(3, "task.reassigned", "09:20", task=task, by="u-d", to="u-c"),
        _event(4, "task.closed", "09:30", task=task, by="u-a", outcome="fine"),
    ]
    facts = simulate(loaded, lines)
    shared = {"task": task, "title": "Call them", "due": "2027-02-02T09:00:00Z"}
    assert _data(facts, "task.accepted") == {**shared, "to": "u-d", "by": "u-d"}
    handed = {**shared, "to": "u-c", "via": "by_hand", "by": "u-d"}
    assert _data(facts, "task.reassigned") == handed
    closed = {**shared, "to": "u-c", "by": "u-a", "data": {"outcome": "fine"}}
    assert _data(facts, "task.closed") == closed
    assert _data(facts, "case.closed") == {"task": task, "held_until": "2027-02-03T09:30:00Z"}


def test_a_cancelled_task_says_who_cancelled_it() -> None:
    """Who took it back stands beside the reason."""
    loaded = _loaded()
    bad = _event(1, "nps.answered", "09:00", response="r-1", score=1)
    task = _data(simulate(loaded, [bad]), "task.opened")["task"]
    facts = simulate(loaded, [bad, _event(2, "task.cancelled", "09:10", task=task, by="u-c")])
    cancelled = _data(facts, "task.cancelled")
    assert (cancelled["by"], cancelled["to"], cancelled["reason"]) == ("u-c", "u-d", "cancelled")


def test_facts_of_an_account_name_it() -> None:
    """What happens to an account has no contact, and says which account it is."""
    signed = _event(
        1, "agreement.signed", "09:00", "account/acme", agreement="a-1", start_on="2027-02-01"
    )
    facts = simulate(_loaded(), [signed], UNTIL)
    (started,) = [fact for fact in facts if fact["fact"] == "run.started"]
    assert (started["account"], started["contact"]) == ("acme", "")


def test_news_that_says_nothing_new_changes_nothing() -> None:
    """Only fields whose value differs are told; a repetition tells none."""
    lines = [
        _event(1, "contact.updated", "09:00", email="a@x.example", first_name="An"),
        _event(2, "contact.updated", "10:00", email="a@x.example", first_name="Ann"),
        _event(3, "contact.updated", "11:00", email="a@x.example", first_name="Ann"),
    ]
    facts = simulate(_loaded(), lines)
    told = [fact["data"]["fields"] for fact in facts if fact["fact"] == "contact.changed"]
    assert told == [["email", "first_name"], ["first_name"]]


def test_a_refused_run_says_its_workflow_once() -> None:
    """The workflow stands where every fact has it; reason and operand are its own."""
    good = _event(1, "nps.answered", "09:00", response="r-1", score=9)
    facts = simulate(_loaded(), [good])
    (refused,) = [fact for fact in facts if fact["fact"] == "run.refused"]
    assert refused["workflow"] == "case"
    assert refused["data"] == {"reason": "if", "operand": "event.data.score < 4"}
