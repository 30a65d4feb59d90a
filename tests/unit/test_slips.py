"""Slips that people who run programmes make, in the programme that ships: one finding each.

Each is told at the line it was made in, at the text that is wrong, with what to write instead.
"""

from functools import cache

import pytest

from tests.replay import LIBRARY
from workflows.check.programme import check
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.yaml_document import Loc, Node

P = "programme.yaml"


def _flow(name: str) -> str:
    return f"workflows/{name}.yaml"


@cache
def _files() -> dict[str, str]:
    files = load_folder(LIBRARY).files
    return {path: text for path, text in files.items() if not path.startswith("scenarios/")}


SLIPS = [
    # spans
    (_flow("detractor"), "wait: 60d", "wait: 60 days", "V030", "60 days", "write 60d"),
    (_flow("detractor"), "due: 30bm", "due: 0.5h", "V030", "0.5h", "write 30m"),
    (_flow("referral-ask"), "every: 7d", "every: weekly", "V030", "weekly", "write 1w"),
    (P, "defer: 14d", "defer: two weeks", "V030", "two weeks", "write 2w"),
    (P, "snooze: 3mo", "snooze: 3m", "V073", "3m", "3mo"),
    (_flow("referral-ask"), "every: 7d", "every: 1m", "V073", "1m", "1mo"),
    # lists and times
    (P, "[mon, tue,", "[Monday, tue,", "V014", "Monday", '"mon"'),
    (P, "[mon, tue, wed, thu, fri]", "mon-thu", "V013", "mon-thu", "[mon, tue, wed, thu]"),
    (P, '["09:00", "17:00"]', '"09:00-17:30"', "V013", '"09:00-17:30"', '["09:00", "17:30"]'),
    (P, '["20:00", "08:00"]', '{from: "20:00", to: "07:00"}', "V013", "{", '["20:00", "07:00"]'),
    (P, '["20:00", "08:00"]', '"20:00"', "V013", '"20:00"', '["20:00", "08:00"]'),
    (P, "scale: [0, 10]", "scale: 0-10", "V013", "0-10", "[0, 10]"),
    (P, "at_night: [email]", "at_night: true", "V013", "true", "the names"),
    (P, "zone: Europe/Amsterdam", "zone: Australia/Adelaid", "V031", "Australia/Adelaid",
     "Australia/Adelaide"),
    (P, "zone: Europe/Amsterdam", "zone: america/new york", "V031", "america/new york",
     "America/New_York"),
    (P, "zone: Europe/Amsterdam", 'zone: "+09:30"', "V031", '"+09:30"', "Europe/Amsterdam"),
    # locales
    (P, "[nl, de, en]", "[nl, dk, en]", "V031", "dk", "write da"),
    (P, "[nl, de, en]", "[nl, German, en]", "V031", "German", "write de"),
    (P, "[nl, de, en]", "[nl, de, xx]", "V031", "xx", "such as nl"),
    (P, "[nl, de, en]", "[fr, nl]", "V051", "fr", "put nl first"),
    (P, "[nl, de, en]", "[nl_NL, de, en]", "V051", "nl_NL", "write nl"),
    (P, "[nl, de, en]", "[nl, de, en, fr]", "V052", "fr", "leave it out"),
    # people
    (P, "15m, to: programme_manager", "15m, to: u-pim", "V044", "u-pim", "programme_manager"),
    (_flow("detractor"), "to: business_owner", "to: u-olga", "V044", "u-olga", "business_owner"),
    (_flow("detractor"), "to: business_owner", "to: u-sam", "V044", "u-sam", "u_sam_role: [u-sam]"),
    # expressions
    (P, "== 'noord'", "== noord", "V012", "noord", "'noord'"),
    (_flow("detractor"), "== 'detractor'", "== detractor", "V012", "detractor", "'detractor'"),
    (_flow("partner-report"), "0 9 1 * *", "*/5 9 1 * *", "V003", "*/5 9 1 * *",
     '"*/5 9 1 * *"'),
    (_flow("partner-report"), "if: contact", "if: !contact", "V003", "!contact.partner", '"!'),
    # contests, journeys, checks
    (P, "seed: env:VOUCH_CONTEST_AUTUMN27", "seed: red", "V014", "red", "env:NAME"),
    (P, "self: reject", "self: {verdict: reject, max: 5}", "V076", "max", "self: reject"),
    (P, "block_after: 2", "block_after: 0", "V015", "block_after", "block_after: 2"),
    (_flow("ambassador"), "every: 10d, send: [journey_poll_nudge]",
     "every: 20d, send: [journey_poll_nudge]", "V023", "20d", "longer"),
    (_flow("ambassador"), "[journey_poll_nudge]", "[journey_poll_nudge, journey_poll_nudge]",
     "V023", "journey_poll_nudge", "fewer"),
    # other tools' words
    (_flow("nps"), "steps:\n", "steps:\n  - log: hello\n", "V010", "log", "vouch explain"),
    (_flow("nps"), "class: survey}", "class: survey}\n    else:\n      - stop: x", "V010", "else",
     "switch"),
    (_flow("nps"), "steps:\n", "steps:\n  - if: contact.partner\n    steps:\n      - wait: 3d\n",
     "V010", "steps", "- switch:"),
    (_flow("opt-in"), "within: 3d", "timeout: 3d", "V010", "timeout", '"within"'),
    (_flow("nps"), "trigger: {event: project.delivered}", "on: {event: project.delivered}", "V010",
     "on", '"trigger"'),
    (_flow("nps"), "trigger: {event: project.delivered}", "trigger: project.delivered", "V013",
     "project.delivered", "{event: project.delivered}"),
    (_flow("nps"), "steps:\n", "steps:\n  - wait 3d\n", "V013", "wait 3d", '"wait: 3d"'),
    (_flow("nps"), "steps:\n", "steps:\n  -wait: 3d\n", "V001", "-wait", '"- wait:"'),
    (_flow("nps"), "steps:\n", "steps:\n  - switch: contact.tier\n", "V013", "contact.tier", "if:"),
    (_flow("nps"), "at: slot}", "at: slot", "V001", "{", "add the bracket"),
    (_flow("nps"), "class: survey}", "class: survey, before: 3d}", "V016", "d", "duration('72h')"),
    (_flow("nps"), "class: survey}", "class: staff, to: u-olga}", "V044", "u-olga", "business"),
    (_flow("promoter"), "[{after: 0bh, to: sales_lead}]",
     "[{after: 1d, to: sales_lead}, {after: 4h, to: deputy}]", "V015", "4h", "in the order"),
    (P, "  office: {days", "  offices: {days", "V049", "offices", "name it office"),
    (_flow("nps"), "{event: project.delivered}", "{event: run.refused}", "V041", "run.refused",
     "name what happened"),
    # values that are known, or nearly one that is
    (_flow("reward-news"), "side == 'referrer'", "side == 'referer'", "V017", "'referer'",
     '"referrer"'),
    (_flow("useful-tip"), "reason == 'cooldown'", "reason == 'cool-down'", "V017", "'cool-down'",
     '"cooldown"'),
    (_flow("opt-in"), "topic == 'programme'", "topic == 'programe'", "V017", "'programe'",
     '"programme"'),
    (_flow("opt-in"), "topic == 'programme'", "channel == 'e-mail'", "V017", "'e-mail'", '"email"'),
    (_flow("contest"), "'programme' in", "'Programme' in", "V017", "'Programme'", '"programme"'),
    (_flow("referral-turned-down"), "'open_deal'", "'open-deal'", "V017", "'open-deal'",
     '"open_deal"'),
    (P, "ask:           {consent: programme", "ask:           {consent: programe", "V078",
     "programe", '"programme"'),
    (P, "channels: [email]", "channels: []", "V015", "channels", "add one"),
    (P, "within: 1h, per: contact", "within: 1h, per: contct", "V029", "contct", '"contact"'),
    (P, "hold, max: 5", "hold, max: 0", "V015", "max", "1 or more"),
    # what was forgotten
    (P, 'quiet: ["20:00", "08:00"]', "quiet:", "V013", "quiet", "leave the key out"),
    (_flow("lead-handover"), "done_by: referral.contacted", "done_by:", "V013", "done_by",
     "leave the key out"),
    (_flow("passive"), "as: score_revised", "as: ''", "V013", "as", "as: NAME"),
    (_flow("ambassador"), "amount: 50}", "amount:}", "V001", ":", "key: value"),
    # lists where none can begin
    (_flow("detractor"), "to: business_owner", "to: - business_owner", "V001", "-", "[one, other]"),
    # caps
    (P, "\n  ask:         {max: 1", "\n  asks:        {max: 1", "V043", "ask", '"asks"'),
    # words
    ("templates/ask_quote/nl.md", "links.gladly", "links.done", "V050", "links.done", "gladly"),
]  # fmt: skip


