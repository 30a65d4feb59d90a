"""What a scenario file may say, and that everything else is found at its place."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from workers.scenarios.local import is_instant, to_local, to_utc
from workers.scenarios.reading import Story, read_story
from workers.scenarios.sections import METRICS, SECTIONS
from workflows.check import scenarios as checked
from workflows.check.findings import Finding
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.yaml12 import load_yaml

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

SOUND = """\
scenario: A detractor
at: 2027-02-11T16:00
workflows: [detractor]
with: {cases: {cooldown: 7d}}
contacts:
  - id: c-a
    name: An
    partner: true
    asked: [{kind: quote, at: 2027-01-01T10:00, outcome: declined}]
accounts: [{id: x, region: noord, customer_since: 2026-01-01}]
outside: {email: [ok, transient], draws: {poll: 20}}
events:
  - {at: 2027-02-11T16:50, type: nps.answered, contact: c-a, data: {response: r-1, score: 4}}
  - {at: 2027-02-12T15:00, type: task.closed, task: call, by: u-olga, data: {root_cause: x}}
  - {at: 2027-02-12T16:00, source: delighted, body: {event_type: none}}
until: 2027-02-13T12:00
expect:
  runs: []
  contacts: [{contact: c-a, at: 2027-02-12T12:00, open_case: true, partner: null, nps: {score: 4}}]
  metrics: {sla_met: 1}
"""


@pytest.fixture(scope="module")
def library() -> Loaded:
    return load_programme(load_folder(LIBRARY))


def _read(text: str, loaded: Loaded) -> tuple[Story | None, list[Finding]]:
    return read_story(load_yaml(text, "scenarios/x.yaml"), loaded)


def test_a_sound_scenario_is_read(library: Loaded) -> None:
    """Everything that LANGUAGE allows is read, and the scenario's policies are its own."""
    story, findings = _read(SOUND, library)
    assert findings == []
    assert story is not None
    assert story.loaded.policies.cases.cooldown == "7d"
    assert list(story.loaded.workflows) == ["detractor"]
    assert story.scenario.script == {"email": ("ok", "transient")}
    assert story.scenario.draws == {"poll": 20}


def test_own_fields_stand_among_the_others_or_by_themselves(library: Loaded) -> None:
    """LANGUAGE lists `fields` beside the rest: either way of writing them says the same."""
    nested = SOUND.replace("region: noord", "fields: {region: noord}")
    for text in (SOUND, nested):
        story, findings = _read(text, library)
        assert findings == []
        assert story is not None
        assert story.scenario.accounts[0].own == {"region": "noord"}


WRONG = [
    ("until: 2027", "untl: 2027", "V010", 'unknown key "untl"', 'did you mean "until"?'),
    ("at: 2027-02-11T16:00", "at: 2027-02-11", "V013", "an instant is needed here", ""),
    ("at: 2027-02-11T16:00", "at: 2027-02-30T16:00", "V013", "an instant is needed here", ""),
    ("[detractor]", "[detracter]", "V053", 'unknown workflow "detracter"', '"detractor"?'),
    ("[detractor]", "[gone-by]", "V053", 'unknown workflow "gone-by"', "delete this scenario"),
    ("name: An", "nam: An", "V010", 'unknown field "nam"', 'did you mean "name"?'),
    ("region: noord", "regoin: noord", "V010", 'unknown field "regoin"', '"region"?'),
    ("region: noord", "fields: {regoin: noord}", "V010", 'unknown field "regoin"', '"region"?'),
    ("region: noord", "region: 5", "V013", "this needs text", ""),
    ("partner: true", 'partner: "yes"', "V013", "this needs true or false", ""),
    ("outcome: declined", "outcome: refused", "V014", '"refused" is not possible here', ""),
    ("[ok, transient]", "[okay]", "V014", 'unknown outcome "okay"', 'did you mean "ok"?'),
    ("email: [ok", "emial: [ok", "V047", 'unknown channel or endpoint "emial"', '"email"?'),
    ("task: call", "task: cal", "V021", 'unknown task step "cal"', 'did you mean "call"?'),
    ("type: nps.answered,", "task: call, type: nps.answered,", "V010", "only an event task", ""),
    ("source: delighted", "source: delihted", "V053", "unknown source", '"delighted"?'),
    ("type: task.closed, task: call, by: u-olga, ", "", "V011", "an event needs a type", ""),
    ("at: 2027-02-11T16:50", "at: 2027-02-11T15:50", "V015", "before the clock starts", ""),
    ("runs: []", "runns: []", "V010", 'unknown section "runns"', 'did you mean "runs"?'),
    ("runs: []", "runs: {}", "V013", "a list is needed here", "[] means none"),
    ("runs: []", "runs: [x]", "V013", "a mapping is needed here", ""),
    ("runs: []", "runs: [{start: 2027-02-11T16:50}]", "V010", "unknown field", '"started"?'),
    ("runs: []", "runs: [{started: tomorrow}]", "V031", "an instant: 2027-02-11T16:00", ""),
    ("runs: []", "runs: [{workflow: detracter}]", "V053", "unknown workflow", '"detractor"?'),
    ("runs: []", "runs: [{workflow: gone-by}]", "V053", "unknown workflow", "if it was removed"),
    ("runs: []", "runs: [{workflow: [detractor]}]", "V013", "this needs text", ""),
    ("runs: []", "tasks: [{flags: open_case}]", "V013", "a list, or null", ""),
    ("contact: c-a, at: 2027-02-12T12:00, ", "", "V011", 'the key "contact" is missing', ""),
    ("open_case: true", "opencase: true", "V010", 'unknown field "opencase"', '"open_case"?'),
    ("{score: 4}}]", "{scor: 4}}]", "V010", 'unknown field "scor"', 'did you mean "score"?'),
    ("sla_met: 1", "sla_mett: 1", "V010", 'unknown metric "sla_mett"', 'did you mean "sla_met"?'),
    ("sla_met: 1", "sla_met: one", "V013", "a whole number is needed here", ""),
    ("cooldown: 7d", "cooldwn: 7d", "V010", 'unknown key "cooldwn"', 'did you mean "cooldown"?'),
    ("cooldown: 7d", "cooldown: 7", "V030", '"7" is not a span', ""),
]


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_is_found_at_its_place(
    mistake: tuple[str, str, str, str, str], library: Loaded
) -> None:
    """A mistake is one error of its code, on the line it stands, and keeps the story unplayed."""
    right, wrong, code, message, help_ = mistake
    assert right in SOUND
    text = SOUND.replace(right, wrong, 1)
    lines = {n for n, line in enumerate(text.splitlines(), 1) if line not in SOUND.splitlines()}
    story, findings = _read(text, library)
    assert story is None
    (found,) = [each for each in findings if each.code == code and message in each.message]
    assert found.severity == "error"
    assert help_ in found.help
    assert found.line in lines
    assert found.file == "scenarios/x.yaml"


