"""Whom an event concerns: which inboxes it enters, and under which id."""

from datetime import UTC, datetime
from typing import Any

import pytest

from events.catalogue import default_catalogue
from events.refusals import MissingFieldError
from store.tables import ActorRow, AskRow, EventRow, InboxRow, TaskRow
from tests.workers.intake.desk import ANNA, NOW, Desk, event, statuses
from workers.arrivals import offer
from workers.intake import Verdict
from workflows.state import slice_of


def test_a_type_of_ones_own_may_begin_like_a_tasks() -> None:
    """Named without a task and without a subject it concerns nobody, and is refused as such."""
    own = default_catalogue().with_types({"task.noticed": {"type": "object"}})
    raw = event(type="task.noticed", subject=None, data={"room": "12"})

    with pytest.raises(MissingFieldError) as caught:
        offer(raw, None, arrived=datetime(2027, 3, 1, tzinfo=UTC), catalogue=own)

    assert caught.value.field == "subject"


LEAD = {"id": "c-lars", "name": "Lars"}


@pytest.mark.parametrize(
    ("changes", "actors"),
    [
        ({}, ["contact/c-anna"]),
        ({"data": {"project_id": "p", "account": "acme"}}, ["contact/c-anna"]),
        ({"subject": "account/acme"}, ["account/acme"]),
        ({"subject": None, "data": {"project_id": "p", "account": "acme"}}, ["account/acme"]),
        (
            {"type": "referral.submitted", "data": {"lead": LEAD}},
            ["contact/c-anna"],
        ),
        (
            {"type": "lead.created", "subject": None,
             "data": {"lead": "c-lars", "referred_by": "c-anna"}},
            ["contact/c-lars"],
        ),
        (
            {"type": "deal.won", "subject": "account/acme",
             "data": {"lead": "c-lars", "deal": "d"}},
            ["contact/c-lars"],
        ),
        (
            {"type": "improvement.announced", "subject": None, "data": {"theme": "t", "text": "x"}},
            ["theme/t"],
        ),
    ],
)  # fmt: skip
def test_event_enters_the_inbox_of_everybody_it_concerns(
    desk: Desk, changes: dict[str, Any], actors: list[str]
) -> None:
    """Contact before lead before account; the referrer hands a recommendation to the lead."""
    assert statuses(desk.intake.accept([event(**changes)])) == ["accepted"]

    rows = sorted(desk.rows(InboxRow), key=lambda row: row["seq"])
    assert [row["actor"] for row in rows] == actors
    assert desk.rows(EventRow)[0]["slice"] == slice_of(actors[0])
    assert desk.rung == [set(map(slice_of, actors))]


TASK = {
    "run": "r", "workflow": "w", "step": "call", "assignee": "u-ben", "role": "owner",
    "title": "Call", "status": "open", "opened_at": NOW, "due_at": NOW, "doc": {},
}  # fmt: skip
ASK = {
    "run": "r", "workflow": "w", "step": "ask", "kind": "referral", "status": "open",
    "touches": 1, "reason": "", "doc": {},
}  # fmt: skip


def test_events_of_tasks_and_asks_find_their_contact_by_key(desk: Desk) -> None:
    """Who closes a task names the task, and the event enters its contact's inbox."""
    desk.add(TaskRow, slice=slice_of(ANNA), key="r/call", actor=ANNA, **TASK)
    desk.add(AskRow, slice=slice_of(ANNA), key="r/ask", actor=ANNA, **ASK)
    closed = {"type": "task.closed", "subject": None}
    answered = {"type": "ask.answered", "subject": None}

    verdicts = desk.intake.accept(
        [
            event(id="1", **closed, data={"task": "r/call", "root_cause": "late"}),
            event(id="2", **closed, data={"task": "nowhere"}),
            event(id="3", **answered, data={"ask": "r/ask", "answer": "gladly"}),
            event(id="4", **answered, data={"ask": "nowhere", "answer": "gladly"}),
        ]
    )

    assert [(v.status, v.reason, v.field) for v in verdicts] == [
        ("accepted", "", ""),
        ("rejected", "unknown_task", "data.task"),
        ("accepted", "", ""),
        ("rejected", "unknown_ask", "data.ask"),
    ]
    assert [row["actor"] for row in desk.rows(InboxRow)] == [ANNA, ANNA]
    assert {row["doc"]["contact"] for row in desk.rows(InboxRow)} == {"c-anna"}


def test_a_lead_without_an_id_is_whoever_has_the_address(desk: Desk) -> None:
    """Somebody known keeps their id; a stranger gets one that the next mention comes to too."""
    known = {"slice": slice_of("contact/c-pia"), "key": "contact/c-pia", "phone": "",
             "account": "", "email": "pia@boot.example", "doc": {"id": "c-pia"}}  # fmt: skip
    desk.add(ActorRow, **known)

    def submit(number: int, lead: dict[str, str]) -> Verdict:
        data = {"lead": lead}
        (verdict,) = desk.intake.accept(
            [event(id=f"r-{number}", type="referral.submitted", data=data)]
        )
        return verdict

    submit(1, {"name": "Pia", "email": "Pia@Boot.example"})
    submit(2, {"name": "Femke", "email": "femke@noordzee.example"})
    submit(3, {"email": "FEMKE@noordzee.example"})
    nobody = submit(4, {"name": "Nobody"})

    rows = sorted(desk.rows(InboxRow), key=lambda row: row["seq"])
    leads = [row["doc"]["lead"] for row in rows]
    assert leads[0] == "c-pia"
    assert leads[1] == leads[2] != leads[0]
    assert (nobody.status, nobody.field) == ("rejected", "data.lead")
    assert all(row["doc"]["data"]["lead"]["id"] in row["doc"]["lead"]
               for row in desk.rows(InboxRow))  # fmt: skip
