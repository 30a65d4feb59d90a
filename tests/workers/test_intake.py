"""Intake on both databases: verdicts, rights, duplicates, consent, back pressure, group commit."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from events.catalogue import default_catalogue
from events.content_modes import BATCH_EVENTS_MAX
from events.envelope import EVENT_BYTES_MAX
from events.refusals import EventTooLargeError, MissingFieldError
from store import keys
from store.blank import write_blank
from store.db import Store
from store.dialect import table_of
from store.tables import ActorRow, AskRow, ConsentRow, EventRow, InboxRow, TaskRow
from store.tables_beside import RejectRow
from tests.conformance.values import statements
from workers.arrivals import NATURAL_KEY_BYTES_MAX, offer
from workers.clock import VirtualClock
from workers.group_commit import GroupCommit
from workers.intake import BackPressureError, Intake, IntakeUnavailableError, Prepared, Verdict
from workflows.sources import Mapped
from workflows.state import slice_of

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ANNA = "contact/c-anna"


@dataclass
class Desk:
    """An intake on a database, and the bells it rang."""

    store: Store
    clock: VirtualClock
    rung: list[set[int]] = field(default_factory=list)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = self.open(1_000_000)

    def open(self, inbox_max: int) -> Intake:
        return Intake(self.store, default_catalogue, self.clock, self.ring, inbox_max)

    def ring(self, slices: Collection[int]) -> None:
        self.rung.append(set(slices))

    def rows(self, table: type[SQLModel]) -> list[Any]:
        with self.store.reader() as conn:
            return list(conn.execute(sa.select(table_of(table))).mappings())

    def add(self, table: type[SQLModel], **values: Any) -> None:
        with self.store.transaction() as conn:
            conn.execute(sa.insert(table_of(table)).values(**values))


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "sqlite":
        write_blank(tmp_path / "vouch.db")
        store = Store.open(f"sqlite:///{tmp_path / 'vouch.db'}", durable=False)
    else:
        store = Store.open(request.getfixturevalue("pg"), durable=False)
    yield Desk(store, VirtualClock(NOW))
    store.close()


@dataclass(frozen=True)
class Key:
    name: str = "crm"
    sources: tuple[str, ...] = ("crm",)
    types: tuple[str, ...] = ("project.delivered",)


def event(**changes: Any) -> dict[str, Any]:
    raw = {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "crm",
        "type": "project.delivered",
        "subject": "contact/c-anna",
        "time": "2027-02-28T14:00:00Z",
        "data": {"project_id": "p-77", "value_eur": 80000},
        **changes,
    }
    return {name: value for name, value in raw.items() if value is not None}


def test_a_type_of_ones_own_may_begin_like_a_tasks() -> None:
    """Named without a task and without a subject it concerns nobody, and is refused as such."""
    own = default_catalogue().with_types({"task.noticed": {"type": "object"}})
    raw = event(type="task.noticed", subject=None, data={"room": "12"})

    with pytest.raises(MissingFieldError) as caught:
        offer(raw, None, arrived=datetime(2027, 3, 1, tzinfo=UTC), catalogue=own)

    assert caught.value.field == "subject"


def statuses(verdicts: list[Verdict]) -> list[str]:
    return [verdict.status for verdict in verdicts]


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


def test_batch_has_a_most(desk: Desk) -> None:
    """A batch of the most events enters; one more is refused as a whole."""
    batch = [event(id=str(number)) for number in range(BATCH_EVENTS_MAX + 1)]

    with pytest.raises(EventTooLargeError):
        desk.intake.accept(batch)
    assert len(desk.intake.accept(batch[:-1])) == BATCH_EVENTS_MAX
    assert len(desk.rows(InboxRow)) == BATCH_EVENTS_MAX


def test_too_large_event_is_refused_alone(desk: Desk) -> None:
    """An event over its bound is refused with 413; its neighbour enters."""
    large = event(id="big", data={"project_id": "p", "note": "x" * EVENT_BYTES_MAX})

    verdicts = desk.intake.accept([large, event()])

    assert [(v.status, v.reason, v.http) for v in verdicts] == [
        ("rejected", "too_large", 413),
        ("accepted", "", 202),
    ]


def test_full_inbox_holds_publishers_back_until_it_is_shorter(desk: Desk) -> None:
    """At the bound events enter, past it they are held back; an urgent word always enters."""
    intake = desk.open(inbox_max=3)
    intake.accept([event(id=str(number)) for number in range(3)])

    with pytest.raises(BackPressureError) as held:
        intake.accept([event(id="4")])
    urgent = intake.accept([event(id="5", type="contact.unsubscribed", data={})], urgent=True)
    with desk.store.transaction() as conn:
        conn.execute(sa.delete(table_of(InboxRow)))
    desk.clock.advance(timedelta(seconds=1))
    after = intake.accept([event(id="4")])

    assert held.value.http == 429
    assert held.value.retry_after > timedelta()
    assert statuses(urgent + after) == ["accepted", "accepted"]


def test_inbox_filled_by_another_process_is_seen(desk: Desk) -> None:
    """The count of waiting events is looked at again, so others' events hold back as well."""
    mine, other = desk.open(inbox_max=3), desk.open(inbox_max=1_000)
    mine.accept([event(id="1")])
    other.accept([event(id=f"other-{number}") for number in range(5)])
    desk.clock.advance(timedelta(seconds=1))

    with pytest.raises(BackPressureError):
        mine.accept([event(id="2")])


