"""Who comes back begins anew; who is forgotten again is, under every id."""

from datetime import timedelta

import pytest

from store import contacts as rows
from tests.workers.forgetting.tables import known, row, say, tables
from workers.trial import Trial


def test_who_is_forgotten_again_is_forgotten_under_every_id(trial: Trial) -> None:
    """They came back, and something was said of them under the id of a record that was merged."""
    say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    known(trial)
    say(trial, "m", "contact.merged", "c-old", into="c-17")
    say(trial, "7", "contact.erase_requested", "c-17")
    say(trial, "8", "optin.confirmed", "c-17")
    say(trial, "9", "nps.answered", "c-old", response="r-9", score=8, comment="You know me")
    assert "You know me" in tables(trial)["event"]
    say(trial, "10", "contact.erase_requested", "c-17")

    left = {name: text for name, text in tables(trial).items() if "You know me" in text}
    assert left == {}


def test_somebody_who_came_back_goes_on_where_they_began_anew(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is carried out late leaves alone what was begun since, and its messages."""
    known(trial)
    with monkeypatch.context() as patch:
        patch.setattr(trial.app, "forget", lambda: None)
        say(trial, "7", "contact.erase_requested", "c-17")
        say(trial, "8", "optin.confirmed", "c-17")
        say(trial, "9", "contact.updated", "c-17", first_name="Lo", email="lo@wal.example")
        say(trial, "10", "nps.answered", "c-17", response="r-9", score=3)
    live = "SELECT doc FROM run WHERE actor = 'contact/c-17' AND status = 'live'"
    tasks = "SELECT title, doc FROM task WHERE actor = 'contact/c-17' AND status = 'open'"
    said = "SELECT doc FROM event WHERE contact = 'c-17' AND id IN ('8', '9', '10')"
    why = "SELECT doc FROM decision WHERE actor = 'contact/c-17' AND cause IN ('9', '10')"
    before = [row(trial, words) for words in (live, tasks, said, why)]
    assert all(before)

    for _ in range(2):  # a bell each
        trial.app.forget()

    assert [row(trial, words) for words in (live, tasks, said, why)] == before
    assert row(trial, "SELECT count(*) FROM erasure WHERE done_at IS NULL") == [(0,)]


def test_what_ended_between_a_return_and_the_emptying_is_kept(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody began since they came back is theirs though it ended; all before is empty."""
    known(trial)
    with monkeypatch.context() as patch:
        patch.setattr(trial.app, "forget", lambda: None)
        say(trial, "7", "contact.erase_requested", "c-17")
        ids = "SELECT id FROM run"
        before = {id_ for (id_,) in row(trial, ids)}
        say(trial, "8", "optin.confirmed", "c-17")
        say(trial, "9", "contact.updated", "c-17", first_name="Lo", email="lo@wal.example")
        say(trial, "10", "nps.answered", "c-17", response="r-9", score=9)
        say(trial, "11", "problem.solved", "c-17", ticket="t-9")
        ((task,),) = row(trial, "SELECT key FROM task WHERE status = 'open' AND actor LIKE '%17'")
        say(trial, "12", "task.closed", "c-17", task=task)
        trial.advance(trial.clock.now() + timedelta(days=70))  # the ask is silent by then
    every = {
        "run": "SELECT id, doc, '' FROM run WHERE actor = 'contact/c-17' AND status = 'ended'",
        "ask": "SELECT key, doc, '' FROM ask WHERE actor = 'contact/c-17'",
        "task": "SELECT key, doc, title FROM task WHERE actor = 'contact/c-17'",
        "mail": "SELECT key, doc, '' FROM outbox WHERE \"to\" = 'contact/c-17' AND status = 'sent'",
    }
    since = {
        name: {row for row in row(trial, words) if row[0].partition("/")[0] not in before}
        for name, words in every.items()
    }
    assert all(since.values()), since

    for _ in range(2):  # a bell each
        trial.app.forget()

    for name, words in every.items():
        found = set(row(trial, words))
        assert since[name] <= found, name
        assert "Lotte" not in str(found - since[name])


def test_who_comes_back_is_told_of_under_keys_that_are_new(trial: Trial) -> None:
    """Syncs are counted on, so that no key is used twice: what is new is told."""
    known(trial)
    say(trial, "7", "contact.erase_requested", "c-17")
    say(trial, "8", "optin.confirmed", "c-17")
    say(trial, "9", "nps.answered", "c-17", response="r-9", score=8)

    last = "SELECT key FROM outbox WHERE key LIKE 'contact/c-17/sync/crm/_' ORDER BY planned_at"
    keys = [key for (key,) in row(trial, last)]
    assert len(keys) == len(set(keys)) >= 2
    with trial.store.reader() as conn:
        (doc,) = rows.get(conn, ["contact/c-17"]).values()
    assert doc["synced"]["crm"]["number"] == len(keys)
