"""Scenarios: their form, the workflows and event types they name, what they lay over.

What a scenario expects is compared when it runs; here it only has to expect something.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from events.errors import did_you_mean
from workflows.check.context import Context, Place
from workflows.load import with_policies
from workflows.yaml_document import Document

KEYS = (
    "scenario",
    "at",
    "workflows",
    "with",
    "contacts",
    "accounts",
    "outside",
    "events",
    "until",
    "expect",
)
SECTIONS = (
    "runs",
    "refused",
    "messages",
    "skipped",
    "asks",
    "moments",
    "tasks",
    "cases",
    "timers",
    "ledger",
    "balances",
    "contacts",
    "tiers",
    "referrals",
    "calls",
    "syncs",
    "rejected",
    "duplicates",
    "metrics",
    "contests",
    "gifts",
)
"""What `expect` may hold."""

_TAKE_OUT = "if it was removed, take it out here or delete this scenario"

_KINDS: Mapping[str, tuple[type, str]] = {
    "scenario": (str, "text is needed here"),
    "workflows": (list, "a list is needed here"),
    "with": (dict, "a mapping is needed here"),
    "contacts": (list, "a list is needed here"),
    "accounts": (list, "a list is needed here"),
    "outside": (dict, "a mapping is needed here"),
    "events": (list, "a list is needed here"),
    "expect": (dict, "a mapping is needed here"),
}


_FORMS = {
    "scenario": "say in a sentence what it tells",
    "workflows": "write [name, name]",
    "with": "write with: {rewards: {hold: 7d}}",
    "contacts": "begin each with a dash: - {id: c-anna}",
    "accounts": "begin each with a dash: - {id: a-1}",
    "outside": "write outside: {email: [ok]}",
    "events": "begin each with a dash: - {at: ..., type: ...}",
    "expect": "write its sections below it: runs:, messages:",
}


def check_scenario(context: Context, path: str, document: Document) -> None:
    """Report everything wrong in the form of one scenario."""
    data, place = document.data, Place(path)
    if not isinstance(data, dict):
        return  # loading has said so
    for key in data:
        if key not in KEYS:
            context.unknown("V010", place / key, "key", key, KEYS, key=True)
    for key in ("scenario", "at", "expect"):
        misspelt = [str(each) for each in data if each not in KEYS]
        if key not in data and not get_close_matches(key, misspelt, n=1):
            context.report("V011", place, f'the key "{key}" is missing here', f"add {key}: ...")
    wrong = [
        key for key, (kind, _) in _KINDS.items() if not isinstance(data.get(key, kind()), kind)
    ]
    for key in wrong:
        context.report("V013", place / key, _KINDS[key][1], _FORMS[key])
    given = {key: value for key, value in data.items() if key not in wrong}
    _workflows(context, place / "workflows", given.get("workflows", []))
    _events(context, place / "events", given.get("events", []))
    if "expect" in given:
        _expect(context, place / "expect", given["expect"])
    if "with" in given:
        laid = with_policies(context.loaded, document, given["with"])
        context.findings += [f for f in laid.findings if f not in context.loaded.findings]


def _workflows(context: Context, place: Place, names: list[Any]) -> None:
    known = context.loaded.known("workflow")
    for number, name in enumerate(map(str, names)):
        if name not in known:
            message = f'unknown workflow "{name}"'
            context.report("V053", place / number, message, gone(name, known))


def gone(name: str, known: Collection[str]) -> str:
    """Return what to do about a workflow that a scenario names and there is not.

    >>> gone("detracter", ["detractor"])
    'did you mean "detractor"?'
    >>> gone("useful-tip", ["detractor"])
    'if it was removed, take it out here or delete this scenario; known: detractor'
    """
    hint = did_you_mean(name, known)
    if hint.startswith("did you mean"):
        return hint
    return f"{_TAKE_OUT}; {hint}" if hint else _TAKE_OUT


def _events(context: Context, place: Place, events: list[Any]) -> None:
    for number, event in enumerate(events):
        at = place / number
        if not isinstance(event, dict):
            form = "write {at: 2027-02-11T16:00, type: nps.answered, ...}"
            context.report("V013", at, "a mapping is needed here", form)
        elif isinstance(event.get("type"), str):
            pass  # a scenario may publish what intake refuses: that is worth a test
        elif isinstance(event.get("source"), str):
            known = context.loaded.known("source")
            context.known("V053", at / "source", "source", event["source"], known)
        else:
            message = "an event needs a type, a webhook its source"
            context.report("V011", at, message, "add type: ...")


def _expect(context: Context, place: Place, expect: dict[str, Any]) -> None:
    if not expect:
        message = "nothing is expected: the scenario would pass whatever happens"
        context.report("V054", place, message, "name a section, such as messages", key=True)
    for section, rows in expect.items():
        at = place / section
        if section not in SECTIONS:
            context.unknown("V010", at, "section", section, SECTIONS, key=True)
        elif not isinstance(rows, dict if section == "metrics" else list):
            what = "a mapping" if section == "metrics" else "a list"
            context.report("V013", at, f"{what} is needed here", "[] means none", key=True)
