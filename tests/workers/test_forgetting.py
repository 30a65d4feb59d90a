"""Somebody erased: no row of any table names them, and their address stays unwritten to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from store import contacts as rows
from tests.workers.library import apply_library
from workers import draining
from workers.trial import Trial
from workflows.engine import decide
from workflows.state import iso

START = datetime(2027, 6, 1, 7, tzinfo=UTC)
NAMES = ("Lotte", "lotte@wal.example", "+31612345678", "You know me")


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give the shipped programme on a clock of its own."""
    made = Trial(tmp_path, START)
    apply_library(made)
    yield made
    made.close()


def _say(
    trial: Trial, id_: str, kind: str, contact: str, ago: timedelta = timedelta(), **data: Any
) -> None:
    event = {
        "specversion": "1.0", "id": id_, "source": "test", "type": kind, "data": data,
        "time": iso(trial.clock.now() - ago), "subject": f"contact/{contact}",
    }  # fmt: skip
    (verdict,) = trial.app.publish([event])
    assert verdict.status == "accepted", verdict
    trial.advance(trial.clock.now() + timedelta(days=1))


def _known(trial: Trial) -> None:
    _say(trial, "1", "contact.updated", "c-17", first_name="Lotte", email="lotte@wal.example",
         phone="+31612345678", owner="u-sam")  # fmt: skip
    _say(trial, "2", "nps.answered", "c-17", response="r-1", score=9, comment="You know me")
    _say(trial, "3", "problem.solved", "c-17", ticket="t-1")
    _say(trial, "4", "referral.submitted", "c-17", consent_to_contact=True, code="KEES-7K2",
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    _say(trial, "5", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "c-17", "name": "Lotte", "email": "lotte@wal.example"})  # fmt: skip
    _say(trial, "6", "nps.answered", "c-17", response="r-2", score=3, comment="You know me")


def _found(trial: Trial, statement: str) -> list[Any]:
    """Return rows: by the trial's own connection, which lets nobody else into its file."""
    with trial.store.reader() as conn:
        return list(conn.connection.cursor().execute(statement).fetchall())


def _tables(trial: Trial) -> dict[str, str]:
    """Return every row of every table, as text."""
    names = _found(trial, "SELECT name FROM sqlite_master WHERE type='table'")
    return {name: str(_found(trial, f"SELECT * FROM {name}")) for (name,) in names}  # noqa: S608


def test_no_row_names_somebody_erased(trial: Trial) -> None:
    """Events, decisions, runs, asks, tasks, messages, the contact and who knew them are clean."""
    _known(trial)
    assert any("Lotte" in text for text in _tables(trial).values())
    _say(trial, "7", "contact.erase_requested", "c-17")
    _say(trial, "8", "contact.updated", "c-17", first_name="Lotte")  # the CRM is late

    left = {
        table: [name for name in NAMES if name.casefold() in text.casefold()]
        for table, text in _tables(trial).items()
    }
    assert {table: found for table, found in left.items() if found} == {}
    with trial.store.reader() as conn:
        docs = rows.get(conn, ["contact/c-17", "contact/l-tom"])
    assert set(docs["contact/c-17"]["nps"]) == {"score", "band", "response", "at"}
    subs = docs["contact/l-tom"]["referred"]["subs"].values()
    assert [(sub["referrer"]["id"], sub["code"]) for sub in subs] == [("", "")]
    coded = [table for table, text in _tables(trial).items() if "KEES" in text]
    assert not coded  # a code may bear a name


def test_what_is_said_later_is_emptied_where_it_stands(trial: Trial) -> None:
    """Every later event of theirs is emptied by itself, under an older id of theirs as well."""
    _say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    _known(trial)
    _say(trial, "m", "contact.merged", "c-old", into="c-17")
    _say(trial, "7", "contact.erase_requested", "c-17")
    for number, contact in enumerate(["c-17", "c-old", "c-17"]):
        _say(trial, f"late-{number}", "contact.updated", contact, first_name="Lotte")

    tables = _tables(trial)
    assert {table for table, text in tables.items() if "Lotte" in text} == set()
    orders = _found(trial, "SELECT count(*) FROM erasure WHERE about = ''")
    assert orders == [(2,)]  # of the contact and of its alias: none for what came later


