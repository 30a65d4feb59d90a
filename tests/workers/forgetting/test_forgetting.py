"""Somebody erased: no row of any table names them, and their address stays unwritten to."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from store import contacts as rows
from tests.workers.forgetting.tables import NAMES, found, known, row, say, skipped, tables
from workers import draining
from workers.trial import Trial
from workflows.engine import decide
from workflows.state import iso


def test_no_row_names_somebody_erased(trial: Trial) -> None:
    """Events, decisions, runs, asks, tasks, messages, the contact and who knew them are clean."""
    known(trial)
    assert any("Lotte" in text for text in tables(trial).values())
    say(trial, "7", "contact.erase_requested", "c-17")
    say(trial, "8", "contact.updated", "c-17", first_name="Lotte")  # the CRM is late

    left = {
        table: [name for name in NAMES if name.casefold() in text.casefold()]
        for table, text in tables(trial).items()
    }
    assert {table: found for table, found in left.items() if found} == {}
    with trial.store.reader() as conn:
        docs = rows.get(conn, ["contact/c-17", "contact/l-tom"])
    assert set(docs["contact/c-17"]["nps"]) == {"score", "band", "response", "at"}
    subs = docs["contact/l-tom"]["referred"]["subs"].values()
    assert [(sub["referrer"]["id"], sub["code"]) for sub in subs] == [("", "")]
    coded = [table for table, text in tables(trial).items() if "KEES" in text]
    assert not coded  # a code may bear a name


def test_what_is_said_later_is_emptied_where_it_stands(trial: Trial) -> None:
    """Every later event of theirs is emptied by itself, under an older id of theirs as well."""
    say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    known(trial)
    say(trial, "m", "contact.merged", "c-old", into="c-17")
    say(trial, "7", "contact.erase_requested", "c-17")
    for number, contact in enumerate(["c-17", "c-old", "c-17"]):
        say(trial, f"late-{number}", "contact.updated", contact, first_name="Lotte")

    rows = tables(trial)
    assert {table for table, text in rows.items() if "Lotte" in text} == set()
    orders = found(trial, "SELECT count(*) FROM erasure WHERE about = ''")
    assert orders == [(2,)]  # of the contact and of its alias: none for what came later


def test_a_lead_is_not_named_by_the_ask_that_brought_it(trial: Trial) -> None:
    """The recommendation closed an ask, and its run goes on knowing by what."""
    say(trial, "1", "contact.updated", "c-17", first_name="Lotte", email="lotte@wal.example",
         owner="u-sam")  # fmt: skip
    say(trial, "2", "nps.answered", "c-17", response="r-1", score=9)
    say(trial, "3", "optin.confirmed", "c-17")
    say(trial, "4", "problem.solved", "c-17", ticket="t-1")
    trial.advance(trial.clock.now() + timedelta(days=5))
    assert found(trial, "SELECT status FROM ask") == [("open",)]
    say(trial, "5", "referral.submitted", "c-17", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    assert found(trial, "SELECT status FROM ask") == [("answered",)]
    say(trial, "6", "contact.erase_requested", "l-tom")

    named = [name for name, text in tables(trial).items() if "Tom" in text or "tom@" in text]
    assert named == []


def test_what_has_still_to_leave_names_nobody(trial: Trial) -> None:
    """A message to a colleague that waits for Monday has no title any more, and never leaves."""
    trial.advance(datetime(2027, 6, 5, 7, tzinfo=UTC))
    say(trial, "1", "contact.updated", "c-17", first_name="Lotte", owner="u-sam")
    for id_, kind, data in (
        ("2", "nps.answered", {"response": "r-1", "score": 9}),
        ("3", "owner.changed", {"owner": "u-mia"}),
        ("4", "contact.erase_requested", {}),
    ):
        event = {"specversion": "1.0", "id": id_, "source": "test", "type": kind, "data": data,
                 "time": iso(trial.clock.now()), "subject": "contact/c-17"}  # fmt: skip
        trial.publish([event])
    told = found(trial, "SELECT status FROM outbox WHERE template = 'task_reassigned'")
    assert told == [("pending",), ("pending",)]
    assert "Lotte" not in tables(trial)["outbox"]

    trial.advance(trial.clock.now() + timedelta(days=2))
    told = found(trial, "SELECT reason FROM outbox WHERE template = 'task_reassigned'")
    assert told == [("stopped",), ("stopped",)]


def test_an_address_that_was_erased_is_not_written_to_under_another_id(trial: Trial) -> None:
    """A new record with the same address gets nothing that needs consent, until it opts in anew."""
    known(trial)
    say(trial, "7", "contact.erase_requested", "c-17")
    for contact, address in (("c-new", " LOTTE@wal.example"), ("c-other", "bo@wal.example")):
        say(trial, f"a-{contact}", "contact.updated", contact, email=address.strip())
        say(trial, f"b-{contact}", "nps.answered", contact, response=contact, score=9)
        say(trial, f"c-{contact}", "problem.solved", contact, ticket="t")
    trial.advance(trial.clock.now() + timedelta(days=7))

    assert skipped(trial, "c-new") == ["no_consent"]
    assert skipped(trial, "c-other") == [""]
    say(trial, "d", "optin.confirmed", "c-new")
    say(trial, "e", "problem.solved", "c-new", ticket="t-2")
    trial.advance(trial.clock.now() + timedelta(days=7))
    assert skipped(trial, "c-new") == ["no_consent", ""]


def test_a_lead_that_was_forgotten_is_not_named_again(trial: Trial) -> None:
    """Who recommends them anew tells us their name, and we neither keep it there nor write."""
    known(trial)
    say(trial, "7", "contact.erase_requested", "l-tom")
    sent = "SELECT key FROM outbox WHERE \"to\" = 'contact/l-tom' AND status = 'sent'"
    before = row(trial, sent)
    say(trial, "8", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip

    assert row(trial, "SELECT email FROM actor WHERE key = 'contact/l-tom'") == [("",)]
    assert row(trial, sent) == before


@pytest.mark.parametrize(("ago", "names"), [(36, 0), (12, 1)])
def test_who_named_a_lead_before_it_was_forgotten_forgets_it_too(
    ago: int, names: int, trial: Trial
) -> None:
    """What is heard late counts from when it was said; who names it later knows it themselves."""
    known(trial)
    say(trial, "7", "contact.erase_requested", "l-tom")
    say(trial, "8", "referral.submitted", "c-bo", timedelta(hours=ago), consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip

    (said,) = row(trial, "SELECT doc FROM event WHERE id = '8'")
    assert str(said).count("Tom") == names


@pytest.mark.parametrize("ids", [("7", "8"), ("8", "7")])
def test_a_dead_letter_that_names_a_lead_forgets_it_too(
    ids: tuple[str, str], trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recommendation that nobody could handle, set aside before the wish or after it."""
    known(trial)

    def poisoned(programme: Any, state: Any, item: Any, **rest: Any) -> None:
        if item.event is not None and item.event["id"] == "8":
            raise ZeroDivisionError
        decide(programme, state, item, **rest)

    monkeypatch.setattr(draining, "decide", poisoned)
    for id_ in ids:
        if id_ == "7":
            say(trial, "7", "contact.erase_requested", "l-tom")
        else:
            say(trial, "8", "referral.submitted", "c-bo", timedelta(days=2),
                 consent_to_contact=True, lead={"id": "l-tom", "name": "Tom"})  # fmt: skip

    assert row(trial, "SELECT count(*) FROM dead") == [(1,)]
    assert "Tom" not in str(row(trial, "SELECT doc FROM dead"))
    assert "Tom" not in str(row(trial, "SELECT doc FROM event WHERE id = '8'"))


