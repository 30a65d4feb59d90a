"""Plays the demo's year with many seeds and looks whether an invariant was broken.

    python -m tests.years --seeds 1-20

A year is some seven thousand lines with flaws of every kind, and people who react. What must
hold in each, whatever happened (SCENARIOS section A): the book sums to zero and balances are
sums, at most one open ask a contact, no dead letter, room under every cap, nobody written to
who said no, every skip with its reason, every task with somebody or in the view of unassigned.
"""

import argparse
import io
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from store.db import Connection, Store
from store.dialect import table_of
from store.listings.facts import each_fact
from store.listings.ledger import strays, verify
from store.outbox import COUNTED
from store.tables import ActorRow, AskRow, ConsentRow, DeadRow, InboxRow, OutboxRow, TaskRow
from workers.demo.lines import ENDS_AT
from workers.demo.run import LIBRARY, run_demo
from workflows.check.sources import catalogue_of
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.durations import parse_span, subtract_span
from workflows.load import load_folder, load_programme
from workflows.state import MOVED, instant
from workflows.wallclock import zone_or

SHOWN_MAX = 20
"""Breaches of one year that are shown."""

_actor, _ask, _consent = table_of(ActorRow), table_of(AskRow), table_of(ConsentRow)
_outbox, _task, _dead = table_of(OutboxRow), table_of(TaskRow), table_of(DeadRow)


def breaches(conn: Connection, programme: Programme) -> Iterator[str]:
    """Give what is wrong with a year that was played: nothing, ever."""
    yield from (f"the book: {row}" for row in verify(conn))
    yield from (f"a balance is not the sum of its lines: {row}" for row in strays(conn))
    for row in conn.execute(sa.select(_dead.c.kind, _dead.c.type, _dead.c.error)):
        yield f"a dead letter: {row.kind} {row.type} {row.error}"
    left = conn.scalar(sa.select(sa.func.count()).select_from(table_of(InboxRow)))
    if left:
        yield f"{left} inputs were never handled"
    yield from _asks(conn)
    yield from _caps(conn, programme)
    yield from _consents(conn, programme)
    yield from _tasks(conn)
    yield from _facts(conn)


def _asks(conn: Connection) -> Iterator[str]:
    """At most one ask of a contact is open at any time."""
    open_ones: dict[str, list[tuple[datetime, datetime | None, str]]] = defaultdict(list)
    for row in conn.execute(sa.select(_ask).where(_ask.c.status != MOVED)):
        if row.opened_at is not None:
            open_ones[row.actor].append((row.opened_at, row.closed_at, row.key))
    for actor, spans in open_ones.items():
        spans.sort(key=lambda span: (span[0], span[2]))
        for before, after in pairwise(spans):
            if before[1] is None or before[1] > after[0]:
                yield f"two open asks of {actor}: {before} and {after}"


def _caps(conn: Connection, programme: Programme) -> Iterator[str]:
    """In no window of a cap is there more than it allows; what was to leave uncapped counts."""
    zones = {
        row.key: str(row.doc.get("zone", ""))
        for row in conn.execute(sa.select(_actor.c.key, _actor.c.doc))
    }
    rows = conn.execute(sa.select(_outbox).where(_outbox.c.status.in_(COUNTED))).mappings().all()
    for name, cap in programme.policies.caps.items():
        classes = {one for one, policy in programme.policies.classes.items() if name in policy.caps}
        groups: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            whose = row["account"] if cap.per == "account" else row["to"]
            if row["class"] in classes and whose:
                groups[whose].append(row)
        span = parse_span(cap.within)
        for whose, sent in groups.items():
            for row in sent:
                if row["uncapped"] or row["status"] == "reported":
                    continue  # it did not ask for room
                zone = zone_or(zones.get(row["to"], ""), programme.zone)[0]
                since = subtract_span(row["planned_at"], span, zone=zone, office=programme.office)
                # What was recorded later was not known when this one asked for room.
                within = [
                    other
                    for other in sent
                    if since < other["planned_at"] <= row["planned_at"]
                    and (other["recorded_at"] or other["planned_at"]) <= row["recorded_at"]
                ]
                if len(within) > cap.max:
                    yield f"cap {name} of {whose}: {len(within)} by {row['planned_at']}"


