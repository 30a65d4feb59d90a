"""Words on their way out: who they are from, which links they carry, what they are told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from store import contacts
from store.listings import work
from tests.workers.library import apply_library
from workers import operators
from workers.letters import Desk
from workers.trial import Trial
from workflows.state import iso

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a trial of the shipped programme whose sender has a name beside the address."""
    trial = Trial(tmp_path, NOW)
    apply_library(trial)
    desk = trial.app.desk
    trial.app.deliverer._judge._desk = Desk(  # noqa: SLF001 - as an installation sets it
        desk.tokens, desk.base_url, "Kompas <hallo@kompas.example>"
    )
    yield trial
    trial.close()


def _event(number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"e-{number}", "source": "test", "type": kind,
            "time": iso(NOW), "subject": "contact/c-anna", "data": data}  # fmt: skip


def _mails(trial: Trial) -> list[EmailMessage]:
    files = sorted((trial.folder / "mail").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def _anna(trial: Trial, **more: Any) -> None:
    known = {"email": "anna@acme.example", "first_name": "Anna", "owner": "u-sam", **more}
    trial.publish([_event(0, "contact.updated", known)])


def test_a_sender_may_have_a_name_and_an_address(trial: Trial) -> None:
    """`Name <address>` is how people write it: the address is the envelope's, not the whole."""
    _anna(trial)
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])

    (mail,) = _mails(trial)
    assert "<hallo@kompas.example>" in mail["From"]
    assert mail["From"].startswith("Kompas ")
    assert mail["To"] == "Anna <anna@acme.example>"


@pytest.mark.parametrize(("owner", "name", "answers"), [
    ("u-sam", "Sam", "sam@kompas.example"),
    ("", "Kompas", "sam@kompas.example"),  # nobody's: whoever is first in the queue of sales
    ("u-gone", "Kompas", "sam@kompas.example"),
])  # fmt: skip
def test_s18_a_mail_without_an_owner_is_the_programmes(
    trial: Trial, owner: str, name: str, answers: str
) -> None:
    """It leaves all the same, in the programme's name, and answers go to the queue."""
    _anna(trial, owner=owner or None)
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])
    trial.publish([_event(2, "nps.answered", {"response": "r", "score": 3, "revision": 2})])

    (mail,) = [mail for mail in _mails(trial) if "dat u dit zegt" in mail["Subject"]]
    assert mail["From"].startswith(f"{name} <")
    assert mail["Reply-To"] == answers


def test_s18_an_owner_from_outside_gets_links(trial: Trial) -> None:
    """Whom the programme does not know accepts the task and closes it by a link in the mail."""
    _anna(trial, owner="mia@partner.example")
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])

    (mail,) = [mail for mail in _mails(trial) if mail["To"].endswith("<mia@partner.example>")]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "https://vouch.example/a/t" in body.get_content()


def test_what_needs_consent_can_be_unsubscribed_from_by_one_click(trial: Trial) -> None:
    """A survey carries the headers of RFC 8058; a thank-you, which needs no consent, does not."""
    _anna(trial)
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])
    trial.publish([_event(2, "project.delivered", {"project_id": "p"})])
    trial.advance(datetime(2027, 2, 16, tzinfo=UTC))

    by_post = {mail["Subject"]: mail["List-Unsubscribe-Post"] for mail in _mails(trial)}
    assert set(by_post.values()) == {"List-Unsubscribe=One-Click", None}


def test_unsubscribing_stops_what_the_mail_is_about(trial: Trial) -> None:
    """The link of a survey ends surveys by mail: not the programme, of which it says nothing."""
    _anna(trial)
    trial.publish([_event(2, "project.delivered", {"project_id": "p"})])
    trial.advance(datetime(2027, 2, 16, tzinfo=UTC))

    (link,) = {mail["List-Unsubscribe"] for mail in _mails(trial) if mail["List-Unsubscribe"]}
    token = link.strip("<>").rpartition("/")[2]
    told = trial.app.desk.tokens.read("unsubscribe", token)
    assert told == ("contact/c-anna", "survey", "email")


def test_words_that_fail_can_be_mended_and_sent(trial: Trial) -> None:
    """A mail whose words cannot be made has failed, and leaves once when an operator says so."""
    _anna(trial)
    words = trial.app.programmes.current().programme.templates
    sound, words["nps_thanks", "nl", "email"] = (
        words["nps_thanks", "nl", "email"],
        "---\nsubject: Dank\n---\n{{ 1 // (contact.name|length - contact.name|length) }}\n",
    )
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])

    with trial.store.reader() as conn:
        (failed,) = work.outbox(conn, status="failed")
    assert (failed["template"], failed["reason"]) == ("nps_thanks", "words")
    assert _mails(trial) == []

    words["nps_thanks", "nl", "email"] = sound
    assert operators.redeliver(trial.app, [failed], by="u-sam") == 1
    trial.settle()

    assert len(_mails(trial)) == 1


def test_a_contact_has_its_account_in_its_words(trial: Trial) -> None:
    """The account's own name is known to whoever writes to one of its people."""
    with trial.store.transaction() as conn:
        contacts.seed(conn, {"account/acme": {"id": "acme", "name": "Acme Waterbouw"}})
    _anna(trial, account="acme")
    trial.app.programmes.current().programme.templates["nps_thanks", "nl", "email"] = (
        "---\nsubject: Dank\n---\nAan {{ account.name }}\n"
    )
    trial.publish([_event(1, "nps.answered", {"response": "r", "score": 10})])

    (mail,) = _mails(trial)
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Aan Acme Waterbouw" in body.get_content()
