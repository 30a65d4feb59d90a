"""Comparing: a scenario that is wrong fails, says where, and says why."""

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from workers.scenarios.matching import in_order, pair_up
from workers.scenarios.observe import Row
from workers.scenarios.report import to_json, to_junit, to_text
from workers.scenarios.suite import (
    NoScenarioError,
    Report,
    ScenarioResult,
    find_documents,
    run_document,
    run_folder,
)
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.yaml12 import load_yaml

RULES = Path(__file__).parent / "programmes" / "rules"
UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2027, 2, 1, 12, tzinfo=UTC)
ONE = datetime(2027, 2, 1, 13, tzinfo=UTC)

STORY = """\
scenario: A tip on the day, and one that is too late
at: 2027-02-05T08:00
workflows: [in-time]
contacts:
  - {id: c-a, name: An, email: an@x.example}
  - {id: c-b, name: Bo, email: bo@x.example}
events:
  - {at: 2027-02-05T09:00, type: problem.solved, contact: c-a}
  - {at: 2027-02-05T09:00, type: problem.solved, contact: c-a}
  - {at: 2027-02-05T15:00, type: problem.solved, contact: c-b}
until: 2027-02-10T12:00
expect:
  refused: [{at: 2027-02-05T09:00, workflow: in-time, contact: c-a, reason: again}]
  messages: [{at: 2027-02-05T10:00, to: c-a, template: tip}]
  skipped: [{at: 2027-02-06T10:00, to: c-b, template: tip, reason: expired}]
  contacts: [{contact: c-a, open_case: false, nps: null, name: An}]
  metrics: {survey_sent: 0}
"""


@pytest.fixture(scope="module")
def rules() -> Loaded:
    return load_programme(load_folder(RULES))


def _run(text: str, loaded: Loaded) -> ScenarioResult:
    return run_document(load_yaml(text, "scenarios/x.yaml"), loaded, ways=["as_written"])


def test_the_story_these_tests_spoil_passes(rules: Loaded) -> None:
    """What the others change one by one is right as it stands."""
    assert _run(STORY, rules).passed


SPOILED = [
    ("10:00, to: c-a", "10:01, to: c-a", "messages"),
    ("to: c-a, template: tip}]", "to: c-b, template: tip}]", "messages"),
    ("messages: [{at: 2027-02-05T10:00, to: c-a, template: tip}]", "messages: []", "messages"),
    ("reason: expired", "reason: capped", "skipped"),
    ("reason: expired", "reason: null", "skipped"),
    ("refused: [", "refused: [{workflow: in-time}, ", "refused"),
    ("open_case: false", "open_case: true", "contacts"),
    ("nps: null", "nps: {score: 9}", "contacts"),
    ("name: An}]", "name: null}]", "contacts"),
    ("contact: c-a, open_case", "contact: c-z, open_case", "contacts"),
    ("survey_sent: 0", "survey_sent: 1", "metrics"),
]


@pytest.mark.parametrize(("right", "wrong", "section"), SPOILED)
def test_whatever_is_expected_wrongly_fails(
    right: str, wrong: str, section: str, rules: Loaded
) -> None:
    """One wrong value, row or count is one difference, in its section."""
    assert right in STORY
    result = _run(STORY.replace(right, wrong, 1), rules)
    assert not result.passed
    assert [each.section for each in result.differences] == [section]


def test_a_message_that_never_left_is_explained_by_what_held_it(rules: Loaded) -> None:
    """The reason that the guard recorded stands beside the row that was expected in vain."""
    extra = "{at: 2027-02-06T10:00, to: c-b, template: tip}"
    text = STORY.replace("to: c-a, template: tip}]", f"to: c-a, template: tip}}, {extra}]", 1)
    (found,) = _run(text, rules).differences
    assert found.expected == {"at": "2027-02-06T10:00", "to": "c-b", "template": "tip"}
    assert found.actual is None
    assert found.why == "2027-02-06T10:00 message.skipped tip (expired)"


def test_rows_in_another_order_than_they_happened_fail(rules: Loaded) -> None:
    """Rows stand in the order of their first instant; a report says that nothing else is wrong."""
    late = "{at: 2027-02-05T15:30, type: problem.solved, contact: c-a}"
    text = STORY.replace("until:", f"  - {late}\nuntil:")
    runs = "{contact: c-b}, {contact: c-a, started: 2027-02-05T15:30}, {contact: c-a, as: done}"
    text = text.partition("expect:")[0] + f"expect:\n  runs: [{runs}]\n"
    (found,) = _run(text, rules).differences
    assert found.why == "the rows are right and stand in another order than they happened"