def test_database_that_is_gone_acknowledges_nothing(tmp_path: Path) -> None:
    """Without a database there is no verdict, only the advice to come back."""
    store = Store.open(f"sqlite:///{tmp_path / 'missing' / 'vouch.db'}")
    intake = Desk(store, VirtualClock(NOW)).intake

    with pytest.raises(IntakeUnavailableError) as gone:
        intake.accept([event()])

    assert gone.value.http == 503
    store.close()


def test_lost_bell_costs_no_event(desk: Desk) -> None:
    """A queue that is down when the bell should ring does not undo what was committed."""

    def broken(slices: Collection[int]) -> None:
        raise ConnectionError

    intake = Intake(desk.store, default_catalogue, desk.clock, broken, 1_000)

    assert statuses(intake.accept([event()])) == ["accepted"]
    assert len(desk.rows(InboxRow)) == 1


def test_same_event_from_many_threads_is_accepted_once(desk: Desk) -> None:
    """Twenty deliveries of one webhook at once give one acceptance and nineteen duplicates."""
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda _: desk.intake.accept([event()])[0], range(20)))

    assert sorted(statuses(verdicts)) == ["accepted"] + ["duplicate"] * 19
    assert len(desk.rows(InboxRow)) == 1


def test_value_that_only_the_database_refuses_is_found_and_set_apart(desk: Desk) -> None:
    """One poisonous event among seven is found by halving; the other six are stored."""
    with desk.store.transaction() as conn:
        if desk.store.dialect == "sqlite":
            conn.exec_driver_sql(
                "CREATE TRIGGER no_poison BEFORE INSERT ON event WHEN NEW.id = 'poison'"
                " BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
        else:
            conn.exec_driver_sql("ALTER TABLE event ADD CHECK (id <> 'poison')")
    ids = ["1", "2", "3", "poison", "5", "6", "7"]

    verdicts = desk.intake.accept([event(id=name) for name in ids])

    assert [v.reason for v in verdicts] == ["", "", "", "invalid", "", "", ""]
    assert len(desk.rows(InboxRow)) == 6
    assert [row["event"] for row in desk.rows(RejectRow)] == ["poison"]


def test_longest_keys_fit_the_indexes(desk: Desk) -> None:
    """Keys at their bounds are stored; a natural key over its bytes is refused by itself."""
    source = "".join(chr(0x1F300 + n * 7 % 700) for n in range(200))
    fits = "".join(chr(0x10000 + n * 7919 % 60000) for n in range(NATURAL_KEY_BYTES_MAX // 4))
    long = event(id=source, source=source, naturalkey=fits)

    verdicts = desk.intake.accept([long, event(naturalkey=fits + "x")])

    assert [(v.status, v.field) for v in verdicts] == [
        ("accepted", ""),
        ("rejected", "naturalkey"),
    ]


# -- group commit ---------------------------------------------------------------------------------


class Transactions:
    """Counts the commits of a store that wrote something."""

    def __init__(self, store: Store) -> None:
        self.count = 0
        sa.event.listen(store._hot, "commit", self._committed)  # noqa: SLF001

    def _committed(self, conn: sa.Connection) -> None:
        self.count += 1


class GatedIntake(Intake):
    """Commits nothing before its gate is open: what a slow disk does, without its chance."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.store, default_catalogue, desk.clock, desk.ring, 1_000)
        self.gate = Event()

    def commit(self, requests: Sequence[Prepared]) -> list[list[Verdict]]:
        assert self.gate.wait(timeout=60)
        return super().commit(requests)


def test_concurrent_singles_share_transactions_and_each_is_durable_first(desk: Desk) -> None:
    """Fifty requests at once take two commits, and none is answered before its own."""
    desk.intake.accept([event(id="warm")])
    transactions = Transactions(desk.store)
    intake = GatedIntake(desk)
    group = GroupCommit(intake)

    async def publish(number: int) -> bool:
        (verdict,) = await group.accept([event(id=str(number))])
        assert verdict.status == "accepted"
        with desk.store.reader() as conn:  # on the loop on purpose: before anybody else goes on
            events = table_of(EventRow)
            found = sa.select(events.c.id).where(events.c.id == str(number))
            return conn.execute(found).first() is not None

    async def all_at_once() -> list[bool]:
        publishing = [asyncio.ensure_future(publish(number)) for number in range(50)]
        await asyncio.sleep(0)  # every one of them has begun to wait
        intake.gate.set()
        return await asyncio.gather(*publishing)

    assert asyncio.run(all_at_once()) == [True] * 50
    group.close()
    assert len(desk.rows(InboxRow)) == 51
    assert transactions.count <= 2


def test_threads_share_transactions_too(desk: Desk) -> None:
    """Messages that come singly over the queue, each waited for by a thread, take two commits."""
    transactions = Transactions(desk.store)
    intake = GatedIntake(desk)
    group = GroupCommit(intake)
    waits = group.wait

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(waits, [event(id=str(number))]) for number in range(8)]
        deadline = monotonic() + 60
        while len(group) < 8 and monotonic() < deadline:
            Event().wait(0.01)
        intake.gate.set()
        statuses = [verdict.status for answer in answers for verdict in answer.result()]

    group.close()
    assert statuses == ["accepted"] * 8
    assert transactions.count <= 2


def test_bad_request_in_a_group_gets_its_own_answer(desk: Desk) -> None:
    """Requests committed together keep their own verdicts, in their own order."""
    group = GroupCommit(desk.intake)

    async def publish() -> list[list[Verdict]]:
        batches = [[event(id=f"{n}-{i}", data={} if i == n else {"project_id": "p"})
                    for i in range(3)] for n in range(3)]  # fmt: skip
        return await asyncio.gather(*(group.accept(batch) for batch in batches))

    answers = asyncio.run(publish())
    group.close()

    for number, verdicts in enumerate(answers):
        assert [v.id for v in verdicts] == [f"{number}-{i}" for i in range(3)]
        assert [v.status == "rejected" for v in verdicts] == [i == number for i in range(3)]


def test_group_commit_is_bounded_and_says_when_it_has_ended(desk: Desk) -> None:
    """Past its bound it holds publishers back; after `close` it takes nothing."""
    intake = GatedIntake(desk)
    group = GroupCommit(intake, waiting_max=2)

    async def publish() -> list[object]:
        calls = [asyncio.ensure_future(group.accept([event(id=str(n))])) for n in range(4)]
        await asyncio.sleep(0)
        intake.gate.set()
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(publish())
    group.close()

    assert [type(answer) for answer in answers] == [list, list] + [BackPressureError] * 2
    assert len(desk.rows(InboxRow)) == 2
    with pytest.raises(IntakeUnavailableError):
        asyncio.run(group.accept([event(id="late")]))
