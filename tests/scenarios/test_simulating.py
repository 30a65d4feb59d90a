"""Simulating: recorded events give facts on a virtual clock, and nothing else happens."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workers.scenarios.command import FormatError, run_paths, simulate_file
from workers.scenarios.simulate import SimulationError, simulate, to_lines, until_of
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
UNTIL = datetime(2027, 2, 9, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def library() -> Loaded:
    return load_programme(load_folder(LIBRARY))


def _event(number: int, kind: str, time: str, **data: object) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "test",
        "type": kind,
        "subject": "contact/c-a",
        "time": time,
        "data": data,
    }


KNOWN = _event(1, "contact.updated", "2027-02-01T10:00:00Z", email="an@x.example", owner="u-sam")
NINE = _event(2, "nps.answered", "2027-02-05T14:40:00Z", response="r-1", score=9)


def test_facts_come_in_order_whatever_the_order_of_lines(library: Loaded) -> None:
    """Lines are played by arrival, and the clock runs on to `until`."""
    there = simulate(library, [json.dumps(KNOWN), "", json.dumps(NINE)], UNTIL)
    back = simulate(library, [json.dumps(NINE), json.dumps(KNOWN)], UNTIL)
    assert there == back
    assert [fact["at"] for fact in there] == sorted(fact["at"] for fact in there)
    left = [fact["data"]["template"] for fact in there if fact["fact"] == "message.sent"]
    assert left == ["nps_thanks", "task_escalated"]


def test_an_arrival_may_be_later_than_the_time(library: Loaded) -> None:
    """A line as the demo writes it arrives when it says; facts bear the arrival."""
    late = {"arrival": "2027-02-05T20:00:00Z", "via": "http", "event": NINE}
    facts = simulate(library, [json.dumps(KNOWN), json.dumps(late)])
    (opened,) = [fact for fact in facts if fact["fact"] == "task.opened"]
    assert opened["at"] == datetime(2027, 2, 5, 20, tzinfo=UTC)
    assert opened["data"]["due"] == "2027-02-06T14:40:00Z"


def test_what_intake_refuses_is_among_the_facts(library: Loaded) -> None:
    """A wrong event harms nobody, and does not go unseen."""
    wrong = {**NINE, "id": "e-3", "type": "nps.answerd"}
    facts = simulate(library, [json.dumps(each) for each in (KNOWN, NINE, NINE, wrong)])
    refused = [fact["fact"] for fact in facts if fact["fact"].startswith("event.")]
    assert sorted(refused) == ["event.accepted"] * 2 + ["event.duplicate", "event.rejected"]


def test_lines_are_sentences_or_json(library: Loaded) -> None:
    """People read the programme's wall clock, programs read what the engine recorded."""
    facts = simulate(library, [json.dumps(KNOWN), json.dumps(NINE)])
    told = list(to_lines(facts, library))
    assert "Fri 5 Feb 2027 15:40  c-a: nps_thanks went to c-a by email" in told
    read = [json.loads(line) for line in to_lines(facts, library, "jsonl")]
    assert len(read) == len(told)
    assert {"at", "fact", "key", "contact"} <= set(read[0])


def test_until_is_local_to_the_programme(library: Loaded) -> None:
    """As everywhere in scenarios, a time without an offset is the programme's wall clock."""
    assert until_of("2027-02-09T13:00", library) == UNTIL
    assert until_of("2027-02-09T12:00Z", library) == UNTIL
    with pytest.raises(SimulationError):
        until_of("tomorrow", library)


@pytest.mark.parametrize("line", ["{", "[]", "3", "{}", '{"time": "yesterday"}', '{"time": 3}'])
def test_a_line_that_is_no_event_is_named(line: str, library: Loaded) -> None:
    """It is told by its number, and what stands around it is played: nothing else is lost."""
    facts = simulate(library, [json.dumps(KNOWN), line, json.dumps(NINE)])
    assert [(fact["fact"], fact["data"]["line"]) for fact in facts if "line" in fact["key"]] == [
        ("event.rejected", 2)
    ]
    told = list(to_lines(facts, library))
    assert [each for each in told if "line 2 was refused: it " in each] == told[:1]
    assert "Fri 5 Feb 2027 15:40  c-a: nps_thanks went to c-a by email" in told


def test_a_file_of_nothing_but_mistakes_is_an_error(library: Loaded) -> None:
    """The error names the first line, so that it can be mended."""
    with pytest.raises(SimulationError, match="line 2"):
        simulate(library, ["", "{", "[]"])


def test_a_file_without_events_is_an_error(library: Loaded) -> None:
    """An empty file is a mistake, not a simulation in which nothing happened."""
    with pytest.raises(SimulationError):
        simulate(library, [" \n"])


# -- the commands ----------------------------------------------------------------------------------


def test_a_file_is_simulated_with_the_programme_of_a_folder(tmp_path: Path) -> None:
    """What the command prints is what the functions give."""
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in (KNOWN, NINE)))
    lines = simulate_file(LIBRARY, file, "2027-02-09T13:00", "jsonl")
    assert [json.loads(line)["fact"] for line in lines[:2]] == ["event.accepted", "contact.changed"]
    with pytest.raises(FormatError):
        simulate_file(LIBRARY, file, "", "json")


def test_a_scenario_finds_its_programme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path is enough, from wherever one stands; the report says whether all passed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOUCH_PROGRAMME", raising=False)
    path = LIBRARY / "scenarios" / "opt-in-confirmed.yaml"
    text, passed = run_paths(None, [path], "json")
    assert passed
    assert [each["file"] for each in json.loads(text)["scenarios"]] == [
        "scenarios/opt-in-confirmed.yaml"
    ]
    with pytest.raises(FormatError):
        run_paths(None, [path], "xml")


def test_a_report_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """What a trial would log stays out of a report that programs read."""
    circle = Path(__file__).parent / "programmes/rules/scenarios/a-circle.yaml"
    assert run_paths(None, [circle], "json")[1]
    assert capsys.readouterr() == ("", "")