def test_what_is_broken_was_whole() -> None:
    """The shipped programme has no finding."""
    assert check(load_programme(Folder(_files()))) == []


@pytest.mark.parametrize(("file", "old", "new", "code", "marked", "helps"), SLIPS)
def test_a_slip_is_told_where_it_was_made(
    file: str, old: str, new: str, code: str, marked: str, helps: str
) -> None:
    """The first finding is of the line that was changed, or of the one that names what is gone."""
    text = _files()[file]
    assert old in text
    changed = text.replace(old, new, 1)

    found = check(load_programme(Folder({**_files(), file: changed})))

    first = found[0]
    assert (first.code, first.file) == (code, file)
    assert first.source_line == changed.split("\n")[first.line - 1]
    assert first.source_line[first.column - 1 : first.end_column - 1].startswith(marked)
    assert helps in first.help
    assert len({(each.line, each.file) for each in found if each.code != "V043"}) <= 1


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (_flow("opt-in"), "topic == 'programme'", "topic == 'billing'"),
        (_flow("referral-turned-down"), "'open_deal'", "'wound_up'"),
        (P, "newsletter:    {consent: programme", "newsletter:    {consent: news"),
    ],
)
def test_what_others_may_say_is_no_slip(file: str, old: str, new: str) -> None:
    """Another tool's topic, an exit's name and a topic of one's own are left alone."""
    changed = _files()[file].replace(old, new, 1)

    assert changed != _files()[file]
    assert check(load_programme(Folder({**_files(), file: changed}))) == []


