"""Trials of a programme that is not finished: words nobody wrote, parts that do not run yet."""

from pathlib import Path
from shutil import copytree, rmtree

import pytest

from workers.scenarios.command import run_paths, simulate_file
from workers.scenarios.suite import run_folder
from workflows.check.programme import check
from workflows.load import load_folder, load_programme

RULES = Path(__file__).parent / "programmes" / "rules"
EVENT = (
    '{"specversion": "1.0", "id": "1", "source": "crm", "type": "favour.granted",'
    ' "subject": "contact/c-a", "time": "2027-02-01T11:00:00Z", "data": {}}\n'
)
STORY = """\
scenario: The same time tomorrow
at: 2027-02-01T08:00
workflows: [tomorrow]
contacts: [{id: c-a, name: An, email: an@x.example}]
events: [{at: 2027-02-01T12:00, type: favour.granted, contact: c-a}]
until: 2027-02-03T12:00
expect:
  messages: [{at: 2027-02-02T12:00, to: c-a, channel: email, template: tip, locale: en}]
"""


@pytest.fixture(name="programme")
def _programme(tmp_path: Path) -> Path:
    folder = tmp_path / "programme"
    copytree(RULES, folder)
    rmtree(folder / "scenarios")
    (folder / "scenarios").mkdir()
    return folder


def _write(folder: Path, text: str) -> None:
    (folder / "scenarios" / "story.yaml").write_text(text)


def test_words_nobody_wrote_keep_no_scenario_from_being_played(programme: Path) -> None:
    """Their name is sent in a trial, which says so; check is as strict as ever."""
    rmtree(programme / "templates" / "tip")
    _write(programme, STORY)
    text, passed = run_paths(programme, [])
    assert passed, text
    assert 'the template "tip" is missing: trials send its name' in text
    findings = check(load_programme(load_folder(programme)))
    wrong = {finding.code for finding in findings if finding.severity == "error"}
    assert wrong == {"V051", "V074"}  # ping and pong start each other on purpose


def test_words_begun_are_not_stood_in_for(programme: Path) -> None:
    """A template without the first locale is a mistake, in a trial too."""
    words = programme / "templates" / "tip"
    (words / "en.md").rename(words / "fr.md")
    (words / "en.sms.txt").unlink()
    _write(programme, STORY)
    (result,) = run_folder(programme).results
    assert not result.ways
    assert "has no mail in en" in str(result.differences)


def test_a_simulation_says_whose_words_are_missing(programme: Path, tmp_path: Path) -> None:
    """First of all, and only for people: programs read one fact a line."""
    rmtree(programme / "templates" / "tip")
    events = tmp_path / "events.jsonl"
    events.write_text(EVENT)
    told = simulate_file(programme, events, "2027-02-03", "text")
    assert told[0] == 'warning: the template "tip" is missing: trials send its name'
    assert simulate_file(programme, events, "2027-02-03", "jsonl")[0].startswith("{")


@pytest.mark.parametrize(
    ("expected", "passes"), [("syncs: [{target: crm}]", False), ("syncs: []", True)]
)
def test_a_section_without_its_policy_is_empty(
    expected: str, programme: Path, *, passes: bool
) -> None:
    """Rows of it are missing; none of it is true where no policy makes any."""
    _write(programme, f"{STORY}  {expected}\n")
    (result,) = run_folder(programme, ways=["as_written"]).results
    assert result.passed is passes
