"""What must have come out, by the engine alone in memory, and what is different from it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.chaos.sinks import Sinks
from benchmarks.chaos.traffic import Raw
from tests.replay import Replay, compiled
from tests.services import libpq
from workers.channels.base import digest
from workflows.compiled import Programme
from workflows.state import Doc, iso
from workflows.steps.calling import is_call

PROGRAMME = Path(__file__).parent / "programme"
SETTLED = timedelta(hours=1)
"""Every wait of the programme is shorter, every due time of a task or hold longer."""


@dataclass
class Contact(Replay):
    """One contact's story, in memory; whoever is called answers at once."""

    called: dict[str, str] = field(default_factory=dict)

    def _deliver(self) -> None:
        for message in [m for m in self.pending.values() if is_call(m.to)]:
            del self.pending[message.key]
            self.called[message.key] = str(message.doc.get("idempotency", message.key))
            event: Doc = {
                "id": f"{message.key}/attempt", "source": "vouch", "type": "call.attempted",
                "fact": True, "time": iso(self.now), "run": message.run, "step": message.step,
                "contact": message.actor.removeprefix("contact/"),
                "data": {"message": message.key, "endpoint": "crm", "attempt": 1, "status": 200,
                         "ended": "done"},
            }  # fmt: skip
            self._handle(message.actor, event=event)
        super()._deliver()


@dataclass
class Expected:
    """Every key that must be there, by kind, and what people and systems must have got."""

    keys: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ended: set[str] = field(default_factory=set)
    mails: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    balance: int = 0


def expected(published: Sequence[Raw], now: datetime) -> Expected:
    """Replay what was published, contact by contact."""
    programme: Programme = compiled(PROGRAMME)
    stories: defaultdict[str, list[Raw]] = defaultdict(list)
    for raw in published:
        stories[raw["subject"].removeprefix("contact/")].append(raw)
    found = Expected()
    for contact, events in stories.items():
        world = Contact(programme, now)
        for raw in events:
            world.event({**raw, "contact": contact, "account": "", "lead": ""})
        world.advance(now + SETTLED)
        _add(found, world)
    return found


def _add(found: Expected, world: Contact) -> None:
    found.keys["run"] |= world.runs.keys()
    found.keys["task"] |= world.tasks.keys()
    found.keys["timer"] |= world.timers.keys()
    found.keys["ledger"] |= {entry.key for entry in world.entries}
    found.keys["outbox"] |= world.sent.keys() | world.called.keys() | world.skipped.keys()
    found.ended |= {key for key, run in world.runs.items() if run.status == "ended"}
    found.mails |= {digest(key) for key in world.sent}
    found.calls |= {f"msg_{digest(key)}" for key in world.called.values()}
    found.balance += sum(abs(entry.delta) for entry in world.entries)


_KEYS = {
    "run": "SELECT id FROM run",
    "task": "SELECT key FROM task",
    "timer": "SELECT key FROM timer",
    "ledger": "SELECT key FROM ledger",
    "outbox": "SELECT key FROM outbox",
}


@dataclass(frozen=True)
class Line:
    """One line of the table: what, how many there must be, are, lack and are too many."""

    what: str
    wanted: int
    found: int
    missing: int
    doubled: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is missing and nothing too much."""
        return not (self.missing or self.doubled) and self.wanted == self.found


def compare(wanted: Expected, database: str, sinks: Sinks, published: Sequence[Raw]) -> list[Line]:
    """Count everything against what must be there."""
    with psycopg.connect(libpq(database)) as conn:

        def column(query: str) -> list[str]:
            return [row[0] for row in conn.execute(query).fetchall()]

        def number(query: str) -> int:
            return int(column(query)[0] or 0)

        ids = column("SELECT id FROM event WHERE source = 'chaos'")
        lines = [_line("events", {raw["id"] for raw in published}, ids)]
        lines += [_line(what, wanted.keys[what], column(query)) for what, query in _KEYS.items()]
        ended = column("SELECT id FROM run WHERE status = 'ended'")
        lines.append(_line("runs ended", wanted.ended, ended))
        booked = number("SELECT sum(abs(delta)) FROM ledger")
        lines.append(Line("stars booked", wanted.balance, booked, *_gap(wanted.balance, booked)))
        for what, query in _NONE.items():
            count = number(query)
            lines.append(Line(what, 0, count, 0, count))
    lines.append(_line("mails people got", wanted.mails, sinks.mails.elements()))
    lines.append(_line("calls (by key)", wanted.calls, set(sinks.calls)))
    return lines


_NONE = {
    "dead letters": "SELECT count(*) FROM dead",
    "inbox left": "SELECT count(*) FROM inbox",
    "not sent": "SELECT count(*) FROM outbox WHERE status <> 'sent'",
}


def _line(what: str, wanted: set[str], found: Iterable[str]) -> Line:
    counted = Counter(found)
    doubled = sum(n - 1 for n in counted.values()) + len(counted.keys() - wanted)
    return Line(what, len(wanted), counted.total(), len(wanted - counted.keys()), doubled)


def _gap(wanted: int, found: int) -> tuple[int, int]:
    return max(0, wanted - found), max(0, found - wanted)


def table(lines: Sequence[Line]) -> str:
    """Return the lines as text."""
    head = f"{'what':20}{'must be':>10}{'is':>10}{'missing':>10}{'doubled':>10}"
    rows = [
        f"{one.what:20}{one.wanted:>10}{one.found:>10}{one.missing:>10}{one.doubled:>10}"
        f"{'' if one.is_right else '   <- WRONG'}"
        for one in lines
    ]
    return "\n".join([head, *rows])