def test_a_lead_is_not_named_by_the_ask_that_brought_it(trial: Trial) -> None:
    """The recommendation closed an ask, and its run goes on knowing by what."""
    _say(trial, "1", "contact.updated", "c-17", first_name="Lotte", email="lotte@wal.example",
         owner="u-sam")  # fmt: skip
    _say(trial, "2", "nps.answered", "c-17", response="r-1", score=9)
    _say(trial, "3", "optin.confirmed", "c-17")
    _say(trial, "4", "problem.solved", "c-17", ticket="t-1")
    trial.advance(trial.clock.now() + timedelta(days=5))
    assert _found(trial, "SELECT status FROM ask") == [("open",)]
    _say(trial, "5", "referral.submitted", "c-17", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    assert _found(trial, "SELECT status FROM ask") == [("answered",)]
    _say(trial, "6", "contact.erase_requested", "l-tom")

    named = [name for name, text in _tables(trial).items() if "Tom" in text or "tom@" in text]
    assert named == []


def test_who_is_forgotten_again_is_forgotten_under_every_id(trial: Trial) -> None:
    """They came back, and something was said of them under the id of a record that was merged."""
    _say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    _known(trial)
    _say(trial, "m", "contact.merged", "c-old", into="c-17")
    _say(trial, "7", "contact.erase_requested", "c-17")
    _say(trial, "8", "optin.confirmed", "c-17")
    _say(trial, "9", "nps.answered", "c-old", response="r-9", score=8, comment="You know me")
    assert "You know me" in _tables(trial)["event"]
    _say(trial, "10", "contact.erase_requested", "c-17")

    left = {name: text for name, text in _tables(trial).items() if "You know me" in text}
    assert left == {}


def test_what_has_still_to_leave_names_nobody(trial: Trial) -> None:
    """A message to a colleague that waits for Monday has no title any more, and never leaves."""
    trial.advance(datetime(2027, 6, 5, 7, tzinfo=UTC))
    _say(trial, "1", "contact.updated", "c-17", first_name="Lotte", owner="u-sam")
    for id_, kind, data in (
        ("2", "nps.answered", {"response": "r-1", "score": 9}),
        ("3", "owner.changed", {"owner": "u-mia"}),
        ("4", "contact.erase_requested", {}),
    ):
        event = {"specversion": "1.0", "id": id_, "source": "test", "type": kind, "data": data,
                 "time": iso(trial.clock.now()), "subject": "contact/c-17"}  # fmt: skip
        trial.publish([event])
    told = _found(trial, "SELECT status FROM outbox WHERE template = 'task_reassigned'")
    assert told == [("pending",), ("pending",)]
    assert "Lotte" not in _tables(trial)["outbox"]

    trial.advance(trial.clock.now() + timedelta(days=2))
    told = _found(trial, "SELECT reason FROM outbox WHERE template = 'task_reassigned'")
    assert told == [("stopped",), ("stopped",)]


def _skipped(trial: Trial, contact: str) -> list[str]:
    with trial.store.reader() as conn:
        word = "SELECT reason FROM outbox WHERE \"to\" = ? AND template = 'ask_referral'"
        return [reason for (reason,) in conn.exec_driver_sql(word, (f"contact/{contact}",))]


def test_an_address_that_was_erased_is_not_written_to_under_another_id(trial: Trial) -> None:
    """A new record with the same address gets nothing that needs consent, until it opts in anew."""
    _known(trial)
    _say(trial, "7", "contact.erase_requested", "c-17")
    for contact, address in (("c-new", " LOTTE@wal.example"), ("c-other", "bo@wal.example")):
        _say(trial, f"a-{contact}", "contact.updated", contact, email=address.strip())
        _say(trial, f"b-{contact}", "nps.answered", contact, response=contact, score=9)
        _say(trial, f"c-{contact}", "problem.solved", contact, ticket="t")
    trial.advance(trial.clock.now() + timedelta(days=7))

    assert _skipped(trial, "c-new") == ["no_consent"]
    assert _skipped(trial, "c-other") == [""]
    _say(trial, "d", "optin.confirmed", "c-new")
    _say(trial, "e", "problem.solved", "c-new", ticket="t-2")
    trial.advance(trial.clock.now() + timedelta(days=7))
    assert _skipped(trial, "c-new") == ["no_consent", ""]


def _row(trial: Trial, words: str, *given: str) -> list[tuple[Any, ...]]:
    with trial.store.reader() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(words, given)]


