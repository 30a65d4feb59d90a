"""What a drain leaves behind: everything it decided, once, in a fixed number of statements."""

import re

import pytest
import sqlalchemy as sa

from store import sql_postgres
from store.db import Store
from store.decided import StraySliceError
from store.dialect import table_of
from store.drain import lock_slices, read_batch
from store.errors import is_data_error, is_transient
from store.tables import TaskRow
from tests.conformance.rows import ANNA, BRAM
from tests.conformance.values import (
    T0,
    after,
    arrival,
    ask,
    decide,
    drain,
    entry,
    message,
    names,
    peek,
    publish,
    rows,
    run,
    set_timers,
    statements,
    task,
    timer,
    write,
)
from workflows.state import Changes, Consent, Forward, Record, slice_of

# What a batch leaves


def test_what_is_handled_is_gone_and_the_rest_stays(store: Store) -> None:
    """Handled events and fired timers leave, others are there for the next drain."""
    publish(store, arrival("e-1"), arrival("e-2"))
    set_timers(store, timer("t-1"), timer("t-2"))
    with store.transaction() as conn:
        slices = lock_slices(conn, now=T0)
        batch = read_batch(conn, slices, now=T0)
        taken = [one for one in batch.inputs[ANNA] if names([one])[0] in ("e-1", "t-1")]
        decide(conn, batch.slices, Changes(), taken)

    assert names(peek(store, ANNA).inputs[ANNA]) == ["e-2", "t-2"]


def test_a_timer_that_fires_can_be_set_again(store: Store) -> None:
    """The same key set by the batch in which it fired is there afterwards, at its new time."""
    set_timers(store, timer("t-1"), timer("t-2"))

    drain(store, Changes(timers_set={"t-1": timer("t-1", due_at=after(days=1))}))

    assert rows(store, "timer", "key", "due_at") == [("t-1", after(days=1))]


def test_a_timer_can_be_moved_and_cut(store: Store) -> None:
    """Setting a key again moves it, cutting removes it, cutting what is not there is nothing."""
    set_timers(store, timer("t-1"), timer("t-2"))

    moved = timer("t-1", due_at=after(days=2))
    write(store, Changes(timers_set={"t-1": moved}, timers_cut={"t-2": timer("t-2")}))
    write(store, Changes(timers_cut={"t-2": timer("t-2"), "t-3": timer("t-3")}))

    assert rows(store, "timer", "key", "due_at") == [("t-1", after(days=2))]


def test_state_is_replaced_whole(store: Store) -> None:
    """Writing an actor, run, ask or task again leaves what was written last."""
    first, last = run("r-1"), run("r-1", status="ended", ended_at=T0, ended_as="done")
    write(store, Changes(actors={ANNA: {"email": "a@x"}}, runs={"r-1": first}))
    write(store, Changes(actors={ANNA: {"phone": "+31"}}, runs={"r-1": last}))

    assert rows(store, "actor", "key", "email", "phone", "doc") == [
        (ANNA, "", "+31", {"phone": "+31"})
    ]
    assert rows(store, "run", "status", "ended_at", "ended_as") == [("ended", T0, "done")]


@pytest.mark.parametrize("names_", [("a", "z"), ("z", "a")])
def test_one_ask_closes_and_another_opens_in_one_batch(
    store: Store, names_: tuple[str, str]
) -> None:
    """A contact's open ask gives way in the same transaction, in whatever order they are named."""
    old, new = names_
    write(store, Changes(asks={old: ask(old, status="open")}))

    closed = ask(old, status="silent", closed_at=T0)
    opened = ask(new)
    write(store, Changes(asks={new: opened, old: closed}))

    assert dict(rows(store, "ask", "key", "status")) == {old: "silent", new: "pending"}


