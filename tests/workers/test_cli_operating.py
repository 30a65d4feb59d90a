"""What an operator types about events, runs, tasks, messages and dead letters, and what follows."""

import sqlite3
from typing import Any

import pytest

from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped

ANNA = {"name": "Anna", "email": "anna@x.example", "owner": "u-sam", "locale": "en"}


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder in which Anna gave a nine: a run is live, a task open, a mail sent."""
    return ready(shipped, _before)


def _before(shell: Shell) -> None:
    lines = [
        event(1, "contact.updated", **ANNA),
        event(2, "nps.answered", response="r", score=9),
    ]
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def _listed(shell: Shell, *words: str) -> list[dict[str, Any]]:
    said = shell(*words, "--format", "json")
    assert said.code == 0, said.err
    rows: list[dict[str, Any]] = said.json()
    return rows


def _thanks(shell: Shell) -> dict[str, Any]:
    (message,) = _listed(shell, "outbox", "list", "--to", "c-anna", "--template", "nps_thanks")
    return message


def _task(shell: Shell) -> dict[str, Any]:
    (task,) = _listed(shell, "tasks", "list", "--all")
    return task


@pytest.mark.parametrize(
    ("noun", "key"),
    [("events", "id"), ("runs", "id"), ("tasks", "key"), ("outbox", "key"), ("contacts", "id")],
)
def test_what_is_listed_can_be_shown_and_explained(noun: str, key: str, shell: Shell) -> None:
    """A key as the table prints it is what the other commands take."""
    rows = _listed(shell, noun, "list")
    name = rows[0][key]

    assert any(name in line for line in shell(noun, "list").out.splitlines())
    assert shell(noun, "show", name).code == 0
    assert shell(noun, "show", name, "--format", "json").json()
    explained = shell("explain", name)
    assert explained.code == 0, explained.err
    assert shell("explain", name, "--format", "json").json()["id"] == name


def test_explain_says_who_looked_and_why_not(shell: Shell) -> None:
    """Of an event: each rule with its file, the part that was false, what came of it."""
    said = shell("explain", "e-2").out

    assert "promoter (workflows/promoter.yaml:" in said
    assert "did not start: event.data.band == 'detractor' is false" in said
    assert "(event.data.band was 'promoter')" in said
    assert "task for u-sam" in said
    assert "Mon 6 Jan 2025 11:00" in said  # 10:00 UTC, by the programme's clock


def test_an_event_nobody_handled_yet_says_so(shell: Shell) -> None:
    """Between acceptance and the drain, nothing is not an answer."""
    shell("publish", "-", given=event(3, "project.delivered", project_id="p"))

    assert "no worker has handled it yet" in shell("explain", "e-3").out


def test_an_event_that_was_set_aside_says_why_and_what_to_do(shell: Shell) -> None:
    """Of a dead letter `explain` names the error and the replay, not a guess."""
    shell("publish", "-", given=event(3, "project.delivered", project_id="p"))
    with sqlite3.connect(shell.folder / "vouch.db") as base:
        (row,) = base.execute("SELECT slice, seq, doc FROM event WHERE id = 'e-3'").fetchall()
        base.execute(
            "INSERT INTO dead (slice, seq, actor, at, kind, type, error, tries, status, doc)"
            " VALUES (?, ? + 7, 'contact/c-anna', '2025-01-01T00:00:00.000000Z', 'event',"
            " 'project.delivered', 'the title is wrong', 1, 'dead', ?)", row,
        )  # fmt: skip

    said = shell("explain", "e-3").out

    assert "it was set aside: the title is wrong" in said
    assert f"vouch dead replay {row[1] + 7}" in said


def test_a_task_is_accepted_handed_over_and_done(shell: Shell) -> None:
    """Each is an event of the operator's, with who; the run goes on when it is done."""
    key = _task(shell)["key"]

    assert shell("tasks", "accept", key, "--by", "u-sam").code == 0
    assert shell("tasks", "reassign", key, "--by", "u-sam", "--to", "u-lena").code == 0
    shell.work()
    handed = _task(shell)
    fields = [f"--field={name}=spoke" for name in _required(shell, key)]
    assert shell("tasks", "done", key, "--by", "u-lena", *fields).code == 0
    shell.work()

    assert handed["accepted_at"]
    assert handed["assignee"] == "u-lena"
    assert _task(shell)["status"] == "done"
    events = _listed(shell, "events", "list", "--source", "vouch/operator")
    types = {row["type"]: row["doc"]["data"]["by"] for row in events}
    assert types == {
        "task.accepted": "u-sam", "task.reassigned": "u-sam", "task.closed": "u-lena",
    }  # fmt: skip


def _required(shell: Shell, key: str) -> list[str]:
    requires: list[str] = shell("tasks", "show", key, "--format", "json").json()["doc"]["requires"]
    return requires


def test_a_task_that_requires_something_is_not_closed_without(shell: Shell) -> None:
    """The operator hears at once what is missing, and how to say it."""
    lines = [event(3, "contact.updated", "contact/c-bo", name="Bo", owner="u-sam"),
             event(4, "nps.answered", "contact/c-bo", response="r4", score=2)]  # fmt: skip
    shell("publish", "-", given="\n".join(lines))
    shell.work()
    (task,) = _listed(shell, "tasks", "list", "--contact", "c-bo")

    said = shell("tasks", "done", task["key"], "--by", "u-olga")
    done = shell("tasks", "done", task["key"], "--by", "u-olga", "--field", "root_cause=billing")
    shell.work()

    assert said.code == 2
    assert "--field root_cause=..." in said.err
    assert done.code == 0
    assert _listed(shell, "tasks", "list", "--contact", "c-bo") == []


