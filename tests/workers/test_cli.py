"""The command line as whoever types it meets it: what it says, where, and its exit codes."""

import json
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from tests.replay import LIBRARY
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped
from workers.cells import cell
from workers.cli import failures
from workers.cli.context import UsageError
from workers.cli.publishing import publish
from workers.cli.tables import table
from workers.web.auth import KEY_AGE_MAX

ROOT = Path(__file__).parents[2]

NOTHING_THERE = "sqlite:///nothing.db"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give an empty folder to type in."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def started(ready: Ready) -> Shell:
    """Give a folder with the shipped programme applied, and a database."""
    return ready(shipped)


NEED_DATABASE = [
    ["events", "list"],
    ["events", "rejects"],
    ["runs", "cancel", "r"],
    ["asks", "show", "a"],
    ["tasks", "done", "t", "--by", "u-sam"],
    ["outbox", "redeliver", "m"],
    ["dead", "replay", "--all"],
    ["contacts", "show", "c"],
    ["ledger", "verify"],
    ["keys", "add", "crm"],
    ["keys", "list"],
    ["explain", "e-1"],
]


@pytest.mark.parametrize("words", NEED_DATABASE, ids=" ".join)
def test_a_database_that_is_not_there_is_a_line_and_a_hint(words: list[str], shell: Shell) -> None:
    """No traceback, no empty file left behind, and the hint is the command that helps."""
    said = shell(*words)

    assert said.code == 2
    assert said.out == ""
    assert said.err.splitlines() == [
        "vouch: error[schema]: there is no database vouch.db yet",
        "  help: make it: vouch migrate",
    ]
    assert not (shell.folder / "vouch.db").exists()


@pytest.mark.parametrize("words", [["events", "list"], ["keys", "list"]], ids=" ".join)
def test_an_empty_database_is_to_be_migrated(words: list[str], shell: Shell) -> None:
    """A file without tables, as another program made it, is told from one that is missing."""
    (shell.folder / "vouch.db").touch()

    said = shell(*words)

    assert said.code == 2
    assert "the database is empty" in said.err
    assert "vouch migrate" in said.err


def test_a_file_that_is_no_database_is_a_line(shell: Shell) -> None:
    """Whatever the settings point at, a command does not show a traceback, nor does doctor."""
    (shell.folder / "vouch.db").write_text("notes, not tables\n" * 100)

    said = shell("events", "list")
    looked = shell("doctor", "--format", "json")

    assert said.code == 2
    assert "VOUCH_DATABASE_URL" in said.err
    assert looked.code == 1
    assert [look["about"] for look in looked.json() if look["state"] == "error"] == ["database"]


@pytest.mark.parametrize("words", [["events", "list"], ["migrate"]], ids=" ".join)
def test_a_database_that_does_not_answer_is_a_line(words: list[str], shell: Shell) -> None:
    """The line names the place, and not the password."""
    shell.env["VOUCH_DATABASE_URL"] = "postgresql://vouch:hush-hush@127.0.0.1:1/vouch"

    said = shell(*words)

    assert said.code == 2
    assert "database-unavailable" in said.err
    assert "hush-hush" not in said.err
    assert len(said.err.splitlines()) == 2


def test_a_closed_standard_input_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started without standard input, as by a process manager, publishing names what to do."""
    assert shell("migrate").code == 0
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="closed") as refused:
        publish("-")

    assert "file" in refused.value.hint


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["check"], "vouch init"),
        (["dev"], "vouch init"),
        (["check", "nowhere"], "vouch init nowhere"),
        (["check", f"{LIBRARY}/programme.yaml"], f"programme's folder: {LIBRARY}"),
        (["publish", "nowhere.jsonl"], "name a file"),
        (["simulate", "nowhere.jsonl"], "name a file"),
        (["check", "--format", "xml", "programme"], "text or json"),
        (["dead", "replay"], "--all"),
        (["dead", "replay", "4711"], "vouch dead list"),
        (["dead", "drop", "4711"], "vouch dead list"),
        (["events", "list", "--since", "yesterday"], "2027-02-11T16:00Z"),
        (["tasks", "done", "t", "--by", "u-sam", "--field", "root_cause"], "root_cause=billing"),
        (["explain", "nobody-knows"], "vouch events list"),
        (["runs", "show", "nobody-knows"], "vouch runs list"),
        (["runs", "cancel", "nobody-knows"], "vouch runs list"),
        (["outbox", "show", "nobody-knows"], "vouch outbox list"),
        (["keys", "revoke", "nobody"], "vouch keys list"),
    ],
    ids=" ".join,
)
def test_misuse_ends_with_two_and_a_hint(words: list[str], hint: str, shell: Shell) -> None:
    """What was typed wrong is said on standard error, in a line, with what to type instead."""
    assert shell("migrate").code == 0

    said = shell(*words)

    assert said.code == 2
    assert said.out == ""
    assert hint in said.err
    assert len(said.err.splitlines()) == 2


def test_misspelt_settings_are_said_before_anything_is_done(shell: Shell) -> None:
    """A setting one slip away from ours would be ignored in silence."""
    shell.env["VOUCH_DATABASE_URI"] = NOTHING_THERE

    said = shell("migrate")

    assert said.code == 2
    assert "VOUCH_DATABASE_URL" in said.err


def test_an_error_nobody_foresaw_is_a_line_too() -> None:
    """It names its kind and place, and how to report it; its words stay out, they may be data."""
    try:
        json.loads('{"email": anna@x.example}')
    except ValueError as error:
        lines = failures.said(error)

    assert len(lines) == 2
    assert "JSONDecodeError in decoder.py" in lines[0]
    assert "--debug" in lines[1]


def test_it_says_its_version(shell: Shell) -> None:
    """What is reported with a mistake, and compared with the changelog."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    said = shell("--version")

    assert (said.code, said.out) == (0, f"vouch {written}\n")