def test_two_open_asks_of_a_contact_are_a_data_error(store: Store) -> None:
    """The database refuses a second open ask, and nothing of its batch is kept."""
    write(store, Changes(asks={"a": ask("a")}))

    with pytest.raises(Exception, match=r"(?i)unique") as raised:
        write(store, Changes(asks={"b": ask("b")}, runs={"r-1": run("r-1")}))

    assert is_data_error(raised.value)
    assert not is_transient(raised.value)
    assert rows(store, "run", "id") == []


DRIVER_CHARS_MAX, DRIVER_VALUES_MAX = 4_096, 50
"""`psycopg._queries`: what it remembers of statements."""
WORDS = (
    *('"', "\\", '\\"', "{", "}", "{}", ",", "null", "NULL", "", " ", "\x1f", "\x7f"),
    *(
        "a\nb\tc\r\b\f",
        "\\u0041",
        "\\n",
        "'",
        "%s",
        "%%",
        "%(a)s",
        "é\u2028😀",
        '{"a": ["b\\\\c"]}',
    ),
)


def test_any_words_come_back_as_they_were(store: Store) -> None:
    """Whatever stands in a column or a document is neither read as a quote nor as an escape."""
    tasks = {key: task(key, title=key, doc={key: [key]}) for key in WORDS}

    write(store, Changes(tasks=tasks))

    assert dict(rows(store, "task", "key", "title")) == {key: key for key in WORDS}
    with store.reader() as conn:
        docs = conn.scalars(sa.select(table_of(TaskRow).c.doc)).all()
    assert sorted(docs, key=str) == sorted(({key: [key]} for key in WORDS), key=str)


def test_a_nul_is_a_data_error_or_comes_back(store: Store) -> None:
    """Postgres's texts hold no NUL: it is refused before anything is written."""
    change = Changes(tasks={"t": task("t", title="a\0b")})
    if store.dialect == "sqlite":
        write(store, change)
        assert rows(store, "task", "title") == [("a\0b",)]
        return

    with pytest.raises(Exception, match="NUL") as raised:
        write(store, change)

    assert is_data_error(raised.value)
    assert rows(store, "task", "key") == []


def test_a_message_decided_twice_is_one_message(store: Store) -> None:
    """The same key again changes nothing, so that a batch done over sends nothing twice."""
    write(store, Changes(messages={"m": message("m")}, entries=[entry("l")]))
    write(
        store,
        Changes(messages={"m": message("m", template="other")}, entries=[entry("l", delta=9)]),
    )

    assert rows(store, "outbox", "key", "template", "slice", "status", "due_at", "by") == [
        ("m", "thanks", slice_of(ANNA), "pending", T0, ["email"])
    ]
    assert rows(store, "ledger", "key", "delta") == [("l", 1)]


def test_a_forward_is_a_fresh_input_of_the_other_actor(store: Store) -> None:
    """What concerns somebody else is in that inbox when the batch is committed, in order."""
    publish(store, arrival("e-1"))
    forwards = [
        Forward(BRAM, {"id": "f-1"}),
        Forward(ANNA, {"id": "f-2"}),
        Forward(BRAM, {"id": "f-3"}),
    ]

    drain(store, Changes(forwards=forwards), now=after(minutes=7))

    assert names(peek(store, BRAM).inputs[BRAM]) == ["f-1", "f-3"]
    assert names(peek(store, ANNA).inputs[ANNA]) == ["f-2"]
    assert peek(store, BRAM).inputs[BRAM][0].at == after(minutes=7)


def test_records_are_kept_in_order(store: Store) -> None:
    """One decision row an input, numbered in the order they were decided."""
    write(store, Changes(records=[Record(ANNA, T0, f"c-{n}", {"n": n}) for n in range(12)]))

    found = [doc["n"] for _, doc in rows(store, "decision", "seq", "doc")]

    assert found == list(range(12))


@pytest.mark.parametrize("together", [True, False])
def test_of_consents_the_most_recent_wins_and_a_no_wins_a_tie(
    store: Store, *, together: bool
) -> None:
    """A drain's consents follow the rule of intake's, in one batch and in two."""
    said = [("sms", True, 1), ("sms", False, 0), ("email", False, 0), ("email", True, 0)]
    consents = [Consent(ANNA, c, "asks", granted=g, at=after(seconds=s)) for c, g, s in said]
    for batch in [consents] if together else [[each] for each in consents]:
        write(store, Changes(consents=batch))

    assert rows(store, "consent", "channel", "granted") == [("email", False), ("sms", True)]


