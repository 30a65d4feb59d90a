"""Verdicts of intake on both databases, and the consent that is written with an event."""

from datetime import UTC, datetime

from store import keys
from store.tables import ConsentRow, EventRow, InboxRow
from store.tables_beside import RejectRow
from tests.conformance.values import statements
from tests.workers.intake.desk import ANNA, NOW, Desk, Key, event, statuses
from workers.intake import Verdict
from workflows.sources import Mapped
from workflows.state import slice_of


def test_accepted_event_is_in_the_inbox_and_its_slice_is_rung(desk: Desk) -> None:
    """An accepted event is stored with what the engine needs, and the worker hears of it."""
    verdicts = desk.intake.accept([event(naturalkey="project/p-77")], key=Key())

    (row,) = desk.rows(InboxRow)
    assert verdicts == [Verdict("accepted", "evt-1", "project.delivered")]
    assert (row["actor"], row["slice"]) == (ANNA, slice_of(ANNA))
    assert row["doc"] == {
        "id": "evt-1",
        "source": "crm",
        "type": "project.delivered",
        "time": "2027-02-28T14:00:00Z",
        "contact": "c-anna",
        "account": "",
        "lead": "",
        "data": {"project_id": "p-77", "value_eur": 80000},
        "natural_key": "project/p-77",
    }
    assert desk.rung == [{slice_of(ANNA)}]


def test_same_id_or_same_natural_key_is_a_duplicate(desk: Desk) -> None:
    """The same fact enters once, in one batch or in two, and the later copies are noted."""
    first = event(naturalkey="project/p-77")

    verdicts = desk.intake.accept([first, event(), event(id="evt-2", naturalkey="project/p-77")])
    again = desk.intake.accept([first])

    assert statuses(verdicts + again) == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert len(desk.rows(EventRow)) == 1
    assert [row["verdict"] for row in desk.rows(RejectRow)] == ["duplicate"] * 3
    assert len(desk.rung) == 1


def test_bad_events_harm_no_others_and_leave_no_content(desk: Desk) -> None:
    """Each bad event of a batch is refused with its reason and field; its neighbours enter."""
    content = "Anna Jansen"
    batch: list[object] = [
        event(id="1"),
        event(id="2", data={"value_eur": content}),
        event(id="3", type="project.deliverd"),
        event(id="4", subject=None),
        "text",
        event(id="5", time="2027-03-01T09:06:00Z"),
        event(id="6\x00", data={"project_id": content}),
        event(id="7", type="run.started", data={}),
        event(id="8"),
    ]

    verdicts = desk.intake.accept(batch)

    rejected = [(v.reason, v.field, v.http) for v in verdicts if v.status == "rejected"]
    assert rejected == [
        ("missing", "data.project_id", 422),
        ("unknown_type", "type", 422),
        ("missing", "subject", 422),
        ("malformed", "", 400),
        ("future", "time", 422),
        ("invalid", "id", 422),
        ("reserved", "type", 422),
    ]
    assert [v.id for v in verdicts if v.status == "accepted"] == ["1", "8"]
    rows = desk.rows(RejectRow)
    assert [row["reason"] for row in rows] == [reason for reason, _, _ in rejected]
    assert content not in str(rows)


def test_key_may_publish_only_its_sources_and_types(desk: Desk) -> None:
    """What a key does not name is refused as forbidden, before anything else is said of it."""
    verdicts = desk.intake.accept(
        [
            event(id="1"),
            event(id="2", source="erp", data={}),
            event(id="3", type="nps.answered", data={}),
        ],
        key=Key(),
    )
    anything = Key(sources=("*",), types=("*",))

    assert [(v.reason, v.field, v.http) for v in verdicts] == [
        ("", "", 202),
        ("forbidden", "source", 403),
        ("forbidden", "type", 403),
    ]
    assert statuses(desk.intake.accept([event(id="4", source="erp")], key=anything)) == ["accepted"]


def test_a_revoked_key_costs_only_its_own_events(desk: Desk) -> None:
    """Of those that share a commit, what others publish enters, and each is told its own."""
    with desk.store.transaction() as conn:
        for name in ("crm", "left", "gone"):
            keys.add(conn, name=name, secret_hash=name, sources=["crm"], types=["*"], now=NOW)
        keys.revoke(conn, "left", now=NOW)
        keys.revoke(conn, "gone", now=NOW)
    names = ("left", "crm", "gone", "crm", "left")
    prepared = [
        desk.intake.prepare([event(id=f"e-{number}")], key=Key(name))
        for number, name in enumerate(names)
    ]

    told = desk.intake.commit(prepared)

    assert [verdict.reason for (verdict,) in told] == [
        "forbidden", "", "forbidden", "", "forbidden",
    ]  # fmt: skip
    assert sorted(row["id"] for row in desk.rows(EventRow)) == ["e-1", "e-3"]
    assert sorted(row["event"] for row in desk.rows(RejectRow)) == ["e-0", "e-2", "e-4"]


def test_what_needs_nothing_else_is_one_statement(desk: Desk) -> None:
    """Singles of publishers with keys, once the inbox has been counted."""
    desk.intake.accept([event(id="counted")], key=Key())
    with statements(desk.store) as ran:
        desk.intake.accept([event(id="e-1")], key=Key())

    if desk.store.dialect == "postgresql":
        assert len(ran) == 1


def test_withdrawn_consent_is_written_with_the_event(desk: Desk) -> None:
    """Unsubscribing counts from the commit of intake on, and a duplicate changes nothing."""
    anything = event(type="contact.unsubscribed", data={})
    survey = event(id="2", type="contact.unsubscribed", data={"topic": "survey", "channel": "sms"})

    desk.intake.accept([anything, survey, {**survey, "time": "2027-03-01T08:00:00Z"}])

    rows = {(row["channel"], row["topic"]): row for row in desk.rows(ConsentRow)}
    assert set(rows) == {("email", "programme"), ("sms", "survey")}
    assert {row["granted"] for row in rows.values()} == {False}
    assert rows["sms", "survey"]["at"] == datetime(2027, 2, 28, 14, 0, tzinfo=UTC)


def test_what_a_webhook_tells_of_the_person_travels_beside_the_event(desk: Desk) -> None:
    """The engine gets the person a source found; a publisher cannot slip one in."""
    person = {"email": "anna@example.com"}

    desk.intake.accept([Mapped(event(), person), event(id="2", person={"email": "x"})])

    docs = {row["doc"]["id"]: row["doc"] for row in desk.rows(InboxRow)}
    assert docs["evt-1"]["person"] == person
    assert "person" not in docs["2"]