def test_who_is_known_by_an_older_id_is_forgotten_under_it(trial: Trial) -> None:
    """A lead was merged into another record: whoever recommended it under the first forgets it."""
    say(trial, "0", "contact.updated", "c-bo", first_name="Bo", email="bo@wal.example")
    say(trial, "1", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    say(trial, "2", "contact.merged", "l-tom", into="c-tom")
    say(trial, "3", "contact.erase_requested", "c-tom")

    with trial.store.reader() as conn:
        (bo,) = rows.get(conn, ["contact/c-bo"]).values()
    assert [each["lead"] for each in bo["referrals"].values()] == [{"id": "l-tom", "name": "l-tom"}]
    assert [doc for (doc,) in row(trial, "SELECT doc FROM decision") if "Tom" in str(doc)] == []


def test_a_dead_letter_of_somebody_forgotten_says_nothing(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine cannot handle is set aside without its words, and so is the event."""
    known(trial)
    say(trial, "7", "contact.erase_requested", "c-17")

    def never(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(draining, "decide", never)
    say(trial, "8", "nps.answered", "c-17", response="r-9", score=3, comment="You know me")

    assert row(trial, "SELECT count(*) FROM dead") == [(1,)]
    assert "know me" not in str(row(trial, "SELECT doc FROM dead"))
    assert "know me" not in str(row(trial, "SELECT doc FROM event WHERE id = '8'"))


def test_a_no_under_an_older_id_binds_at_once(trial: Trial) -> None:
    """The link in an old mail names a record that was merged: the no does not wait in a queue."""
    say(trial, "0", "contact.updated", "c-old", first_name="Lotte", email="lotte@wal.example")
    say(trial, "1", "contact.merged", "c-old", into="c-17")
    event = {"specversion": "1.0", "id": "2", "source": "test", "type": "contact.unsubscribed",
             "data": {"topic": "programme", "channel": "email"},
             "time": iso(trial.clock.now()), "subject": "contact/c-old"}  # fmt: skip

    trial.app.publish([event])

    word = "SELECT granted FROM consent WHERE actor = 'contact/c-17' AND topic = 'programme'"
    assert row(trial, word) == [(False,)]


def test_what_colleagues_are_about_to_hear_of_a_lead_still_leaves(trial: Trial) -> None:
    """A notice that waits for Monday leaves by the title that names nobody any more."""
    trial.advance(datetime(2027, 6, 3, 7, tzinfo=UTC))
    say(trial, "1", "contact.updated", "c-17", first_name="Lotte", owner="u-sam")
    say(trial, "2", "referral.submitted", "c-17", consent_to_contact=True,
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    say(trial, "3", "owner.changed", "c-17", owner="u-lena")  # on a Saturday
    say(trial, "4", "contact.erase_requested", "c-17")

    waiting = "SELECT doc FROM outbox WHERE template = 'task_reassigned'"
    assert "Lotte" not in str(row(trial, waiting))

    trial.advance(trial.clock.now() + timedelta(days=2))
    told = "SELECT status FROM outbox WHERE template = 'task_reassigned'"
    assert row(trial, told) == [("sent",), ("sent",)]
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
