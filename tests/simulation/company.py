"""What happens at a company, by seed: customers, leads; late, doubled and bad events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from store.tables import AskRow, TaskRow
from tests.simulation import wide
from tests.simulation.shapes import shape_of
from workflows.state import iso

MONDAY = datetime(2027, 3, 1, 7, 30, tzinfo=UTC)
RETRY = timedelta(seconds=7)
SCORES = (3, 6, 8, 9, 10, 10)
FUTURE = timedelta(minutes=30)

KINDS = (
    "nps.answered", "nps.answered", "nps.answered", "project.delivered", "problem.solved",
    "product.upgraded", "favour.granted", "favour.granted", "optin.requested", "optin.confirmed",
    "contact.unsubscribed", "referral.submitted", "lead", "lead", "answer", "answer", "answer",
    "task", "task", "task", "message.reported", "contact.updated", "owner.changed", "quote.given",
)  # fmt: skip

_ASKS = sa.select(AskRow.key).order_by(AskRow.key)  # type: ignore[call-overload]
_TASKS = sa.select(TaskRow.key).order_by(TaskRow.key)  # type: ignore[call-overload]

Peek = Callable[[Any], list[Any]]


@dataclass(slots=True)
class Batch:
    """Events that are published together; the same again until they are acknowledged."""

    at: datetime
    specs: list[dict[str, Any]]
    events: list[dict[str, Any]] = field(default_factory=list)


class Company:
    """The events of one seed, in batches; which ask or task one is about is seen at its time.

    Attributes:
        poison: What an event of this id does: it `raises`, `kills` or holds bad `data`.
        bad: Ids of events that intake must refuse.
        left: Batches not acknowledged yet, those in flight included.
    """

    def __init__(self, seed: int) -> None:
        self._draw = Random(f"company/{seed}")
        shape = shape_of(seed)
        self._is_wide = shape.is_wide
        draw = self._draw
        self.start = MONDAY + timedelta(days=draw.randrange(60), minutes=draw.randrange(600))
        self.contacts = [f"c-{n}" for n in range(draw.randint(*shape.contacts))]
        self.poison: dict[str, str] = {}
        self.bad: set[str] = set()
        self.change_at = self.start + timedelta(days=draw.randint(2, 9))
        self._number = 0
        days = draw.choice(shape.days)
        if shape.is_brief:
            self.change_at = self.start + (self.change_at - self.start) * days / 10
        self.last = self.start + timedelta(days=days)
        self.end = self.last + timedelta(days=draw.choice(shape.quiet_days))
        self._waiting = self._plan(draw.randint(*shape.batches), days)
        self._flying = 0
        if draw.random() < 0.4:
            batch = draw.choice(self._waiting[1:])
            self.poison[batch.specs[0]["id"]] = draw.choice(("raises", "kills", "data"))

    # -- what is published ------------------------------------------------------------------------

    def _plan(self, count: int, days: int) -> list[Batch]:
        draw = self._draw
        known = [self._spec("contact.updated", contact) for contact in self.contacts]
        batches = [Batch(self.start, known)]
        for _ in range(count):
            at = self.start + timedelta(minutes=draw.randrange(1, days * 24 * 60))
            if draw.random() < 0.3:  # while the messages of the day leave
                at = at.replace(hour=draw.choice((8, 9)), minute=0, second=draw.randrange(4))
            specs = [
                self._spec(draw.choice(KINDS), draw.choice(self.contacts))
                for _ in range(draw.choice((1, 1, 1, 2, 5)))
            ]
            if draw.random() < 0.2:
                specs.append(draw.choice(specs))  # the same twice in one request
            batches.append(Batch(at, specs))
            if draw.random() < 0.25:  # and once more, minutes or days later
                batches.append(Batch(at + timedelta(minutes=draw.choice((0, 3, 4_000))), specs))
        if draw.random() < 0.3:
            batches += self._bad(draw.choice(batches).at)
        if self._is_wide:
            more = wide.more(draw, self.contacts, self._spec, (self.start, days))
            batches += [Batch(at, specs) for at, specs in more]
        return sorted(batches, key=lambda batch: batch.at)

    def _bad(self, at: datetime) -> list[Batch]:
        spec = self._spec("favour.granted", self.contacts[0])
        spec |= {"late": -FUTURE} if self._draw.random() < 0.5 else {"kind": "never.heard.of"}
        self.bad.add(spec["id"])
        neighbour = self._spec("favour.granted", self.contacts[-1])
        return [Batch(at, [spec, neighbour])]

    def _spec(self, kind: str, contact: str) -> dict[str, Any]:
        self._number += 1
        draw = self._draw
        late = timedelta(minutes=draw.choice((0, 0, 0, 0, 1, 90, 3_000)))
        return {"id": f"e-{self._number}", "kind": kind, "contact": contact, "late": late,
                "number": draw.randrange(1_000)}  # fmt: skip

    def waver(self) -> None:
        """Have everybody opt in at dawn and unsubscribe while the messages of the day leave."""
        at = self.start.replace(hour=6, minute=0) + timedelta(days=1)
        while at < self.last:
            self._waiting.append(
                Batch(at, [self._spec("optin.confirmed", c) for c in self.contacts])
            )
            for hour in (2, 3):
                noes = [self._spec("contact.unsubscribed", contact) for contact in self.contacts]
                for spec in noes:
                    spec |= {"late": timedelta(), "number": 2 * spec["number"]}
                self._waiting.append(Batch(at + timedelta(hours=hour, seconds=1), noes))
            at += timedelta(days=1)
        self._waiting.sort(key=lambda batch: batch.at)

    def unite(self) -> None:
        """Have everybody answer, one after another, and be merged into the first."""
        first, at = self.contacts[0], self.start + timedelta(hours=1)
        for contact in self.contacts:
            self._waiting.append(Batch(at, [self._spec("nps.answered", contact)]))
            at += timedelta(hours=4)
        merges = [
            {**self._spec("contact.merged", other), "into": first} for other in self.contacts[1:]
        ]
        self._waiting.append(Batch(at, merges))
        self._waiting.sort(key=lambda batch: batch.at)

    def crowd(self) -> None:
        """Have everybody else's events come together with the poison."""
        for batch in self._waiting:
            if any(spec["id"] in self.poison for spec in batch.specs):
                batch.specs = [
                    *batch.specs,
                    *(self._spec("favour.granted", contact) for contact in self.contacts),
                ]

    # -- who asks for more ------------------------------------------------------------------------

    @property
    def next_at(self) -> datetime | None:
        """When there is next something to publish."""
        return min((batch.at for batch in self._waiting), default=None)

    @property
    def left(self) -> bool:
        """Whether something is not acknowledged yet."""
        return bool(self._waiting) or bool(self._flying)

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens at the company."""
        return not self.left

    def is_due(self, now: datetime) -> bool:
        """Tell whether there is something to publish now."""
        return bool(self._waiting) and self._waiting[0].at <= now

    def take(self, peek: Peek, now: datetime) -> Batch:
        """Give the next batch to publish; it is as it was if it was tried before."""
        batch = self._waiting.pop(0)
        self._flying += 1
        if not batch.events:
            made: dict[str, dict[str, Any]] = {}
            for spec in batch.specs:
                if spec["id"] not in made:
                    made[spec["id"]] = spec.setdefault("made", self._event(spec, peek, now))
            batch.events = [made[spec["id"]] for spec in batch.specs]
        return batch

    def done(self) -> None:
        """A batch that was taken is acknowledged."""
        self._flying -= 1

    def again(self, batch: Batch, now: datetime) -> None:
        """A batch that was taken got no answer: it comes again soon."""
        self._flying -= 1
        self._waiting.append(Batch(now + RETRY, batch.specs, batch.events))
        self._waiting.sort(key=lambda each: each.at)

    # -- an event ---------------------------------------------------------------------------------

    def _event(self, spec: dict[str, Any], peek: Peek, now: datetime) -> dict[str, Any]:
        kind, contact = spec["kind"], spec["contact"]
        event = {"specversion": "1.0", "id": spec["id"], "source": "company", "type": kind,
                 "time": iso(now - spec["late"]), "subject": f"contact/{contact}"}  # fmt: skip
        if spec["number"] % 7 == 0:
            event["naturalkey"] = f"fact/{spec['id']}"
        if kind == "lead":
            return event | self._lead(spec)
        if kind == "answer":
            return event | self._answer(spec, peek)
        if kind == "task":
            return event | self._task(spec, peek)
        data = self._data(kind, spec) or wide.chosen(spec)
        if self._is_wide:
            data = wide.data_of(kind, data, contact)
        return event | {"data": data}

    def _data(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - a case a type
        number, contact = spec["number"], spec["contact"]
        match kind:
            case "nps.answered":
                return {"response": f"r-{contact}-{number % 3}", "improve": "sneller",
                        "score": SCORES[number % len(SCORES)]}  # fmt: skip
            case "project.delivered":
                return {"project_id": f"p-{number % 9}", "value_eur": number * 100}
            case "contact.unsubscribed":
                return {"topic": ("programme", "survey")[number % 2], "channel": "email"}
            case "contact.updated":
                place = int(contact[2:])
                return {"email": f"{contact}@acme.example", "first_name": f"Kim {number}",
                        "owner": ("u-sam", "u-ada")[place % 2],
                        "account": ("acme", "acme", "polder")[place % 3],
                        "phone": f"+3161234567{place}",
                        "consent": {"sms": ["programme"]} if number % 3 == 0 else {}}  # fmt: skip
            case "referral.submitted":
                lead = f"l-{number % 3}"
                return {"lead": {"id": lead, "name": "Daan", "email": f"{lead}@polder.example"},
                        "consent_to_contact": bool(number % 2)}  # fmt: skip
            case "message.reported":
                return {"class": "newsletter"}
            case "owner.changed":
                return {"owner": ("u-sam", "u-lena", "u-ada")[number % 3]}
            case "quote.given":
                return {"text": "Fijn team"}
            case _:
                return {}

    def _lead(self, spec: dict[str, Any]) -> dict[str, Any]:
        number, lead = spec["number"], f"l-{spec['number'] % 3}"
        kind = ("lead.stage_changed", "deal.won", "deal.lost", "lead.created")[number % 4]
        data: dict[str, Any] = {"lead": lead}
        if kind == "lead.created":
            data["referred_by"] = spec["contact"]
        elif kind == "lead.stage_changed":
            data["stage"] = ("contacted", "qualified")[number % 2]
        else:
            data |= {"deal": f"d-{lead}", "value_eur": number}
        return {"type": kind, "subject": None, "data": data}

    def _answer(self, spec: dict[str, Any], peek: Peek) -> dict[str, Any]:
        number = spec["number"]
        asks = [key for (key,) in peek(_ASKS)]
        if not asks:
            return {"type": "problem.solved", "data": {}}
        said = ("gladly", "not_now", "later", "never")[number % 4]
        return {"type": "ask.answered", "data": {"ask": asks[number % len(asks)], "answer": said}}

    def _task(self, spec: dict[str, Any], peek: Peek) -> dict[str, Any]:
        number = spec["number"]
        tasks = [key for (key,) in peek(_TASKS)]
        if not tasks:
            return {"type": "product.upgraded", "data": {}}
        data: dict[str, Any] = {"task": tasks[number % len(tasks)], "by": "u-olga"}
        word = ("closed", "closed", "accepted", "cancelled", "reassigned")[number % 5]
        if word == "closed" and number % 4:
            data["root_cause"] = "x"
        if word == "reassigned":
            data["to"] = "u-ben"
        return {"type": f"task.{word}", "data": data}