def test_somebody_who_came_back_goes_on_where_they_began_anew(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is carried out late leaves alone what was begun since, and its messages."""
    _known(trial)
    with monkeypatch.context() as patch:
        patch.setattr(trial.app, "forget", lambda: None)
        _say(trial, "7", "contact.erase_requested", "c-17")
        _say(trial, "8", "optin.confirmed", "c-17")
        _say(trial, "9", "contact.updated", "c-17", first_name="Lo", email="lo@wal.example")
        _say(trial, "10", "nps.answered", "c-17", response="r-9", score=3)
    live = "SELECT doc FROM run WHERE actor = 'contact/c-17' AND status = 'live'"
    tasks = "SELECT title, doc FROM task WHERE actor = 'contact/c-17' AND status = 'open'"
    said = "SELECT doc FROM event WHERE contact = 'c-17' AND id IN ('8', '9', '10')"
    why = "SELECT doc FROM decision WHERE actor = 'contact/c-17' AND cause IN ('9', '10')"
    before = [_row(trial, words) for words in (live, tasks, said, why)]
    assert all(before)

    for _ in range(2):  # a bell each
        trial.app.forget()

    assert [_row(trial, words) for words in (live, tasks, said, why)] == before
    assert _row(trial, "SELECT count(*) FROM erasure WHERE done_at IS NULL") == [(0,)]


def test_what_ended_between_a_return_and_the_emptying_is_kept(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody began since they came back is theirs though it ended; all before is empty."""
    _known(trial)
    with monkeypatch.context() as patch:
        patch.setattr(trial.app, "forget", lambda: None)
        _say(trial, "7", "contact.erase_requested", "c-17")
        ids = "SELECT id FROM run"
        before = {id_ for (id_,) in _row(trial, ids)}
        _say(trial, "8", "optin.confirmed", "c-17")
        _say(trial, "9", "contact.updated", "c-17", first_name="Lo", email="lo@wal.example")
        _say(trial, "10", "nps.answered", "c-17", response="r-9", score=9)
        _say(trial, "11", "problem.solved", "c-17", ticket="t-9")
        ((task,),) = _row(trial, "SELECT key FROM task WHERE status = 'open' AND actor LIKE '%17'")
        _say(trial, "12", "task.closed", "c-17", task=task)
        trial.advance(trial.clock.now() + timedelta(days=70))  # the ask is silent by then
    every = {
        "run": "SELECT id, doc, '' FROM run WHERE actor = 'contact/c-17' AND status = 'ended'",
        "ask": "SELECT key, doc, '' FROM ask WHERE actor = 'contact/c-17'",
        "task": "SELECT key, doc, title FROM task WHERE actor = 'contact/c-17'",
        "mail": "SELECT key, doc, '' FROM outbox WHERE \"to\" = 'contact/c-17' AND status = 'sent'",
    }
    since = {
        name: {row for row in _row(trial, words) if row[0].partition("/")[0] not in before}
        for name, words in every.items()
    }
    assert all(since.values()), since

    for _ in range(2):  # a bell each
        trial.app.forget()

    for name, words in every.items():
        found = set(_row(trial, words))
        assert since[name] <= found, name
        assert "Lotte" not in str(found - since[name])


def test_a_lead_that_was_forgotten_is_not_named_again(trial: Trial) -> None:
    """Who recommends them anew tells us their name, and we neither keep it there nor write."""
    _known(trial)
    _say(trial, "7", "contact.erase_requested", "l-tom")
    sent = "SELECT key FROM outbox WHERE \"to\" = 'contact/l-tom' AND status = 'sent'"
    before = _row(trial, sent)
    _say(trial, "8", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip

    assert _row(trial, "SELECT email FROM actor WHERE key = 'contact/l-tom'") == [("",)]
    assert _row(trial, sent) == before


@pytest.mark.parametrize(("ago", "names"), [(36, 0), (12, 1)])
def test_who_named_a_lead_before_it_was_forgotten_forgets_it_too(
    ago: int, names: int, trial: Trial
) -> None:
    """What is heard late counts from when it was said; who names it later knows it themselves."""
    _known(trial)
    _say(trial, "7", "contact.erase_requested", "l-tom")
    _say(trial, "8", "referral.submitted", "c-bo", timedelta(hours=ago), consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip

    (said,) = _row(trial, "SELECT doc FROM event WHERE id = '8'")
    assert str(said).count("Tom") == names


@pytest.mark.parametrize("ids", [("7", "8"), ("8", "7")])
def test_a_dead_letter_that_names_a_lead_forgets_it_too(
    ids: tuple[str, str], trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recommendation that nobody could handle, set aside before the wish or after it."""
    _known(trial)

    def poisoned(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        if item.event is not None and item.event["id"] == "8":
            raise ZeroDivisionError
        decide(programme, state, item, **rest)

    monkeypatch.setattr(draining, "decide", poisoned)
    for id_ in ids:
        if id_ == "7":
            _say(trial, "7", "contact.erase_requested", "l-tom")
        else:
            _say(trial, "8", "referral.submitted", "c-bo", timedelta(days=2),
                 consent_to_contact=True, lead={"id": "l-tom", "name": "Tom"})  # fmt: skip

    assert _row(trial, "SELECT count(*) FROM dead") == [(1,)]
    assert "Tom" not in str(_row(trial, "SELECT doc FROM dead"))
    assert "Tom" not in str(_row(trial, "SELECT doc FROM event WHERE id = '8'"))


def test_who_is_known_by_an_older_id_is_forgotten_under_it(trial: Trial) -> None:
    """A lead was merged into another record: whoever recommended it under the first forgets it."""
    _say(trial, "0", "contact.updated", "c-bo", first_name="Bo", email="bo@wal.example")
    _say(trial, "1", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    _say(trial, "2", "contact.merged", "l-tom", into="c-tom")
    _say(trial, "3", "contact.erase_requested", "c-tom")

    with trial.store.reader() as conn:
        (bo,) = rows.get(conn, ["contact/c-bo"]).values()
    assert [each["lead"] for each in bo["referrals"].values()] == [{"id": "l-tom", "name": "l-tom"}]
    assert [doc for (doc,) in _row(trial, "SELECT doc FROM decision") if "Tom" in str(doc)] == []


def test_a_dead_letter_of_somebody_forgotten_says_nothing(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine cannot handle is set aside without its words, and so is the event."""
    _known(trial)
    _say(trial, "7", "contact.erase_requested", "c-17")

    def never(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(draining, "decide", never)
    _say(trial, "8", "nps.answered", "c-17", response="r-9", score=3, comment="You know me")

    assert _row(trial, "SELECT count(*) FROM dead") == [(1,)]
    assert "know me" not in str(_row(trial, "SELECT doc FROM dead"))
    assert "know me" not in str(_row(trial, "SELECT doc FROM event WHERE id = '8'"))


def test_who_comes_back_is_told_of_under_keys_that_are_new(trial: Trial) -> None:
    """Syncs are counted on, so that no key is used twice: what is new is told."""
    _known(trial)
    _say(trial, "7", "contact.erase_requested", "c-17")
    _say(trial, "8", "optin.confirmed", "c-17")
    _say(trial, "9", "nps.answered", "c-17", response="r-9", score=8)

    last = "SELECT key FROM outbox WHERE key LIKE 'contact/c-17/sync/crm/_' ORDER BY planned_at"
    keys = [key for (key,) in _row(trial, last)]
    assert len(keys) == len(set(keys)) >= 2
    with trial.store.reader() as conn:
        (doc,) = rows.get(conn, ["contact/c-17"]).values()
    assert doc["synced"]["crm"]["number"] == len(keys)


def test_a_no_under_an_older_id_binds_at_once(trial: Trial) -> None:
    """The link in an old mail names a record that was merged: the no does not wait in a queue."""
    _say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    _say(trial, "1", "contact.merged", "c-old", into="c-17")
    event = {"specversion": "1.0", "id": "2", "source": "test", "type": "contact.unsubscribed",
             "data": {"topic": "programme", "channel": "email"},
             "time": iso(trial.clock.now()), "subject": "contact/c-old"}  # fmt: skip

    trial.app.publish([event])

    word = "SELECT granted FROM consent WHERE actor = 'contact/c-17' AND topic = 'programme'"
    assert _row(trial, word) == [(False,)]


def test_what_colleagues_are_about_to_hear_of_a_lead_still_leaves(trial: Trial) -> None:
    """A notice that waits for Monday leaves by the title that names nobody any more."""
    trial.advance(datetime(2027, 6, 3, 7, tzinfo=UTC))
    _say(trial, "1", "contact.updated", "c-17", first_name="Lotte", owner="u-sam")
    _say(trial, "2", "referral.submitted", "c-17", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    _say(trial, "3", "owner.changed", "c-17", owner="u-lena")  # on a Saturday
    _say(trial, "4", "contact.erase_requested", "c-17")

    waiting = "SELECT doc FROM outbox WHERE template = 'task_reassigned'"
    assert "Lotte" not in str(_row(trial, waiting))

    trial.advance(trial.clock.now() + timedelta(days=2))
    told = "SELECT status FROM outbox WHERE template = 'task_reassigned'"
    assert _row(trial, told) == [("sent",), ("sent",)]
    mails = [message_from_bytes(path.read_bytes(), policy=default)
             for path in trial.folder.glob("mail/*lead-to-u-lena*")]  # fmt: skip
    assert len(mails) == 2
    for mail in mails:
        body = mail.get_body(("plain",))
        assert "Tom" in str(mail["subject"])
        assert body is not None
        assert "Tom" in body.get_content()
        assert "Lotte" not in f"{mail['subject']} {body.get_content()}"
        assert "c-17" not in f"{mail['subject']} {body.get_content()}"
