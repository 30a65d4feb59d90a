"""Findings: every mistake at its exact place, with its code and a remedy."""

import json
from datetime import date

import pytest

from tests.unit.broken.case import Case
from tests.unit.broken.cases import CASES
from tests.unit.broken.programmes import PROGRAMMES, Broken
from tests.unit.broken.sound import PROGRAMME, SOUND, WORKFLOW
from tests.unit.checking import findings_of, marked
from workflows.check.codes import CODES
from workflows.check.findings import render_text
from workflows.check.programme import check
from workflows.folder import Folder
from workflows.load import load_programme, with_policies
from workflows.loaded import from_bundle

SCENARIO = """\
scenario: x
at: 2027-02-11T16:00
workflows: [w]
until: 2027-02-12T16:00
expect: {runs: []}
"""


def test_a_sound_programme_has_no_finding() -> None:
    """What every case breaks is whole, read from files or from the database."""
    loaded = load_programme(Folder(SOUND))

    assert check(loaded) == []
    assert check(from_bundle(json.loads(json.dumps(loaded.bundle())))) == []


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{number}-{case.code}" for number, case in enumerate(CASES)]
)
def test_a_mistake_is_found_at_its_place(case: Case) -> None:
    """One change gives the finding at the text that is wrong, with what to do about it."""
    assert case.old in SOUND[case.file]
    changed = SOUND[case.file].replace(case.old, case.new, 1)

    found = [f for f in findings_of({**SOUND, case.file: changed}) if f.code == case.code]

    assert found
    finding = next((f for f in found if marked(f) == case.marked), found[0])
    assert finding.file == case.file
    assert finding.source_line == changed.split("\n")[finding.line - 1]
    assert marked(finding) == case.marked
    assert case.says in finding.message
    assert finding.help
    assert case.helps in finding.help


@pytest.mark.parametrize("broken", PROGRAMMES, ids=[broken.name for broken in PROGRAMMES])
def test_a_mistake_in_meaning_is_one_finding(broken: Broken) -> None:
    """It is found at its place, says what is wrong, and nothing else is said."""
    files = {**SOUND, **broken.extra}
    for file, old, new in ((broken.file, broken.old, broken.new), *broken.also):
        if old:
            assert old in files[file]
            files[file] = files[file].replace(old, new, 1)

    found = [f for f in findings_of(files) if not f.code.startswith("V9")]

    assert [(f.file, f.code, f.severity, marked(f)) for f in found] == [
        (broken.file, broken.code, broken.severity, broken.marked)
    ]
    assert broken.says in found[0].message
    assert found[0].help


def test_one_mistake_is_one_finding() -> None:
    """A wrong name is not reported again by everything that follows from it."""
    wrong = WORKFLOW.replace("event.data.score <= 6", "event.data.scor <= 6")

    (finding,) = findings_of({**SOUND, "workflows/w.yaml": wrong})

    assert render_text([finding]) == (
        'workflows/w.yaml:4:7: error[V012]: unknown field "event.data.scor" of nps.answered\n'
        "4 |   if: event.data.scor <= 6\n"
        "  |       ^^^^^^^^^^^^^^^\n"
        '  help: did you mean "event.data.score"?'
    )


def test_all_mistakes_are_found_at_once_in_order() -> None:
    """Findings of all files come together, by file, line and column."""
    files = dict(SOUND)
    files["programme.yaml"] = PROGRAMME.replace("caps: [ask]", "caps: [asc]")
    files["workflows/w.yaml"] = WORKFLOW.replace("to: sales", "to: sale").replace("2bd", "2b")

    found = findings_of(files)

    assert [(f.file, f.line, f.code) for f in found] == [
        ("programme.yaml", 10, "V043"),
        ("workflows/w.yaml", 12, "V044"),
        ("workflows/w.yaml", 14, "V030"),
    ]


def test_a_mistake_of_form_hides_no_other_mistake() -> None:
    """An unknown key and a bare number do not keep the rest of the file from being checked."""
    wrong = WORKFLOW.replace("to: sales", "too: x\n      to: sale").replace("due: 2bd", "due: 2")

    found = findings_of({**SOUND, "workflows/w.yaml": wrong})

    assert [(f.code, marked(f)) for f in found] == [
        ("V010", "too"),
        ("V044", "sale"),
        ("V030", "2"),
    ]


