"""What must have come out of a run, and everything in which what came out differs from it."""

import dataclasses
from collections import Counter
from typing import Any

import sqlalchemy as sa

from store.tables import (
    ActorRow,
    AskRow,
    ConsentRow,
    DeadRow,
    DecisionRow,
    EventRow,
    InboxRow,
    LedgerRow,
    OutboxRow,
    RunRow,
    TaskRow,
    TimerRow,
)
from store.tables_beside import ErasureRow
from tests.simulation import rules
from tests.simulation.mail import Post
from tests.simulation.model import Model
from tests.simulation.shapes import shape_of
from tests.simulation.things import gist, plain
from tests.simulation.world import World
from workflows.state import Run

FINDINGS_MAX = 12
TABLES = {"runs": RunRow, "asks": AskRow, "tasks": TaskRow, "timers": TimerRow,
          "entries": LedgerRow}  # fmt: skip


def replay(world: World) -> Model:
    """Play the log of a run from its beginning."""
    every = {hash_: w for v in world.versions for hash_, w in v.programme.versions.items()}
    programmes = {
        version.hash: dataclasses.replace(version.programme, versions=dict(every))
        for version in world.versions
    }
    forgets = shape_of(world.seed).keeps is not None
    bundles = {v.hash: plain(v.loaded.bundle()) for v in world.versions}
    model = Model(programmes, bundles, forgets)
    post = Post(model)
    takes: dict[str, Any] = {
        "intake": model.intake, "drain": model.drain, "dead": model.set_aside,
        "apply": model.apply, "suppress": model.suppress,
    }  # fmt: skip
    ways = sorted(world.delivered, key=lambda each: each.place)
    unheard = sorted(world.unheard)
    asked = list(world.outside.asked)
    for place, note in enumerate(world.log):
        while ways and ways[0].place <= place:
            post.delivered(ways.pop(0))
        while asked and asked[0].place <= place:
            post.outward.asked(asked.pop(0))
        while unheard and unheard[0][0] <= place:
            post.unheard(unheard.pop(0)[1])
        try:
            take = takes.get(note.kind) or getattr(post, note.kind)
            take(**note.doc)
        except Exception as error:  # noqa: BLE001 - the log tells of what cannot be
            model.find(f"{note.kind} cannot be: {type(error).__name__} {error}")
            break
    return model


def judge(world: World) -> list[str]:
    """Return what is wrong with a run that is over; nothing if all is well."""
    model = replay(world)
    rows = Rows(world)
    differences = [] if model.findings else _differences(rows, model)
    sources = (model.findings, differences, rules.broken(world, rows, model), world.unexpected)
    return [finding for found in sources for finding in found[:FINDINGS_MAX]]


class Rows:
    """What the database holds, read without anybody's help: a list for each table."""

    runs: list[Any]
    asks: list[Any]
    tasks: list[Any]
    timers: list[Any]
    entries: list[Any]
    actors: list[Any]
    consents: list[Any]
    dead: list[Any]
    decisions: list[Any]
    events: list[Any]
    inbox: list[Any]
    messages: list[Any]
    erasures: list[Any]

    def __init__(self, world: World) -> None:
        with world.store.reader() as conn:
            for name, select in _SELECTS.items():
                setattr(self, name, list(conn.execute(select)))


def _every(row: Any) -> sa.Select[Any]:
    table: sa.Table = row.__table__
    order = [c for c in table.c if c.name in ("seq", "key", "id")]
    columns = [c.label("class_") if c.name == "class" else c for c in table.c]
    return sa.select(*columns).order_by(*order)


_SELECTS = {
    name: _every(row)
    for name, row in {
        **TABLES, "actors": ActorRow, "consents": ConsentRow, "dead": DeadRow,
        "decisions": DecisionRow, "events": EventRow, "inbox": InboxRow, "messages": OutboxRow,
        "erasures": ErasureRow,
    }.items()
}  # fmt: skip


def _differences(rows: Rows, model: Model) -> list[str]:
    found: list[str] = []
    for name in TABLES:
        mine: dict[tuple[int, str], Any] = getattr(model, name)
        theirs = {
            (each.slice, getattr(each, "id" if name == "runs" else "key")): each
            for each in getattr(rows, name)
        }
        found += [
            f"{name}: {key} is not in the database" for key in sorted(mine.keys() - theirs.keys())
        ]
        found += [f"{name}: {key} ought not to be" for key in sorted(theirs.keys() - mine.keys())]
        for key in sorted(mine.keys() & theirs.keys()):
            if not _is_emptied(mine[key], model):
                found += _fields(f"{name}: {key[1]}", mine[key], theirs[key])
    found += _actors(rows, model) + _decisions(rows, model) + _mails(rows, model)
    stored = Counter((each.source, each.id) for each in rows.events)
    wanted = Counter((source, mark.partition(" at ")[0]) for source, mark in model.events)
    if stored != wanted:
        found.append(f"events: too many {stored - wanted}, missing {wanted - stored}")
    return sorted(found)