def test_debug_lets_the_error_through(shell: Shell) -> None:
    """Whoever reports a mistake gets its traceback."""
    said = shell("--debug", "events", "list")

    assert said.code == 1
    assert "help:" not in said.err


def test_init_gives_a_programme_without_findings(shell: Shell) -> None:
    """What a newcomer starts from has nothing that they would have to mend."""
    assert shell("init", "programme").code == 0

    said = shell("check", "programme")

    assert (said.code, said.out) == (0, "programme: no errors, no warnings\n")
    assert not list(Path("programme").rglob("*.py"))


def test_init_overwrites_nothing(shell: Shell) -> None:
    """A folder with something in it is somebody's."""
    (shell.folder / "mine").mkdir()
    (shell.folder / "mine" / "notes.txt").write_text("mine")

    said = shell("init", "mine")

    assert said.code == 2
    assert [each.name for each in Path("mine").iterdir()] == ["notes.txt"]


def test_a_finding_ends_with_one_and_is_not_applied(started: Shell) -> None:
    """A programme that cannot run is told from a command that was typed wrong."""
    rule = Path("programme/workflows/promoter.yaml")
    rule.write_text(rule.read_text().replace("nps.answered", "nps.answerd", 1))
    found = started("check", "programme")

    said = started("apply", "programme")

    assert (found.code, said.code) == (1, 1)
    assert "promoter.yaml" in found.out
    assert "nothing was applied" in said.err


def test_publish_needs_no_key_and_says_a_verdict_a_line(started: Shell) -> None:
    """Each event has its own verdict; one that is refused makes the exit code 1."""
    lines = [event(1, "nps.answered", response="r", score=9), "no JSON",
             event(1, "nps.answered", response="r", score=9)]  # fmt: skip

    said = started("publish", "-", given="\n".join(lines))

    assert said.code == 1
    verdicts = [line.split()[0] for line in said.out.splitlines()]
    assert verdicts == ["accepted", "rejected", "duplicate"]
    assert "(line 2: not JSON: " in said.out
    assert "malformed" in started("events", "rejects", "--verdict", "rejected").out


@pytest.mark.parametrize("form", ["object", "array"])
def test_publish_takes_an_object_or_an_array(form: str, started: Shell) -> None:
    """An event over many lines is one document, as editors and curl write it."""
    told = json.loads(event(1, "nps.answered", response="r", score=9))
    body = json.dumps(told if form == "object" else [told], indent=2)

    said = started("publish", "--format", "json", "-", given=body)

    assert said.code == 0
    assert said.json()["status"] == "accepted"


def test_rejects_say_what_did_not_enter(started: Shell) -> None:
    """The verdict stays readable after the publisher has forgotten it, and can be explained."""
    started("publish", "-", given=event(7, "nps.answerd", response="r"))

    listed = started("events", "rejects", "--verdict", "rejected", "--format", "json").json()
    explained = started("explain", "e-7")

    assert [(row["event"], row["reason"]) for row in listed] == [("e-7", "unknown_type")]
    assert started("events", "rejects", "--source", "other").out == "none\n"
    assert "rejected" in explained.out


def test_a_key_is_shown_once_and_its_end_is_said_truly(started: Shell) -> None:
    """Only the hash is kept; a web process may believe a revoked key a little longer."""
    secret = started("keys", "add", "crm", "--source", "crm").out.strip()
    listed = started("keys", "list", "--format", "json")
    revoked = started("keys", "revoke", "crm")

    assert secret.startswith("vk_")
    assert secret not in listed.out
    assert [row["name"] for row in listed.json()] == ["crm"]
    assert timedelta(seconds=5) == KEY_AGE_MAX
    assert "nothing more" in revoked.out
    assert started("keys", "revoke", "crm").code == 2


@pytest.mark.parametrize("command", ["web", "worker", "clock"])
def test_processes_need_a_queue_between_them(command: str, started: Shell) -> None:
    """Without one they would never hear of each other: `vouch dev` is all three in one."""
    said = started(command)

    assert said.code == 2
    assert "vouch dev" in said.err


def test_a_table_fits_the_terminal_and_keeps_its_keys() -> None:
    """Long words are cut, keys never: whoever copies one gets all of it."""
    key = "72424e521968bd5f200f74ad/call/to-u-lena/vouch/operator"
    rows = [{"title": "Ask " * 20, "to": "contact/c-anna", "key": key}]

    lines = table(rows, ["title", "to", "key"], key="key", width=80)

    assert lines[-1] == f"  key {key}"
    assert all(len(line) <= 80 for line in lines)
    assert "…" in lines[1]


def test_what_people_wrote_cannot_steer_the_terminal() -> None:
    """An escape sequence in a name is shown as a mark, not obeyed."""
    assert "\x1b" not in cell("Anna\x1b[2J")
