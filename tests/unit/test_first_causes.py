"""One mistake is one finding: what only follows from it is not told, and causes come first."""

from pathlib import Path

import pytest

from tests.unit.broken.sound import SOUND
from workers.scenarios.reading import scenario_findings
from workflows.check.findings import Finding, sort_findings
from workflows.check.programme import check
from workflows.check.words import TASK_TEMPLATES
from workflows.folder import Folder
from workflows.load import load_folder, load_programme

SCENARIO = """\
scenario: somebody is unhappy
at: 2027-02-11T16:00
workflows: [w]
contacts:
  - {id: c-1, email: c@x.example}
events:
  - {at: 2027-02-11T16:00, type: nps.answered, contact: c-1, data: {response: r, score: 3}}
  - {at: 2027-02-11T17:00, type: task.closed, task: call, by: u-ann, data: {cause: x}}
  - {at: 2027-02-11T18:00, source: s, body: {kind: y}}
expect:
  runs: [{workflow: w, contact: c-1}]
"""
OWN = "type: object\nproperties:\n  amount: {type: integer}\n"
LISTENS = """\
workflow: paid
trigger: {event: invoice.paid, if: event.data.amount > 5 && event.data.early}
exit:
  - {event: invoice.paid, if: event.data.amount < trigger.data.amount, as: less}
steps:
  - wait_for: {event: [invoice.paid, quote.given], if: event.data.late, within: 3d}
    id: again
  - wait: {from: steps.again.event.data.at}
"""
EMITS = """\
workflow: pays
trigger: {event: quote.given}
steps:
  - emit: {event: invoice.paid, data: {amount: now, text: trigger.data.text}}
"""
WHOLE = {**SOUND, "scenarios/one.yaml": SCENARIO, "events/invoice.paid.yaml": OWN}


def findings_of(files: dict[str, str]) -> list[Finding]:
    """Return what `vouch check` says of these files."""
    loaded = load_programme(Folder(files))
    found = check(loaded)
    for document in loaded.scenarios.values():
        found += scenario_findings(document, loaded)
    return sort_findings(found)


def test_the_whole_is_sound() -> None:
    """What each case breaks has no finding."""
    assert findings_of(WHOLE) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("workflows/w.yaml", "trigger:", "triger:", 2),
        ("workflows/w.yaml", "workflow: w", "workflw: w", 1),
        ("workflows/w.yaml", "steps:", "stepps:", 8),
        ("workflows/w.yaml", "  - task:", "  - tsk:", 11),
        ("workflows/w.yaml", "    id: call", "    idd: call", 17),
        ("workflows/w.yaml", "      due: 2bd\n", "", 11),
        ("workflows/w.yaml", "steps:", "steps: [", 9),
        ("workflows/w.yaml", "within: 3mo", "until: 3mo", 26),
        ("sources/s.yaml", "signature:", "signatur:", 2),
        ("sources/s.yaml", "    type: nps.answered\n", "", 4),
        ("sources/s.yaml", "    data:", "    dta:", 7),
        ("programme.yaml", "classes:", "clases:", 9),
        ("programme.yaml", "roles:", "rolls:", 24),
        ("programme.yaml", "caps:\n", "kaps:\n", 13),
        ("events/invoice.paid.yaml", "type: object", "type: object: x", 1),
    ],
)
def test_nothing_is_told_that_only_follows(file: str, old: str, new: str, line: int) -> None:
    """The file that is wrong is known by its name, and a misspelt key by the one that is meant."""
    assert old in WHOLE[file]
    found = findings_of({**WHOLE, file: WHOLE[file].replace(old, new, 1)})

    assert [(each.file, each.line) for each in found] == [(file, line)]


def test_behind_a_misspelt_key_mistakes_are_found_at_their_place() -> None:
    """What stands under it is looked at as if it were spelt rightly, misspelt keys among it."""
    text = WHOLE["workflows/w.yaml"]
    text = text.replace("trigger:", "triger:").replace(
        "  if: event.data.score", "  iff: event.data.scor"
    )

    found = findings_of({**WHOLE, "workflows/w.yaml": text})

    assert [(each.line, each.column, each.code) for each in found] == [
        (2, 1, "V010"), (4, 3, "V010"), (4, 8, "V012"),
    ]  # fmt: skip


