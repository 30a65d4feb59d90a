"""Values of the core as rows and back: what the set-based statements of both databases share.

A row has the values of its table's columns, in their order here; documents are text already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

import store.tables
import store.tables_beside  # noqa: F401 - both fill SQLModel.metadata
from store.types import Json, UTCDateTime, as_json
from workflows.state import Ask, Consent, Doc, Entry, Erasure, Message, Run, Task, Timer, slice_of

Row = Sequence[Any]

# Where a drain's rows of one kind go. Of these tables a slice's drain is the only writer.
OWNED = ("actor", "run", "ask", "task", "timer")
ABSORBED = ("outbox", "ledger", "erasure")  # the same key again changes nothing
# But an order of erasure: given again in an instant in which it was carried out, it is anew.
AGAIN = {
    "erasure": "(slice, actor, at, about) DO UPDATE SET stage = '', after = '', done_at = NULL"
    " WHERE erasure.done_at IS NOT NULL"
}
NUMBERED = ("inbox", "decision", "dead")  # a fresh seq a row, in the order given
OPEN_ASKS = ("pending", "open")

_TYPES: dict[str, type[Any]] = {"run": Run, "ask": Ask, "task": Task, "timer": Timer}
_TYPES |= {"consent": Consent, "outbox": Message, "ledger": Entry, "erasure": Erasure}
_RENAMED = {"class_": "class"}  # a keyword in Python
# What a message begins with, the same for all: part of the statement, not of the rows.
CONSTANTS = {
    "erasure": {"stage": "''", "after": "''"},
    "outbox": {"attempts": "0"}
    | dict.fromkeys(("token", "channel", "locale", "message_id", "reason"), "''"),
}


def _names(table: str) -> tuple[str, ...]:
    return tuple(each.name for each in fields(_TYPES[table]))


COLUMNS: dict[str, tuple[str, ...]] = {
    "actor": ("slice", "key", "email", "phone", "account", "doc"),
    "inbox": ("slice", "actor", "accepted_at", "doc"),
    "decision": ("slice", "actor", "at", "cause", "doc"),
    "dead": ("slice", "actor", "at", "kind", "type", "error", "tries", "status", "doc"),
    "event": (
        *("slice", "source", "id", "natural_key", "type", "contact"),
        *("time", "arrived", "doc"),
    ),
    "reject": ("at", "verdict", "source", "event", "type", "reason", "field"),
} | {table: ("slice", *(_RENAMED.get(n, n) for n in _names(table))) for table in _TYPES}
COLUMNS["outbox"] += ("due_at",)

TABLES: dict[str, sa.Table] = {name: SQLModel.metadata.tables[name] for name in COLUMNS}
KEYS = {name: tuple(column.name for column in TABLES[name].primary_key) for name in COLUMNS}


def columns_of(table: str, kind: type[UTCDateTime] | type[Json]) -> frozenset[str]:
    """Return the names of a table's columns that hold instants, or documents."""
    return frozenset(column.name for column in TABLES[table].c if isinstance(column.type, kind))


def row_maker(table: str, owner: str = "actor") -> Callable[[Any], Row]:
    """Return a function from a value to its row, in the slice of the actor named by `owner`."""
    values = attrgetter(*_names(table))
    actor = attrgetter(owner)
    docs = [place for place, name in enumerate(COLUMNS[table]) if name in columns_of(table, Json)]

    def row(value: object) -> Row:
        made = [slice_of(actor(value)), *values(value)]
        for place in docs:
            made[place] = as_json(made[place])
        return made

    return row


def value_maker(table: str) -> Callable[[list[Any]], Any]:
    """Return a function from a loaded row (without its slice) to the value it holds."""
    kind = _TYPES[table]
    names = _names(table)
    times = columns_of(table, UTCDateTime)
    places = tuple(place for place, name in enumerate(names) if name in times)

    def value(row: list[Any]) -> object:
        for place in places:
            text = row[place]
            if text is not None:
                row[place] = datetime.fromisoformat(text)
        return kind(*row)

    return value


def loaded_columns(table: str) -> tuple[str, ...]:
    """Return the columns that `value_maker` wants, in its order."""
    return COLUMNS[table][1:]


def newest(consents: Sequence[Consent]) -> list[Consent]:
    """Return the one word that counts per contact, channel and topic, in order of the key.

    The most recent wins and a no wins a tie. One order for everybody keeps two
    transactions from waiting for each other.
    """
    best: dict[tuple[str, str, str], Consent] = {}
    for each in consents:
        key = (each.actor, each.channel, each.topic)
        known = best.get(key)
        if known is None or (each.at, not each.granted) > (known.at, not known.granted):
            best[key] = each
    return [best[key] for key in sorted(best)]


@dataclass(slots=True)
class Accepted:
    """What intake offers: rows of `event`, then whose inbox each enters and what it grants.

    `actors` and `consents` start with the place of their event in `events`. `keys` are the
    names of the API keys that publish them.
    """

    events: list[Row]
    actors: list[tuple[int, int, str]]  # place, slice, actor
    consents: list[Row]  # place, then a row of consent
    keys: list[str]


@dataclass(slots=True)
class Loaded:
    """What a drain read: rows as JSON has them, documents parsed, instants still text."""

    tries: dict[int, int]  # by slice
    inputs: list[list[Any]]  # slice, actor, at, seq, timer's key or '', doc
    actors: list[list[Any]]  # key, doc
    accounts: list[list[Any]]  # actor, doc of the account it belongs to
    values: dict[str, list[list[Any]]]  # run, ask, task, timer, consent: `loaded_columns`


@dataclass(slots=True)
class Writes:
    """What a drain writes: rows by table, what to delete, the slices whose tries start anew."""

    slices: list[int]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    handled: list[tuple[int, int]] = field(default_factory=list)  # slice, seq of the inbox
    timers_gone: list[tuple[int, str]] = field(default_factory=list)  # slice, key


def message_row(message: Message) -> Row:
    """Return the row of a message nobody has looked at yet, in its recipient's slice."""
    return (*_message(message), message.planned_at)


def share_of(limit: int, slices: int) -> int:
    """Return how many events, and how many timers, a batch looks at in one of its slices.

    Twice the slice's part, so that what piled up elsewhere is never read in vain; a slice
    that has more is drained again, alone if need be.
    """
    return max(1, 2 * limit // max(1, slices))


def account_key(account: str) -> str:
    """Return the actor key of an account: its id with `account/` before it."""
    return account if account.startswith("account/") else f"account/{account}"


def doc_text(doc: Doc, name: str) -> str:
    """Return a field of an actor's document that has a column of its own."""
    return doc.get(name) or ""


_message = row_maker("outbox", owner="to")
