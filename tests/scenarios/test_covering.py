"""Coverage: which steps, outcomes, branches and exits no scenario goes through."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.broken.programmes import flow
from tests.unit.broken.sound import SOUND
from workers.scenarios.command import run_paths

STEPS = """\
  - wait_for: {event: story.given, within: 3d}
    then:
      story.given: [{id: yes, set: {vip: true}}]
      timeout:
        - switch:
            - {if: contact.vip, steps: [{stop: vip}]}
            - {steps: [{stop: late}]}
  - {id: bye, send: {template: hi, class: transactional}}
"""
STORY = """\
scenario: nobody tells a story
at: 2027-02-01T09:00
workflows: [x]
contacts: [{id: c-a, name: A, email: a@x.example}]
events: [{at: 2027-02-01T09:00, type: quote.given, contact: c-a}]
until: 2027-03-01T09:00
expect: {runs: [{workflow: x, as: late}]}
"""
EXIT = "exit:\n  - {event: contact.unsubscribed, as: left}\n"


@pytest.fixture(name="programme")
def _programme(tmp_path: Path) -> Path:
    files = {
        **SOUND,
        "workflows/x.yaml": flow("x", STEPS, more=EXIT),
        "scenarios/late.yaml": STORY,
    }
    del files["workflows/w.yaml"]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_what_no_scenario_reaches_is_named_with_its_line(programme: Path) -> None:
    """Numbers of each workflow, and a line for each step, outcome, branch and exit left."""
    text, passed = run_paths(programme, [], coverage=True)

    assert passed, text
    assert "steps   2 of 5  outcomes   2 of 7" in text.replace("  x  ", "")
    assert [line.strip() for line in text.splitlines() if "workflows/x.yaml:" in line] == [
        "workflows/x.yaml:4: no exit as left",
        "workflows/x.yaml:6: step 1, never story.given",
        "workflows/x.yaml:8: step yes is never reached",
        "workflows/x.yaml:10: step 1.timeout.1, never branch 1",
        "workflows/x.yaml:11: step 1.timeout.1.1.1 is never reached",
        "workflows/x.yaml:13: step bye is never reached",
    ]
    assert "coverage" not in run_paths(programme, [])[0]


def test_coverage_is_there_for_programs(programme: Path) -> None:
    """JSON has one key more, JUnit properties; without the option they are as ever."""
    told = json.loads(run_paths(programme, [], "json", coverage=True)[0])
    suite = ET.fromstring(run_paths(programme, [], "junit", coverage=True)[0])  # noqa: S314

    assert told["coverage"][0]["steps"] == {"reached": 2, "all": 5}
    assert {"name": "bye", "line": 13} in told["coverage"][0]["missing"]
    found = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
    assert found == {"coverage.x.steps": "2/5", "coverage.x.outcomes": "2/7"}
    assert set(json.loads(run_paths(programme, [], "json")[0])) == {
        "passed",
        "failed",
        "scenarios",
    }


def test_a_row_of_another_name_stands_beside_the_one_expected(programme: Path) -> None:
    """All else is alike, so that the name is what is wrong; the row's line is told."""
    story = programme / "scenarios" / "late.yaml"
    (programme / "workflows" / "y.yaml").write_text(flow("y", "  - wait: 1d\n"))
    story.write_text(
        STORY.replace(
            "{workflow: x, as: late}",
            "{workflow: y, contact: c-a, as: late, started: 2027-02-01T09:00}",
        )
    )

    text, passed = run_paths(programme, [])

    assert not passed
    assert [line for line in text.splitlines() if line.endswith("<")] == [
        "      workflow  y                 x <"
    ]
    assert "at: scenarios/late.yaml:7" in text
