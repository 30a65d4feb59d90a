"""Pages of a contact and of a run: what people read, where programs read JSON."""

import pytest

from tests.workers.changing import folder
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event

CALL = """
workflow: call
trigger: {event: favour.granted}
steps:
  - {id: call, task: {to: sales, title: Call them back, due: 1d, within: 5y}}
"""
ASKS = """
workflow: asks
trigger: {event: compliment.given}
steps:
  - {id: please, ask: {kind: quote, template: please, reminders: {every: 7d, send: [please]}}}
"""


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder in which Anna is to be called and asked."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour", call=CALL, asks=ASKS)
    for words in (["migrate"], ["apply", "tour"]):
        assert shell(*words).code == 0
    named = {"first_name": "Anna", "last_name": "de Vries", "email": "anna@x.example"}
    lines = [
        event(1, "contact.updated", **named, segments=["key", "early"]),
        event(2, "optin.confirmed", text_version="1"),
        event(3, "nps.answered", response="r", score=9, comment="\x1b[31mteam"),
        event(4, "favour.granted"),
        event(5, "owner.changed", owner="u-sam"),
        event(6, "contact.unsubscribed", topic="survey", channel="email"),
    ]
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def test_a_contact_is_a_page(shell: Shell) -> None:
    """Who it is, consent, what is open and what comes next; nothing of what the engine keeps."""
    said = shell("contacts", "show", "c-anna").out
    lines = said.splitlines()

    assert lines[0] == "Anna de Vries (c-anna)"
    assert any(line.split() == ["segments", "key,", "early"] for line in lines)
    assert any(line.split()[:3] == ["score", "9,", "promoter,"] for line in lines)
    assert any(line.split()[:3] == ["email", "programme", "yes"] for line in lines)
    assert "Call them back" in said
    assert "call: waits for its task no longer" in said
    assert "vouch explain c-anna" in lines[-1]
    assert "{" not in said
    assert "\x1b" not in said


def test_a_run_is_a_page(shell: Shell) -> None:
    """What began it, where it stands in the file, what it waits for, its task; JSON stays whole."""
    (run,) = shell("runs", "list", "--workflow", "call", "--format", "json").json()

    said = shell("runs", "show", run["id"]).out
    lines = said.splitlines()

    assert lines[0] == f"call for c-anna ({run['id']})"
    assert any("stands in" in line and "workflows/call.yaml:5:" in line for line in lines)
    assert "began by favour.granted" in said
    assert "Call them back" in said
    assert "{" not in said
    assert shell("runs", "show", run["id"], "--format", "json").json()["doc"]["at"] == "call"


def test_what_has_ended_says_as_what(shell: Shell) -> None:
    """A run that was cancelled, on its own page and on that of its contact."""
    (run,) = shell("runs", "list", "--workflow", "call", "--format", "json").json()
    shell("runs", "cancel", run["id"], "--by", "u-sam", "--as", "moved_away")
    shell.work()

    assert "ended as moved_away" in shell("runs", "show", run["id"]).out
    said = shell("contacts", "show", "c-anna").out
    assert "moved_away" in said.partition("runs that ended")[2]
