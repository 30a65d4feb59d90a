"""The links of messages: one list for the check and for the mail."""

from datetime import UTC, datetime
from typing import Any

import pytest

from store.outbox import Claimed
from tests.replay import LIBRARY
from workers.letters import Desk, links_of
from workers.tokens import Tokens
from workflows.check.findings import errors_of
from workflows.check.programme import check
from workflows.fields import LINKS, TASK
from workflows.folder import Folder
from workflows.load import load_folder, load_programme

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)
DESK = Desk(Tokens([b"k" * 32]), "https://v.example", "v@v.example")


def _message(to: str, *, ask: str = "", **doc: Any) -> Claimed:
    return Claimed(
        slice=1, key="r/1/1", actor="contact/c-anna", to=to, account="", run="r", ask=ask,
        workflow="w", step="1", template="t", class_="c", by=("email",), before=None, once=False,
        uncapped=False, awaited=False, status="sending", planned_at=NOW, due_at=NOW, attempts=0,
        token="", channel="email", locale="en", message_id="", reason="", doc=doc,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("contact", _message("contact/c-anna")),
        ("ask", _message("contact/c-anna", ask="r/ask")),
        ("journey", _message("contact/c-anna", offer=1, stage={"name": "poll", "effort": 1})),
        ("thanks", _message("contact/c-anna", stage={"name": "poll"}, reward={"amount": 0})),
        ("staff", _message("staff/u-sam")),
        ("task", _message("staff/u-sam", task={"key": "r/call"})),
    ],
)
def test_a_message_has_the_links_that_the_check_promises(kind: str, message: Claimed) -> None:
    """What the check lets pass is there at the send, and nothing is there that it refuses."""
    assert links_of(DESK, message).keys() == LINKS[kind].keys()


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("nps_thanks", "links.gladly"),  # sent by a step, where nothing is asked
        ("nps_thanks", "links.done"),
        ("ask_referral", "links.done"),
        ("step_thanks", "links.done"),  # it was done
        ("journey_poll", "reward.amount"),  # nothing is promised before
        ("ask_referral_script", "links.unsubscribe"),  # a colleague reads it
        ("task_escalated", "links.unsubscribe"),
        ("task_escalated", "task.reason"),
    ],
)
def test_words_that_would_fail_at_the_send_fail_at_the_check(template: str, words: str) -> None:
    """A link or field that such a message never has is a finding with its place."""
    path = f"templates/{template}/en.md"
    files = dict(load_folder(LIBRARY).files)
    files[path] += f"\n{{{{ {words} }}}}\n"

    found = errors_of(check(load_programme(Folder(files))))

    assert [(each.code, each.file) for each in found] == [("V050", path)]
    assert f'"{words}"' in found[0].message


@pytest.mark.parametrize("words", [f"task.{name}" for name in TASK])
def test_what_is_said_of_a_task_may_be_used(words: str) -> None:
    """Every field that the engine fills passes the check."""
    files = dict(load_folder(LIBRARY).files)
    files["templates/task_escalated/en.md"] += f"\n{{{{ {words} }}}}\n"

    assert errors_of(check(load_programme(Folder(files)))) == []
