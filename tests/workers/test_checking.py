"""`vouch check` as it is typed: every file of the programme, today, in four forms, three codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.examples import examples
from tests.unit.broken.programmes import flow
from tests.unit.broken.sound import PROGRAMME, SOUND
from workers.cli.root import app
from workers.editing import schemas
from workers.scenarios.reading import scenario_findings
from workflows.check.findings import render_text
from workflows.check.programme import check
from workflows.definition import EXITS_MAX, LEVELS_MAX
from workflows.expressions import EXPRESSION_BYTES_MAX
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.yaml12 import FILE_BYTES_MAX

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


LIBRARY = load_folder(Path(__file__).parents[2] / "workflows" / "library").files
POLICIES = {
    path: text for path, text in LIBRARY.items() if path.startswith(("programme", "sources"))
}
PIECES = ["", "{", "}", "[", "'", '"', ": ", " #", "\t", "\n", "- ", "!", "&a", "*a", "{{", "}}",
          "|", ">", "\\", "\x00", "0", "1e9", "null", "99999999999999999999", "25:00", "-3d", "1bd",
          "event.data.x", "<<: x", "!!str ", "2027-13-45"]  # fmt: skip


@given(st.data())
@examples(80)
def test_a_file_that_is_being_edited_is_never_a_traceback(data: st.DataObject) -> None:
    """Any file of the shipped programme, cut, doubled or written into anywhere."""
    path = data.draw(st.sampled_from(sorted(LIBRARY)))
    text = LIBRARY[path]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(st.one_of(st.sampled_from(PIECES), st.just(text[start:end] * 2)))
    loaded = load_programme(Folder({**POLICIES, path: text[:start] + piece + text[end:]}))

    found = check(loaded)
    for document in loaded.scenarios.values():
        found += scenario_findings(document, loaded)

    assert render_text(found) or not found
    assert all(each.line >= 1 and each.end_column > each.column >= 1 for each in found)
    json.dumps(schemas(loaded))


_EXIT = "  - {{event: story.given, if: contact.vip, as: a{0}}}\n"
_TASK = "  - task: {{to: sales, title: x, due: 1d, levels: [{0}]}}\n"
_STAGE = "{{stage: s{0}, effort: {0}, template: hi, amount: 5}}"
_JOURNEY = "  - journey: {{class: transactional, every: 30d, within: 20d, stages: [{0}]}}\n"


def _exits(number: int) -> str:
    exits = "exit:\n" + "".join(_EXIT.format(each) for each in range(number))
    return flow("x", "  - wait: 9d\n", more=exits)


def _levels(number: int) -> str:
    return flow("x", _TASK.format(", ".join(["{after: 1d, to: boss}"] * number)))


def _stages(number: int) -> str:
    return flow("x", _JOURNEY.format(", ".join(_STAGE.format(each) for each in range(number))))


def _expression(number: int) -> str:
    name = "a" * (number - len("contact.name == ''"))
    return flow("x", f"  - {{wait: 1d, if: \"contact.name == '{name}'\"}}\n")


def _bytes(number: int) -> str:
    text = flow("x", "  - wait: 1d\n")
    return text + "#" * (number - len(text))


@pytest.mark.parametrize(
    ("make", "most", "code"),
    [
        (_exits, EXITS_MAX, "V015"),
        (_levels, LEVELS_MAX, "V015"),
        (_stages, 20, "V015"),
        (_expression, EXPRESSION_BYTES_MAX, "V016"),
        (_bytes, FILE_BYTES_MAX, "V007"),
    ],
)
def test_limits_hold_at_their_edge(make: Callable[[int], str], most: int, code: str) -> None:
    """The most that is allowed has no finding of it, one more has."""
    for number, wanted in ((most, False), (most + 1, True)):
        loaded = load_programme(Folder({**SOUND, "workflows/x.yaml": make(number)}))
        assert (code in {found.code for found in check(loaded)}) is wanted


@pytest.mark.parametrize(
    ("old", "new", "code", "marked"),
    [
        ("score: 3", "scor: 3", "V010", "scor"),
        ("score: 3", "score: three", "V013", "three"),
        ("nps.answered", "nps.answerd", "V040", "nps.answerd"),
        ("at: 2027-02-11T17:00", "at: 2027-03-11T17:00", "V076", "2027-03-11T17:00"),
        ("until: 2027-02-12", "until: 2027-02-10", "V015", "2027-02-10T00:00"),
        ("{id: c-b}", "{id: c-a}", "V018", "c-a"),
        ("{email: [programme]}", "{mail: [programme]}", "V046", "mail"),
        ("{email: [programme]}", "{email: [programm]}", "V014", "programm"),
        ("template: hi", "template: hii", "V051", "hii"),
        ("outcome: silent", "outcome: quiet", "V017", "quiet"),
    ],
)
def test_what_a_scenario_hardly_means_is_warned_of(
    old: str, new: str, code: str, marked: str
) -> None:
    """Each slip is found at its place; a scenario about refusals may hold what is refused."""
    text = DOUBTED.replace(old, new, 1)

    def doubted(text: str) -> list[tuple[str, str, str]]:
        loaded = load_programme(Folder({**SOUND, "scenarios/x.yaml": text}))
        found = scenario_findings(loaded.scenarios["scenarios/x.yaml"], loaded)
        return [(f.code, f.severity, f.source_line[f.column - 1 : f.end_column - 1]) for f in found]

    assert doubted(DOUBTED) == []
    assert doubted(text) == [(code, "warning", marked)]
    assert doubted(text + "  rejected: [{}]\n") == (
        [] if code in ("V010", "V013", "V040") else [(code, "warning", marked)]
    )


DOUBTED = """\
scenario: x
at: 2027-02-11T16:00
workflows: [w]
contacts: [{id: c-a, consent: {email: [programme]}}, {id: c-b}]
events:
  - {at: 2027-02-11T17:00, type: nps.answered, contact: c-a, data: {response: r-1, score: 3}}
until: 2027-02-12T00:00
expect:
  messages: [{template: hi, class: transactional}]
  asks: [{kind: quote, outcome: silent}]
"""
