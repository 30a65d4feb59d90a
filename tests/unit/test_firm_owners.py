"""An account's owner and the tasks of its contacts, where both are decided at the same time."""

from datetime import UTC, datetime
from typing import Any

from tests.replay import library
from workflows.domain import firm_owners
from workflows.engine import decide
from workflows.state import Changes, Doc, Forward, Input, State, iso

NOW = datetime(2027, 2, 3, 8, tzinfo=UTC)
PROGRAMME = library()


def _decide(state: State, *events: Doc, members: tuple[str, ...] = ()) -> Changes:
    changes = Changes()
    for seq, event in enumerate(events):
        one = Input(state.actor, NOW, seq, event=event, members=members)
        decide(PROGRAMME, state, one, now=NOW, changes=changes, loads={})
    return changes


def _event(id_: str, kind: str, contact: str = "", account: str = "", **data: Any) -> Doc:
    return {"id": id_, "source": "t", "type": kind, "time": iso(NOW), "lead": "",
            "contact": contact, "account": account, "data": data}  # fmt: skip


def _answer(contact: str, account: str = "") -> Doc:
    return _event("nps", "nps.answered", contact, account, response="r", score=9)


def _firms(changes: Changes) -> list[Forward]:
    return [each for each in changes.forwards if each.event["type"].startswith("firm.")]


def test_who_is_new_to_a_firm_asks_it_about_a_task() -> None:
    """It names another owner, who was not yet written when the contact was read: theirs it is."""
    contact = State("contact/c-a", account={"id": "wal", "owner": "u-ada"})
    firm = State("account/wal", {"id": "wal", "owner": "u-pim"})

    (asked,) = _firms(_decide(contact, _answer("c-a", "wal")))
    (told,) = _firms(_decide(firm, asked.event))

    assert [task.assignee for task in contact.tasks.values()] == ["u-ada"]
    contact.account = firm.doc
    _decide(contact, told.event)
    assert [task.assignee for task in contact.tasks.values()] == ["u-pim"]


def test_a_firm_that_names_the_same_people_answers_nothing() -> None:
    """And who belonged to it before does not ask: it is told."""
    owners = {"id": "wal", "owner": "u-ada"}
    new = State("contact/c-a", account=owners)
    old = State("contact/c-b", {"id": "c-b", "account": "wal"}, account=owners)

    (asked,) = _firms(_decide(new, _answer("c-a", "wal")))

    assert not _firms(_decide(State("account/wal", dict(owners)), asked.event))
    assert not _firms(_decide(old, _answer("c-b")))


def test_a_firm_tells_its_contacts_of_newer_words_only() -> None:
    """Those it is given, once a word that is not older than what it knows."""
    firm = State("account/wal", {"id": "wal", "times": {"owner": iso(NOW)}})
    later = _event("1", "owner.changed", account="wal", owner="u-pim")
    older = _event("2", "owner.changed", account="wal", owner="u-sam")
    older["time"] = "2027-02-03T07:59:59Z"

    told = _firms(_decide(firm, later, older, members=("contact/c-a", "contact/c-b")))

    assert [each.actor for each in told] == ["contact/c-a", "contact/c-b"]
    assert firm.doc["owner"] == "u-pim"


def test_a_word_on_a_firms_manager_moves_tasks_too() -> None:
    """Any word on the firm that names somebody else, and none that does not."""
    firm = State("account/wal", {"id": "wal", "manager": "u-ada"})
    same = _event("1", "contact.updated", account="wal", manager="u-ada")
    other = _event("2", "contact.updated", account="wal", manager="u-pim")

    assert not _firms(_decide(firm, same, members=("contact/c-a",)))
    assert len(_firms(_decide(firm, other, members=("contact/c-a",)))) == 1


def test_who_left_a_firm_takes_no_word_of_it() -> None:
    """Their tasks are the other firm's to hand over."""
    firm = {"id": "wal", "owner": "u-ada"}
    contact = State("contact/c-a", {"id": "c-a", "account": "rif"}, account=firm)
    _decide(contact, _answer("c-a"))
    contact.account = {"id": "wal", "owner": "u-pim"}
    told = _event("1", firm_owners.TOLD, "c-a")
    _decide(contact, told | {"fact": True, "data": {"account": "account/wal"}})

    assert [task.assignee for task in contact.tasks.values()] == ["u-ada"]
