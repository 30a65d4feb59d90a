"""One or many: commands that act on what is named, or on all that their filters mean."""

import sqlite3
from pathlib import Path

import pytest

from tests.workers.changing import TOUR, folder
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event

CALLS = """
workflow: calls
trigger: {event: favour.granted}
steps:
  - {id: call, task: {to: sales, title: Call them, due: 1d}}
"""

GREET = """
workflow: greet
trigger: {event: compliment.given}
steps:
  - {send: {template: thanks, class: plain}}
"""


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder in which four contacts are on tour, and three of them to be called."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour", calls=CALLS, greet=GREET, tour=TOUR.replace("3d", "5y"))
    for words in (["migrate"], ["apply", "tour"]):
        assert shell(*words).code == 0
    lines = [
        event(10 * number + kind[1], kind[0], f"contact/c-{number}", **data)
        for number in range(4)
        for kind, data in (
            (("contact.updated", 0), {"email": f"c-{number}@x.example"}),
            (("project.delivered", 1), {"project_id": f"p-{number}"}),
            (("favour.granted", 2), {}),
        )
        if number or kind[1] < 2
    ]
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def test_tasks_are_handed_over_together(shell: Shell) -> None:
    """A dry run counts and changes nothing; then all that are meant, with who and when."""
    by = ("--assignee", "u-sam", "--by", "u-sam", "--to", "u-lena")

    dry = shell("tasks", "reassign", *by, "--dry-run")
    assert dry.out == "3 tasks would be handed to u-lena; nothing was changed\n"
    done = shell("tasks", "reassign", *by)
    shell.work()

    assert done.out.startswith("3 tasks handed to u-lena by u-sam, ")
    rows = shell("tasks", "list", "--format", "json").json()
    assert {row["assignee"] for row in rows} == {"u-lena"}


def test_runs_are_named_or_filtered_and_never_both(shell: Shell) -> None:
    """Neither is no way to say all; a status that does not fit is told, with those that do."""
    (run, *_) = shell("runs", "list", "--workflow", "tour", "--format", "json").json()

    assert shell("runs", "pause").code == 2
    assert "which runs?" in shell("runs", "pause").err
    assert "not both" in shell("runs", "pause", run["id"], "--workflow", "tour").err
    assert "--status live" in shell("runs", "pause", "--status", "ended").err
    assert "no run 'x'" in shell("runs", "pause", "x").err
    assert shell("runs", "pause", run["id"], "--dry-run").out.startswith("1 run would be paused")


def test_runs_begun_before_an_instant_are_cancelled(shell: Shell) -> None:
    """Only those: and each is said so once, however often it is asked for."""
    none = shell("runs", "cancel", "--workflow", "tour", "--before", "2020-01-01", "--dry-run")
    assert none.out.startswith("0 runs would be")

    first = shell("runs", "cancel", "--workflow", "tour", "--as", "called_off", "--by", "u-sam")
    again = shell("runs", "cancel", "--workflow", "tour", "--by", "u-sam")
    shell.work()

    assert first.out.startswith("4 runs cancelled by u-sam")
    assert "of 4 that was said before" in again.out
    rows = shell("runs", "list", "--workflow", "tour", "--format", "json").json()
    assert {row["ended_as"] for row in rows} == {"called_off"}


def test_failed_messages_go_again_together(shell: Shell, tmp_path: Path) -> None:
    """Those with these words, and what was done stands in the story of each."""
    lines = [event(90 + n, "compliment.given", f"contact/c-{n}") for n in range(2)]
    shell("publish", "-", given="\n".join(lines))
    shell.work()
    with sqlite3.connect(tmp_path / "vouch.db") as conn:
        conn.execute("UPDATE outbox SET status = 'failed' WHERE workflow = 'greet'")

    assert shell("outbox", "redeliver", "--template", "please", "--dry-run").out.startswith("0 m")
    said = shell("outbox", "redeliver", "--workflow", "greet", "--by", "u-sam")
    shell.work()

    assert said.out.startswith("2 messages free to leave by u-sam")
    rows = [row for row in shell("outbox", "list", "--format", "json").json()
            if row["workflow"] == "greet"]  # fmt: skip
    assert [row["status"] for row in rows] == ["sent", "sent"]
    assert "u-sam redelivered" in shell("explain", rows[0]["key"]).out
    assert "--status failed or in_doubt" in shell("outbox", "redeliver", "--status", "sent").err


def test_dead_letters_leave_a_line_of_audit(shell: Shell, tmp_path: Path) -> None:
    """Who gave up on which: an event like any other."""
    with sqlite3.connect(tmp_path / "vouch.db") as conn:
        for seq in (1, 2, 3):
            conn.execute(
                "INSERT INTO dead (slice, seq, actor, at, kind, type, error, tries, status, doc)"
                " VALUES (0, ?, 'contact/c-0', '2026-01-01T00:00:00.000000Z', 'event', 'x.y',"
                " 'E', 1, 'dead', '{}')", (seq,)
            )  # fmt: skip

    assert shell("dead", "drop", "--before", "2025-01-01").out == "0 are dropped\n"
    assert shell("dead", "drop", "--type", "x.y", "--by", "u-sam").out == "3 are dropped\n"
    shell.work()

    (line,) = shell("events", "list", "--type", "operator.did", "--format", "json").json()
    assert "u-sam dead drop" in shell("explain", line["id"]).out
