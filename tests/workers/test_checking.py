"""`vouch check` as it is typed: every file of the programme, today, in four forms, three codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.broken.sound import PROGRAMME, SOUND
from workers.cli.root import app

STORY = """\
scenario: x
at: 2027-02-11T16:00
workflows: [w]
with: {slot: "10:00"}
contacts: [{id: c-a, nam: A}]
events: [{at: 2027-02-11T16:00, type: nps.answered, contact: c-a, dta: {}}]
expect: {messages: [{templte: hi}], runs: []}
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def told(folder: Path) -> list[tuple[str, str, int, int]]:
    result = CliRunner().invoke(app, ["check", str(folder), "--format", "json"])
    findings = json.loads(result.output)["findings"]
    return [(f["code"], f["file"], f["line"], f["column"]) for f in findings]


def test_scenarios_are_looked_at_whole(tmp_path: Path) -> None:
    """Fields of contacts and events and of expected rows, each at its place."""
    folder = written(tmp_path, {**SOUND, "scenarios/x.yaml": STORY})

    assert told(folder) == [
        ("V010", "scenarios/x.yaml", 5, STORY.split("\n")[4].index("nam") + 1),
        ("V010", "scenarios/x.yaml", 6, STORY.split("\n")[5].index("dta") + 1),
        ("V010", "scenarios/x.yaml", 7, STORY.split("\n")[6].index("templte") + 1),
    ]


def test_what_a_scenario_lays_over_is_looked_at(tmp_path: Path) -> None:
    """A slot in the quiet hours is a warning where only a scenario has it."""
    story = STORY.replace('"10:00"', '"21:00"').replace("nam: A", "name: A")
    story = story.replace(", dta: {}", "").replace("{templte: hi}", "{template: hi}")
    folder = written(tmp_path, {**SOUND, "scenarios/x.yaml": story})

    assert ("V032", "scenarios/x.yaml", 4, 14) in told(folder)


@pytest.mark.parametrize(
    ("programme", "code"),
    [
        (PROGRAMME, 0),
        (PROGRAMME.replace("programme: small", "programme: small\nslot: 10:00"), 0),
        (PROGRAMME.replace("caps: [ask]", "caps: [asc]"), 1),
    ],
)
@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github"])
def test_the_exit_code_says_whether_it_can_run(
    tmp_path: Path, programme: str, code: int, format_: str
) -> None:
    """0 for none or warnings, 1 for an error, in every form."""
    folder = written(tmp_path, {**SOUND, "programme.yaml": programme})

    result = CliRunner().invoke(app, ["check", str(folder), "--format", format_])

    assert result.exit_code == code


def test_a_command_that_cannot_look_is_misused(tmp_path: Path) -> None:
    """No folder, no programme in it, no such form: one line and a hint, not a traceback."""
    for words in (["check", str(tmp_path / "no")], ["check", str(tmp_path)],
                  ["check", str(written(tmp_path / "p", SOUND)), "--format", "xml"]):  # fmt: skip
        result = CliRunner().invoke(app, words)
        assert result.exit_code != 0
        assert "Traceback" not in result.output