def _is_emptied(mine: Any, model: Model) -> bool:
    """Tell whether a row may have lost its words: it is over, and somebody forgotten, or old."""
    over = getattr(mine, "status", "live") not in {"live", "pending", "open"}
    return over and (mine.actor in model.emptied or (model.forgets and isinstance(mine, Run)))


def _fields(what: str, mine: Any, theirs: Any) -> list[str]:
    found = []
    for each in dataclasses.fields(mine):
        wanted, got = getattr(mine, each.name), getattr(theirs, each.name)
        if each.name == "doc":
            wanted, got = plain(wanted), plain(got)
        if wanted != got:
            found.append(f"{what}.{each.name} is {got!r}, not {wanted!r}")
    return found


def _actors(rows: Rows, model: Model) -> list[str]:
    theirs = {each.key: plain(each.doc) for each in rows.actors if each.doc}
    mine = {key: doc for key, doc in model.docs.items() if doc}
    found = _unlike("actor", mine, theirs)
    said = {(c.actor, c.channel, c.topic): (bool(c.granted), c.at) for c in rows.consents}
    known = {key: (word.granted, word.at) for key, word in model.consents.items()}
    return found + ([] if said == known else [f"consents: {said} is not {known}"])


def _decisions(rows: Rows, model: Model) -> list[str]:
    theirs: dict[str, list[Any]] = {}
    for row in rows.decisions:
        theirs.setdefault(row.actor, []).append((row.cause, row.doc))
    found = []
    for actor in sorted(theirs.keys() | model.records.keys()):
        kept, every = theirs.get(actor, []), model.records.get(actor, [])
        if model.forgets:
            every = _those_kept(kept, every)
        got, wanted = _alike(kept, every)
        if actor in model.emptied:
            got, wanted = _without_touch(got), _without_touch(wanted)
        if got != wanted:
            place = next((i for i, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b),
                         min(len(got), len(wanted)))  # fmt: skip
            found.append(f"decision {place} of {actor}: {got[place:place + 1]}"
                         f" is not {wanted[place:place + 1]}")  # fmt: skip
    return found


def _those_kept(theirs: list[Any], every: list[Any]) -> list[Any]:
    """Return the decisions that were kept, of all there were: from the end, since old ones go."""
    found, left = [], list(every)
    for each in reversed(theirs):
        while left and _differ(*_alike([each], left[-1:])):
            left.pop()
        found += [left.pop()] if left else []
    return found[::-1]


def _differ(got: list[Any], wanted: list[Any]) -> bool:
    return _without_touch(got) != _without_touch(wanted)


def _alike(theirs: list[Any], mine: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return decisions as they are compared: where words were taken out, by the facts' names."""
    got = [(cause, gist(plain(doc))) for cause, doc in theirs]
    wanted = list(mine)
    for place, (_, doc) in enumerate(theirs):
        if doc.get("erased"):
            got[place] = _outline(*got[place])
            wanted[place : place + 1] = [_outline(*each) for each in wanted[place : place + 1]]
    return got, wanted


def _without_touch(decisions: list[Any]) -> list[Any]:
    """Return them without what a message knew that lost its words while it was in doubt."""
    found = plain(decisions)
    for _, doc in found:
        for fact in doc["facts"] if isinstance(doc, dict) else ():
            fact.get("data", {}).pop("touch", None)
    return list(found)


def _outline(cause: str, doc: Any) -> tuple[str, Any]:
    return cause, [doc.get("type"), [fact.get("fact") for fact in doc.get("facts", ())]]


def _mails(rows: Rows, model: Model) -> list[str]:
    theirs = {each.key: (each.status, each.planned_at, each.to) for each in rows.messages}
    mine = {key: (each.status, each.planned, each.message.to) for key, each in model.mails.items()}
    return _unlike("message", mine, theirs)


def _unlike(what: str, mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    return [
        f"{what} {key}: {theirs.get(key)} is not {mine.get(key)}"
        for key in sorted(theirs.keys() | mine.keys())
        if theirs.get(key) != mine.get(key)
    ]