def test_a_reminder_on_the_day_it_is_over_never_leaves() -> None:
    """The third of three that leave each week, of an ask that is silent after three weeks."""
    path = _flow("referral-ask")
    text = _files()[path]
    for within, line in (("14d", 13), ("22d", 15), ("43d", 0)):
        changed = text.replace("      before:", f"      within: {within}\n      before:")
        found = check(load_programme(Folder({**_files(), path: changed})))

        assert [each.line for each in found if each.code == "V023"] == ([line + 1] if line else [])


_NAMED = frozenset(
    {
        "account", "calendars", "campaign_monitor", "caps", "checks", "classes", "contact",
        "contests", "crm", "data", "draw", "endpoints", "levels", "lead", "mailchimp", "names",
        "queues", "roles", "staff", "stock", "sync", "then", "words",
    }
)  # fmt: skip
"""Keys below which the programme's own names are keys."""


def test_a_key_misspelt_is_found_wherever_it_stands() -> None:
    """Each key of the policies, at every depth: its line, and the key that was meant."""
    text = _files()[P]
    root = load_programme(Folder({P: text})).documents[P].root
    assert root
    pending: list[tuple[Loc, Node]] = [((), root)]
    tried = 0
    while pending:
        loc, node = pending.pop()
        pending += [((*loc, part), child) for part, child in node.children.items()]
        for key, (start, end) in node.keys.items():
            if (loc and loc[-1] in _NAMED) or not isinstance(key, str):
                continue
            tried += 1
            wrong = f"{key}{key[-1]}" if len(key) < 4 else f"{key[0]}{key[2:]}{key[-1]}"
            misspelt = f"{text[:start]}{wrong}{text[end:]}"
            found = load_programme(Folder({P: misspelt})).findings
            here = [f for f in found if f.line == text.count("\n", 0, start) + 1]
            assert [(f.code, key in f.help) for f in here] == [("V010", True)], (loc, key, found)
    assert tried > 100