def _consents(conn: Connection, programme: Programme) -> Iterator[str]:
    """Nothing was planned for somebody after a no that was never followed by a yes."""
    said: dict[tuple[str, str, str], tuple[bool, datetime]] = {}
    for row in conn.execute(sa.select(_consent)):
        said[row.actor, row.channel, row.topic] = (row.granted, row.at)
    for sent in conn.execute(sa.select(_outbox).where(_outbox.c.status == "sent")).mappings():
        policy = programme.policies.classes.get(sent["class"])
        word = said.get((sent["to"], sent["channel"], policy.consent)) if policy else None
        if policy and policy.consent and word and not word[0] and sent["planned_at"] > word[1]:
            yield f"sent after a no: {sent['template']} to {sent['to']} at {sent['planned_at']}"


def _tasks(conn: Connection) -> Iterator[str]:
    """Whatever is done by somebody: an open task has an assignee, or its alarm was told."""
    for row in conn.execute(sa.select(_task).where(_task.c.status == "open")):
        if not row.assignee and not row.doc.get("alarmed", True):
            yield f"nobody has the task {row.key}"
        if row.due_at < row.opened_at and row.overdue_at is None:
            yield f"a task was due before it was opened, and is not overdue: {row.key}"


def _facts(conn: Connection) -> Iterator[str]:
    """Whatever did not leave says why; nothing counts below zero."""
    for fact in each_fact(conn):
        if fact["fact"] in {"message.skipped", "ask.skipped"} and not fact["data"].get("reason"):
            yield f"skipped without a reason: {fact}"
        if fact["fact"] == "condition.failed":
            yield f"a condition failed: {fact['data']}"
        if fact["fact"] == "run.ended" and fact["data"].get("as") == "failed":
            yield f"a run failed: {fact}"
    for key, doc in conn.execute(sa.select(_actor.c.key, _actor.c.doc)):
        for bucket, held in doc.get("balance", {}).items():
            if held < 0 and bucket != "available":  # which may be owed
                yield f"{key} holds {held} {bucket}"
        tail = doc.get("nps", {}).get("at")
        if tail and instant(tail) > ENDS_AT:
            yield f"{key} answered in the future"


def shipped() -> Programme:
    """Return the programme that the demo plays, compiled."""
    loaded = load_programme(load_folder(LIBRARY))
    templates: dict[tuple[str, str, str], str] = {
        (key.name, key.locale, key.kind): text for key, text in loaded.templates.items()
    }

    return compile_programme(
        loaded.policies, loaded.workflows, templates=templates, catalogue=catalogue_of(loaded)[0]
    )


def year(seed: int, until: datetime = ENDS_AT) -> list[str]:
    """Play one year, and return what was broken in it."""
    with tempfile.TemporaryDirectory(prefix=f"vouch-year-{seed}-") as folder:
        run_demo(seed, io.StringIO(), Path(folder), until=until)
        return look(Path(folder))


def look(folder: Path) -> list[str]:
    """Return what is broken in a year that was played into a folder."""
    store = Store.open(f"sqlite:///{folder / 'trial.db'}")
    try:
        with store.reader() as conn:
            return list(breaches(conn, shipped()))
    finally:
        store.close()


def seeds_of(text: str) -> list[int]:
    """Return the seeds that a text names.

    >>> seeds_of("1-3,7")
    [1, 2, 3, 7]
    """
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the years asked for, and say of each whether all held; 1 if something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.years", description=__doc__)
    parser.add_argument("--seeds", default="1-20", help="as 1-20, or 3,7")
    parser.add_argument("--at-once", type=int, default=1, help="years played beside each other")
    asked = parser.parse_args(arguments)
    seeds = seeds_of(asked.seeds)
    broken = 0
    with ProcessPoolExecutor(asked.at_once) as pool:
        for seed, found in zip(seeds, pool.map(year, seeds), strict=True):
            sys.stdout.write(f"seed {seed}: {'all held' if not found else len(found)}\n")
            sys.stdout.writelines(f"  {line}\n" for line in found[:SHOWN_MAX])
            sys.stdout.flush()
            broken += bool(found)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