def test_within_one_instant_any_order_will_do() -> None:
    """Two rows of one instant may be listed either way, and each is used once."""
    rows = [Row({"at": NOON, "to": name}, (NOON,)) for name in ("a", "b")]
    rows.append(Row({"at": ONE, "to": "c"}, (ONE,)))
    assert in_order([{"to": "b"}, {"to": "a"}, {"to": "c"}], rows, UTC_ZONE)
    assert not in_order([{"to": "a"}, {"to": "a"}, {"to": "c"}], rows, UTC_ZONE)
    assert not in_order([{"to": "a"}, {"to": "c"}, {"to": "b"}], rows, UTC_ZONE)


def test_a_loose_row_does_not_take_the_place_of_a_strict_one() -> None:
    """Which row belongs to which is found even when the first that fits is the wrong one."""
    rows = [Row({"at": NOON, "to": name}, (NOON,)) for name in ("a", "b")]
    assert in_order([{}, {"to": "a"}], rows, UTC_ZONE)


def test_a_row_is_put_beside_the_one_most_like_it() -> None:
    """Of two rows that nobody expected the one with more equal fields is shown."""
    rows = [
        Row({"at": NOON, "to": "a", "template": "x"}, (NOON,)),
        Row({"at": ONE, "to": "b", "template": "x"}, (ONE,)),
    ]
    expected = [{"at": "2027-02-01T13:00", "to": "c", "template": "x"}]
    assert pair_up(expected, rows, UTC_ZONE) == [(0, 1), (None, 0)]


def test_a_timer_may_be_listed_by_when_it_was_set_or_due() -> None:
    """Both are its first instant to some reader; one of them must hold for all rows."""
    rows = [Row({"timer": "a"}, (NOON, ONE)), Row({"timer": "b"}, (ONE, NOON))]
    assert in_order([{"timer": "a"}, {"timer": "b"}], rows, UTC_ZONE)
    assert in_order([{"timer": "b"}, {"timer": "a"}], rows, UTC_ZONE)


# -- reports ---------------------------------------------------------------------------------------


def _report(loaded: Loaded) -> Report:
    wrong = STORY.replace("10:00, to: c-a", "10:01, to: c-a").replace("A tip", 'A "tip" <&>')
    return Report(
        (
            _run(STORY, loaded),
            _run(wrong, loaded),
            _run(STORY.replace("messages", "mesages"), loaded),
        )
    )


def test_the_json_report_has_exactly_its_keys(rules: Loaded) -> None:
    """Programs read the report as LANGUAGE section 11 has it."""
    told = json.loads(to_json(_report(rules)))
    assert list(told) == ["passed", "failed", "scenarios"]
    assert (told["passed"], told["failed"]) == (1, 2)
    for scenario in told["scenarios"]:
        assert list(scenario) == ["file", "scenario", "passed", "ways", "differences"]
    assert told["scenarios"][0]["ways"] == [{"way": "as_written", "passed": True}]
    (difference,) = told["scenarios"][1]["differences"]
    assert list(difference) == ["section", "expected", "actual", "why"]
    assert difference["actual"]["at"] == "2027-02-05T10:00"
    (form,) = told["scenarios"][2]["differences"]
    assert (form["section"], form["why"]) == ("form", 'did you mean "messages"?')


def test_the_text_report_shows_both_sides(rules: Loaded) -> None:
    """Expected and actual stand in one line, marked where they differ."""
    text = to_text(_report(rules))
    lines = [line.split() for line in text.splitlines()]
    assert ["at", "2027-02-05T10:01", "2027-02-05T10:00", "<"] in lines
    assert ["to", "c-a", "c-a"] in lines
    assert 'error[V010]: unknown section "mesages"' in text
    assert text.endswith("1 passed, 2 failed")


def test_the_junit_report_is_xml(rules: Loaded) -> None:
    """Build servers read a case for each way, whatever characters a title has."""
    suite = ET.fromstring(to_junit(_report(rules)))  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    cases = suite.findall("testcase")
    assert [len(case.findall("failure")) for case in cases] == [0, 1, 1]
    assert '"tip" <&>' in str(cases[1].get("name"))


# -- paths -----------------------------------------------------------------------------------------


def test_paths_name_files_and_folders(rules: Loaded) -> None:
    """A path is taken as it is, else below the programme; a folder means all in it."""
    one = list(find_documents(rules, RULES, [RULES / "scenarios" / "caps.yaml"]))
    same = list(find_documents(rules, RULES, ["scenarios/caps.yaml"]))
    assert [each.file for each in one] == [each.file for each in same] == ["scenarios/caps.yaml"]
    every = list(find_documents(rules, RULES))
    assert len(every) == len(list(find_documents(rules, RULES, ["scenarios"]))) > 20


def test_a_path_without_scenarios_is_an_error(tmp_path: Path) -> None:
    """A misspelt path must not count as a run in which nothing failed."""
    for wrong in ("scenarios/no-such.yaml", tmp_path):
        with pytest.raises(NoScenarioError):
            run_folder(RULES, [wrong])