def test_a_scenario_that_expects_nothing_is_an_error(library: Loaded) -> None:
    """Without a section under `expect` a story would pass whatever happens."""
    start, _, _ = SOUND.partition("  runs: []")
    story, findings = _read(start.replace("expect:", "expect: {}"), library)
    assert story is None
    assert [each.code for each in findings] == ["V054"]


def test_a_contact_nobody_gives_is_a_warning(library: Loaded) -> None:
    """An event may make a contact, so a name that looks misspelt does not stop the story."""
    text = SOUND.replace("type: nps.answered, contact: c-a", "type: nps.answered, contact: c-b")
    story, findings = _read(text, library)
    assert story is not None
    (found,) = findings
    assert (found.code, found.severity) == ("V053", "warning")


@pytest.mark.parametrize(
    ("wrong", "code", "message"),
    [
        ("nps: {score: 12}", "V015", "12 is outside the scale, 0 to 10"),
        ("tier: golden", "V014", 'unknown level "golden"'),
        ("asked: [{kind: qoute, at: 2027-01-01T10:00, outcome: declined}]", "V045", '"qoute"'),
    ],
)
def test_what_no_contact_can_be_is_a_warning(
    wrong: str, code: str, message: str, library: Loaded
) -> None:
    """A score off the scale, a level or a kind of ask that the programme does not have."""
    text = SOUND.replace(
        "    asked: [{kind: quote, at: 2027-01-01T10:00, outcome: declined}]\n", ""
    )
    story, findings = _read(text.replace("partner: true", wrong), library)
    assert story is not None
    (found,) = findings
    assert (found.code, found.severity, found.line) == (code, "warning", 8)
    assert message in found.message


def test_an_error_elsewhere_in_the_programme_stops_only_who_loads_it(library: Loaded) -> None:
    """A workflow that is wrong keeps the scenarios that load it from being played, no others."""
    folder = load_folder(LIBRARY)
    text = folder.files["workflows/passive.yaml"].replace("account_manager", "acount_manager")
    broken = load_programme(
        type(folder)({**folder.files, "workflows/passive.yaml": text}, folder.findings)
    )
    assert _read(SOUND, broken)[0] is not None
    story, findings = _read(SOUND.replace("[detractor]", "[detractor, passive]"), broken)
    assert story is None
    assert {each.file for each in findings} == {"workflows/passive.yaml"}


def test_check_and_test_know_the_same_sections() -> None:
    """`vouch check` refuses no section that `vouch test` compares, and the other way round."""
    assert set(checked.SECTIONS) == set(SECTIONS)
    assert len(set(METRICS)) == len(METRICS) == 17


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2027-02-11T16:00", "2027-02-11T15:00:00+00:00"),
        ("2027-02-11T16:00Z", "2027-02-11T16:00:00+00:00"),
        ("2027-06-14T11:00:00.200", "2027-06-14T09:00:00.200000+00:00"),
        ("2027-03-28T02:30", "2027-03-28T01:30:00+00:00"),
        ("2027-10-31T02:30", "2027-10-31T00:30:00+00:00"),
        ("2027-10-31T02:30+01:00", "2027-10-31T01:30:00+00:00"),
    ],
)
def test_a_time_is_local_unless_it_has_an_offset(text: str, utc: str) -> None:
    """A gap moves on, what occurs twice means the first, an offset means itself."""
    assert is_instant(text)
    assert to_utc(text, AMSTERDAM).isoformat() == utc


@pytest.mark.parametrize(
    "at",
    [
        datetime(2027, 2, 11, 15, 0, tzinfo=UTC),
        datetime(2027, 2, 11, 15, 0, 5, 200_000, tzinfo=UTC),
        datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
        datetime(2027, 10, 31, 1, 30, tzinfo=UTC),
    ],
)
def test_what_is_shown_can_be_written(at: datetime) -> None:
    """A time in a report, pasted into a scenario, is the same instant."""
    assert to_utc(to_local(at, AMSTERDAM), AMSTERDAM) == at