@pytest.mark.parametrize("schema", ["type: object: x\n", "properties: {amount: {type: money}}\n"])
def test_a_type_that_cannot_be_read_may_hold_anything(schema: str) -> None:
    """Workflows that listen to it are not blamed for what nobody can know of it."""
    files = {**WHOLE, "workflows/paid.yaml": LISTENS, "workflows/pays.yaml": EMITS}
    files["events/invoice.paid.yaml"] = schema

    found = findings_of(files)

    assert {each.file for each in found} == {"events/invoice.paid.yaml"}
    assert len(found) == 1


def test_words_that_cannot_be_read_are_not_missing(tmp_path: Path) -> None:
    """A template that is no text is one finding, whoever sends it."""
    for path, text in WHOLE.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\xff\xfe" if path.startswith("templates/") else text.encode())

    found = check(load_programme(load_folder(tmp_path)))

    assert {each.code for each in found} == {"V007"}
    assert len(found) == sum(path.startswith("templates/") for path in WHOLE)
    assert f"templates/{TASK_TEMPLATES[0]}/en.md" in {each.file for each in found}


def test_causes_come_first() -> None:
    """Policies before workflows before words before scenarios, whatever their names."""
    files = {**WHOLE, "templates/hi/en.md": "---\nsubject: {{ x }}\n---\nHi\n"}
    files["scenarios/one.yaml"] = SCENARIO.replace("workflows: [w]", "workflows: [v]")
    files["workflows/w.yaml"] = WHOLE["workflows/w.yaml"].replace("due: 2bd", "due: 2D")
    files["programme.yaml"] = WHOLE["programme.yaml"].replace("consent: programme, caps", "caps", 1)
    files["programme.yaml"] = files["programme.yaml"].replace("Ask", "ask").replace("7d", "7D", 1)

    found = [each.file for each in findings_of(files)]

    assert list(dict.fromkeys(found)) == [
        "programme.yaml", "workflows/w.yaml", "templates/hi/en.md", "scenarios/one.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "marked", "helps"),
    [
        ("scenario: somebody", "scenrio: somebody", "V010", "scenrio", '"scenario"'),
        ("expect:", "expects:", "V010", "expects", '"expect"'),
        ("workflows: [w]", "workflows: [v]", "V053", "v", "known: w"),
        ("type: task.closed", "type: task.close", "V040", "task.close", '"task.closed"'),
        ("score: 3}", "score: 3.5}", "V013", "3.5", "without a fraction"),
        ("w, contact: c-1}", "w, contact: c-1, as: beter}", "V017", "beter", "better"),
    ],
)
def test_a_slip_in_a_scenario_is_one_finding(
    old: str, new: str, code: str, marked: str, helps: str
) -> None:
    """A misspelt key is not a missing one too; what will be refused is told, if nobody says so."""
    assert old in SCENARIO
    changed = SCENARIO.replace(old, new, 1)

    found = findings_of({**WHOLE, "scenarios/one.yaml": changed})

    assert [each.code for each in found if each.code != "V053" or code == "V053"][:1] == [code]
    first = next(each for each in found if each.code == code)
    assert first.source_line[first.column - 1 : first.end_column - 1] == marked
    assert helps in first.help


def test_what_a_scenario_says_is_refused_is_meant() -> None:
    """A row of `rejected` for the type, or for any, is why nothing is told."""
    wrong = SCENARIO.replace("score: 3}", "score: many}")
    meant = wrong + "  rejected: [{type: nps.answered}]\n"

    assert [each.code for each in findings_of({**WHOLE, "scenarios/one.yaml": wrong})] == ["V013"]
    assert findings_of({**WHOLE, "scenarios/one.yaml": meant}) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "helps"),
    [
        (
            "workflows/w.yaml",
            "  if: event.data.score <= 6",
            "  if: score <= 6",
            '"event.data.score"',
        ),
        ("workflows/w.yaml", "if: event.data.may_publish", "if: may_publish", "data.may_publish"),
        ("sources/s.yaml", "data: {response: body.id", "data: {response: survey_id", "body.survey"),
    ],
)
def test_a_name_without_its_path_is_told_with_it(file: str, old: str, new: str, helps: str) -> None:
    """Whoever leaves out what a field belongs to is told where it is."""
    assert old in WHOLE[file]
    (found,) = findings_of({**WHOLE, file: WHOLE[file].replace(old, new, 1)})

    assert found.code == "V012"
    assert helps in found.help