def test_only_some_workflows_can_be_looked_at() -> None:
    """What other workflows need keeps none of the chosen from running."""
    files = {
        **SOUND,
        "workflows/other.yaml": "workflow: other\ntrigger: {event: timer.fired}\n"
        "steps:\n  - stop: done\n",
        "workflows/torn.yaml": "steps: [\n",
    }
    loaded = load_programme(Folder(files))

    assert check(loaded, {"w"}, strict=False) == []
    assert {f.code for f in check(loaded)} == {"V001", "V041"}
    assert check(loaded, {"w"}) == []
    assert {f.code for f in check(loaded, {"other"}, strict=False)} == {"V041"}


def test_what_a_scenario_lays_over_is_found_in_the_scenario() -> None:
    """A name that `with:` gets wrong stands in the scenario's file."""
    text = f"{SCENARIO}with: {{staff: {{u-ann: {{deputy: u-zoe}}}}}}\n"
    loaded = load_programme(Folder({**SOUND, "scenarios/x.yaml": text}))
    scenario = loaded.scenarios["scenarios/x.yaml"]

    (finding,) = check(with_policies(loaded, scenario, scenario.data["with"]))

    assert (finding.file, finding.line, finding.column) == ("scenarios/x.yaml", 6, 32)


@pytest.mark.parametrize(
    ("old", "new", "code", "text"),
    [
        ("until:", "util:", "V010", "util"),
        ("runs: []", "run: []", "V010", "run"),
        ("runs: []", "runs: {}", "V013", "runs"),
        ("expect: {runs: []}", "expect: {}", "V054", "expect"),
        ("[w]", "[v]", "V053", "v"),
        ("until:", "with: {zone: 5}\nuntil:", "V013", "5"),
        ("scenario: x", "workflows: w", "V011", "workflows"),
    ],
)
def test_a_scenario_is_found_wrong_before_it_runs(old: str, new: str, code: str, text: str) -> None:
    """Its form, the workflows it names and the policies it lays over are looked at."""
    wrong = SCENARIO.replace(old, new)

    assert findings_of({**SOUND, "scenarios/x.yaml": SCENARIO}) == []
    found = findings_of({**SOUND, "scenarios/x.yaml": wrong})
    assert (code, text) in [(f.code, marked(f)) for f in found]


def test_everybody_left_is_an_error() -> None:
    """A role names nobody who has left, or it is empty; a trial plays it all the same."""
    programme = PROGRAMME.replace("  u-ann: {", "  u-ann: {left: true, ").replace(
        "  u-bob: {", "  u-bob: {left: true, "
    )

    found = findings_of({**SOUND, "programme.yaml": programme + "  #\n"})

    # `contact.owner` is somebody only a task can tell: the role is not empty
    gone = [("V061", "error", "u-ann"), ("V061", "error", "u-bob")]
    assert [(f.code, f.severity, marked(f)) for f in found] == gone
    programme = programme.replace("[contact.owner, ", "[")
    assert [(f.code, marked(f)) for f in findings_of({**SOUND, "programme.yaml": programme})] == [
        ("V061", "sales"),
        ("V061", "boss"),
    ]
    loaded = load_programme(Folder({**SOUND, "programme.yaml": programme}))
    assert {f.severity for f in check(loaded, strict=False)} == {"warning"}


@pytest.mark.parametrize(
    ("day", "role"), [("2027-01-31", ""), ("2027-02-01", "boss"), ("2027-02-08", "boss")]
)
def test_nobody_here_today_is_an_error(day: str, role: str) -> None:
    """A role whose people are all on leave, deputies included, from the first day to the last."""
    programme = PROGRAMME.replace("boss: [sales, u-bob]", "boss: [u-bob]")
    loaded = load_programme(Folder({**SOUND, "programme.yaml": programme}))

    assert check(loaded) == []
    found = check(loaded, today=date.fromisoformat(day))
    assert [marked(finding) for finding in found if "on leave" in finding.message] == (
        [role] if role else []
    )


