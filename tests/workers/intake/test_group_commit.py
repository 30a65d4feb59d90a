"""Group commit: concurrent publishers share transactions, and each is durable before its answer."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest
import sqlalchemy as sa

from events.catalogue import default_catalogue
from store.db import Store
from store.dialect import table_of
from store.tables import EventRow, InboxRow
from tests.workers.intake.desk import Desk, event
from workers.group_commit import GroupCommit
from workers.intake import BackPressureError, Intake, IntakeUnavailableError, Prepared, Verdict


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
