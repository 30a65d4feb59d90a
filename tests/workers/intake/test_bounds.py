"""Where intake has an end, and what it makes of a database, a queue or a value that fails."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from events.catalogue import default_catalogue
from events.content_modes import BATCH_EVENTS_MAX
from events.envelope import EVENT_BYTES_MAX
from events.refusals import EventTooLargeError
from store.db import Store
from store.dialect import table_of
from store.tables import InboxRow
from store.tables_beside import RejectRow
from tests.workers.intake.desk import NOW, Desk, event, statuses
from workers.arrivals import NATURAL_KEY_BYTES_MAX
from workers.clock import VirtualClock
from workers.intake import BackPressureError, Intake, IntakeUnavailableError


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