def test_a_locale_without_words_is_a_warning() -> None:
    """The first locale is needed, the others are worth a word."""
    files = {path: text for path, text in SOUND.items() if path != "templates/hi/nl.md"}

    found = findings_of(files)

    assert {(f.code, f.severity) for f in found} == {("V052", "warning")}


WITHOUT_CONTACT = """\
workflow: w
trigger: {event: theme.recurring}
run: {per: theme}
steps:
  - send: {template: hi, class: transactional}
    if: contact.name == 'x'
"""


def test_a_run_without_contact_has_none() -> None:
    """Neither a message nor a condition finds a contact where the event concerns none."""
    found = findings_of({**SOUND, "workflows/w.yaml": WITHOUT_CONTACT})

    assert [(f.line, f.column) for f in found if f.code == "V028"] == [(5, 11), (6, 9)]


DEEP = "{stop: x}"
for _level in range(6):
    DEEP = f"{{switch: [{{steps: [{DEEP}]}}]}}"


def test_nesting_and_number_of_steps_are_bounded() -> None:
    """Six lists of steps in each other and two hundred steps pass, one more does not."""
    head = "workflow: w\ntrigger: {event: nps.answered}\nsteps:\n"
    fits = DEEP.replace("{switch: [{steps: [", "", 1).removesuffix("]}]}")

    assert findings_of({**SOUND, "workflows/w.yaml": f"{head}  - {fits}\n"}) == []
    (deep,) = findings_of({**SOUND, "workflows/w.yaml": f"{head}  - {DEEP}\n"})
    assert (deep.code, deep.line) == ("V015", 4)
    steps = "  - wait: 1d\n" * 200
    assert findings_of({**SOUND, "workflows/w.yaml": head + steps}) == []
    (many,) = findings_of({**SOUND, "workflows/w.yaml": head + steps + "  - wait: 1d\n"})
    assert (many.code, many.line, many.column) == ("V015", 3, 1)


WARNED = {
    "V070": "  - wait_for: {event: quote.given}\n",
    "V071": "  - task: {to: sales, title: x, due: 1d}\n  - wait: 3d\n",
    "V073": "  - wait: 3m\n",
}


@pytest.mark.parametrize("code", WARNED)
def test_what_is_seldom_meant_is_a_warning(code: str) -> None:
    """It runs, and says so."""
    text = f"workflow: w\ntrigger: {{event: nps.answered}}\nsteps:\n{WARNED[code]}"

    (finding,) = findings_of({**SOUND, "workflows/w.yaml": text})

    assert (finding.code, finding.severity) == (code, "warning")


def test_workflows_alike_are_a_warning() -> None:
    """Two workflows that one event starts and that send the same class are told apart by if."""
    second = WORKFLOW.replace("workflow: w", "workflow: x")

    (finding,) = findings_of({**SOUND, "workflows/x.yaml": second})

    assert (finding.code, finding.file, finding.severity) == ("V072", "workflows/x.yaml", "warning")


def test_own_event_types_are_known_and_checked() -> None:
    """A programme's own type can start a workflow; its schema is read at its place."""
    own = "properties: {amount: {type: integer}}\n"
    trigger = "trigger: {event: invoice.paid, if: event.data.amount > 5}"
    text = f"workflow: w\n{trigger}\nsteps:\n  - wait: 3d\n"
    files = {**SOUND, "workflows/w.yaml": text, "events/invoice.paid.yaml": own}

    assert findings_of(files) == []
    files["events/invoice.paid.yaml"] = "properties:\n  amount: {type: number}\n"
    (finding,) = findings_of(files)
    assert (finding.code, finding.file, finding.line) == ("V014", "events/invoice.paid.yaml", 2)


def test_every_code_is_explained() -> None:
    """Whatever the cases find has a title and a paragraph."""
    assert {case.code for case in CASES} <= set(CODES)
    assert all(code.title and code.explanation.endswith(".") for code in CODES.values())
    assert list(CODES) != []
