"""What the oracle works on: messages and where they are, inputs that wait, and their names."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from workflows.state import Ask, Doc, Message, Task, Timer, iso, slice_of

Place = tuple[int, str]
"""A row: its slice and key. What went along with a merge has a row at both contacts."""
COUNTED = ("sending", "in_doubt", "sent", "reported")
OPERATOR = "vouch/operator"


def plain(value: Any) -> Any:
    """Return a document as it comes back from a database: a copy, of plain JSON."""
    return orjson.loads(orjson.dumps(value))


def gist(doc: Doc) -> Doc:
    """Return of a message's outcome what it says; how it is explained is for people."""
    told = str(doc.get("type", "")).startswith("message.") and "looked" not in doc
    if doc.get("type") == "message.failed":
        for fact in doc["facts"]:
            fact["data"]["reason"] = str(fact["data"].get("reason")).partition(":")[0]
    return {name: doc[name] for name in ("type", "facts")} if told else doc


@dataclass(slots=True)
class Mail:
    """A message and where it is."""

    message: Message
    status: str
    planned: datetime
    due: datetime
    token: str = ""
    leased_until: datetime | None = None
    reason: str = ""
    channel: str = ""
    locale: str = ""
    again: bool = False
    unsure: bool = False
    attempts: int = 0
    was: datetime | None = None
    fields: Doc = field(default_factory=dict)

    @property
    def may_have_left(self) -> bool:
        """Whether it takes a place in caps."""
        return self.status in COUNTED or (self.status == "pending" and self.unsure)


@dataclass(slots=True)
class Waiting:
    """An input in an inbox."""

    at: datetime
    event: Doc


def mark_of(arrival: Any) -> str:
    """Return what an event is known by: what is said to a run, at the actor that has it by then."""
    said = arrival.source == OPERATOR
    return f"{arrival.id} at {arrival.actors[0]}" if said else str(arrival.id)


def place_of(value: Ask | Task | Timer) -> Place:
    return slice_of(value.actor), value.key


def mark(event: Doc) -> str:
    return f"{event['source']}#{event['id']}"


def named(timer: Timer) -> str:
    return f"{timer.key}@{iso(timer.due_at)}"


def normal(address: str) -> str:
    return address.strip().casefold()


def key_of(each: Any) -> str:
    key: str = each.key
    return key


def copied(value: Any) -> Any:
    """Return a copy of a value whose document is its own."""
    return replace(value, doc=plain(value.doc))