@pytest.mark.parametrize(
    ("to", "words"), [("u-smm", "nobody of the staff"), ("", "nobody of the staff")]
)
def test_a_task_goes_to_nobody_unknown(to: str, words: str, shell: Shell) -> None:
    """A slip of the finger would leave it with somebody who does not exist."""
    said = shell("tasks", "reassign", _task(shell)["key"], "--by", "u-sam", "--to", to)

    assert said.code == 2
    assert words in said.err


def test_a_cancelled_task_stays_cancelled(shell: Shell) -> None:
    """What is over cannot be taken back, done or accepted again."""
    key = _task(shell)["key"]
    assert shell("tasks", "cancel", key, "--by", "u-sam", "--reason", "moved").code == 0
    shell.work()

    again = shell("tasks", "accept", key, "--by", "u-sam")

    assert _task(shell)["status"] == "cancelled"
    assert again.code == 2
    assert "cancelled already" in again.err


def test_a_run_is_cancelled_as_an_exit_would(shell: Shell) -> None:
    """Its task goes with it; asked for twice in a row it is cancelled once."""
    (run,) = _listed(shell, "runs", "list", "--status", "live")

    first = shell("runs", "cancel", run["id"], "--by", "u-sam")
    second = shell("runs", "cancel", run["id"], "--by", "u-sam")
    shell.work()
    after = shell("runs", "cancel", run["id"])

    assert (first.code, second.code, after.code) == (0, 0, 2)
    assert "before" in second.out
    shown = shell("runs", "show", run["id"], "--format", "json").json()
    assert (shown["status"], shown["ended_as"]) == ("ended", "cancelled")
    assert _task(shell)["status"] == "cancelled"
    assert "run.cancel" in shell("explain", f"run.cancel/{run['id']}").out


def test_only_a_message_that_failed_or_is_in_doubt_goes_again(shell: Shell) -> None:
    """One that was sent is not sent twice by a slip; one that failed leaves after all."""
    message = _thanks(shell)
    sent = shell("outbox", "redeliver", message["key"])
    for mail in (shell.folder / "mail").glob("*.eml"):
        mail.unlink()
    _set_status(shell, "failed")
    again = shell("outbox", "redeliver", message["key"], "--by", "u-sam")
    shell.work()

    assert sent.code == 2
    assert "is sent" in sent.err
    assert again.code == 0
    assert _thanks(shell)["status"] == "sent"
    assert len(list((shell.folder / "mail").glob("*.eml"))) == 1


@pytest.mark.parametrize(("word", "status"), [("--sent", "sent"), ("--not-sent", "pending")])
def test_a_doubt_is_settled_without_a_key(word: str, status: str, shell: Shell) -> None:
    """An operator signs nothing: VOUCH_SECRET_KEYS is not set here."""
    message = _thanks(shell)
    early = shell("outbox", "resolve", message["key"], word)
    _set_status(shell, "in_doubt")

    said = shell("outbox", "resolve", message["key"], word, "--by", "u-sam")

    assert early.code == 2
    assert said.code == 0, said.err
    shown = shell("outbox", "show", message["key"], "--format", "json").json()
    assert shown["status"] == status
    assert "u-sam" in shown["reason"]


def _set_status(shell: Shell, status: str) -> None:
    """Put the mail into a state that otherwise only a broken mail server brings about."""
    with sqlite3.connect(shell.folder / "vouch.db") as conn:
        conn.execute("update outbox set status = ? where template = 'nps_thanks'", (status,))


def test_dead_letters_are_replayed_and_dropped(shell: Shell) -> None:
    """A dry run counts only; replayed, the input is handled; dropped, it stays listed."""
    for number in (3, 4):
        shell("publish", "-", given=event(number, "project.delivered", project_id=f"p{number}"))
        _kill_waiting(shell)
    first, second = (row["seq"] for row in _listed(shell, "dead", "list"))

    dry = shell("dead", "replay", "--all", "--dry-run")
    replayed = shell("dead", "replay", str(first))
    dropped = shell("dead", "drop", str(second))
    shell.work()

    assert dry.out == "2 would be back in the inbox\n"
    assert replayed.out == "1 is back in the inbox\n"
    assert dropped.out == "1 is dropped\n"
    assert _listed(shell, "dead", "list") == []
    assert [row["seq"] for row in _listed(shell, "dead", "list", "--status", "dropped")] == [second]
    assert "nps (workflows/nps.yaml" in shell("explain", "e-3").out


def _kill_waiting(shell: Shell) -> None:
    """Set aside what waits, as a drain does with an input that it cannot handle."""
    with sqlite3.connect(shell.folder / "vouch.db") as conn:
        conn.execute(
            "insert into dead (slice, seq, actor, at, kind, type, error, tries, status, doc) "
            "select slice, seq, actor, accepted_at, 'event', 'project.delivered', 'boom', 3, "
            "'dead', doc from inbox"
        )
        conn.execute("delete from inbox")


def test_the_book_adds_up_and_says_so(shell: Shell) -> None:
    """An empty book is a book: it is verified, and a line that was tampered with is found."""
    before = shell("ledger", "verify")
    with sqlite3.connect(shell.folder / "vouch.db") as conn:
        conn.execute(
            "insert into ledger (slice, key, txn, account, bucket, delta, reason, benefit, "
            "object, side, at, cause, rule) values (0, 'k', 't', 'contact/c-anna', 'available', "
            "5, 'r', '', '', '', '2026-01-05T10:00:00', '', '')"
        )

    after = shell("ledger", "verify", "--format", "json")

    proved = "every transaction sums to zero\nevery balance is the sum of its lines\n"
    assert (before.code, before.out) == (0, proved)
    assert after.code == 1
    assert [row["sum"] for row in after.json()] == [5, 5]  # the transaction, and the balance