def test_a_batch_says_whom_to_ring(store: Store) -> None:
    """Slices with new inputs, slices with messages due, and when the next one is planned."""
    later = message("m-2", planned_at=after(hours=2))
    reported = message("m-3", to="staff/u-1", status="reported")
    messages = {each.key: each for each in (message("m-1"), later, reported)}
    publish(store, arrival("e-1"))
    with store.transaction() as conn:
        batch = read_batch(conn, lock_slices(conn, now=T0), now=T0)
        changes = Changes(messages=messages, forwards=[Forward(BRAM, {"id": "f-1"})])
        nudges = decide(conn, batch.slices, changes)

    assert nudges.inbox == {slice_of(BRAM)}
    assert nudges.outbox == {slice_of(ANNA)}
    assert nudges.next_at == after(hours=2)


def test_a_batch_decides_nothing_outside_its_slices(store: Store) -> None:
    """State of an actor whose slice is not held is refused before it is written."""
    publish(store, arrival("e-1"))

    with pytest.raises(StraySliceError, match="decided a run"):
        drain(store, Changes(runs={"r-1": run("r-1", BRAM)}))


# What it costs


def many_changes(actors: list[str]) -> Changes:
    """Return changes of every kind for each actor."""
    numbers = range(len(actors))
    return Changes(
        actors={actor: {"email": "x@example.com"} for actor in actors},
        runs={f"r-{n}": run(f"r-{n}", actors[n]) for n in numbers},
        asks={f"k-{n}": ask(f"k-{n}", actors[n]) for n in numbers},
        tasks={f"t-{n}": task(f"t-{n}", actors[n]) for n in numbers},
        timers_set={f"w-{n}": timer(f"w-{n}", actors[n], due_at=after(days=9)) for n in numbers},
        timers_cut={f"x-{n}": timer(f"x-{n}", actors[n]) for n in numbers},
        messages={f"m-{n}": message(f"m-{n}", actors[n]) for n in numbers},
        entries=[entry(f"l-{n}", account=actors[n]) for n in numbers],
        consents=[Consent(actor, "sms", "asks", granted=True, at=T0) for actor in actors],
        forwards=[Forward(actor, {"id": "f"}) for actor in actors],
        records=[Record(actor, T0, "c", {}) for actor in actors],
    )


def test_a_batch_of_500_costs_as_many_statements_as_one_input(store: Store) -> None:
    """Beside the count of tries a drain is three statements on Postgres: lock, read, write."""

    def cost(actors: list[str]) -> int:
        publish(store, *(arrival(f"e-{actor}", actor) for actor in actors))
        with statements(store) as sent:
            batch = drain(store, many_changes(actors))
        assert sum(map(len, batch.inputs.values())) == len(actors)
        drain(store, limit=2 * len(actors))  # what was forwarded
        return len(sent)

    in_one_slice = [a for a in map("contact/{}".format, range(40_000)) if slice_of(a) == 7][:501]
    one, many = cost(in_one_slice[:1]), cost(in_one_slice[1:])

    assert one == many
    assert one == (4 if store.dialect == "postgresql" else 27)
    assert len(rows(store, "run", "id")) == 500


def test_the_driver_remembers_what_a_usual_batch_writes() -> None:
    """Psycopg reads a statement of more characters or values anew each time."""
    usual = {"actor", "run", "task", "timer", "outbox", "ledger", "decision"}
    statement = sql_postgres.write(frozenset(usual | {"handled", "timers_gone"}))

    assert len(statement) <= DRIVER_CHARS_MAX
    assert len(set(re.findall(r"%\((\w+)\)", statement))) <= DRIVER_VALUES_MAX
