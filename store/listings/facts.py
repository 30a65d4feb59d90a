"""Why something happened, or nothing: decisions, and the facts that they made."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, table_of
from store.listings.pages import FIRST, Dicts, Page, between, listed, of_actor, read
from store.tables import DecisionRow
from workflows.records import facts_of, looks_of, paths_read
from workflows.state import Doc, slice_of

FACTS_MAX = 100_000
"""Most facts of one answer."""

_CHUNK = 500

_decision = table_of(DecisionRow)


def made(actor: str, at: datetime, cause: str, doc: Doc) -> Iterator[dict[str, Any]]:
    """Give the facts of one decision, each with what the decision says once for all of them.

    Who looked and did not start a run is a fact too, `run.refused`, told from `looked`.
    """
    kind, _, name = actor.partition("/")
    whose = {"key": cause, "contact": name if kind == "contact" else ""}
    if kind == "account":
        whose["account"] = name
    shared: dict[str, Any] = {"at": at, "cause": cause}
    if "rule" in doc:
        shared["rule"] = doc["rule"]
    if "because" in doc:
        operand, saw = doc["because"]
        shared |= {"operand": operand, "saw": dict(zip(paths_read(operand), saw, strict=False))}
    for fact in facts_of(doc):
        yield {**whose, **fact, **shared}
    for look in looks_of(doc):
        if "refused" in look:
            names = ("operand", "per")
            data = {"reason": look["refused"], **{name: look.get(name) for name in names}}
            yield {
                **whose,
                "contact": look.get("contact", whose["contact"]),
                **shared,
                "fact": "run.refused",
                "workflow": look["workflow"],
                "data": {name: value for name, value in data.items() if value is not None},
            }


def each_fact(
    conn: Connection,
    *,
    actor: str = "",
    types: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Give facts in the order in which they were made, read as they are asked for.

    Each is as the engine recorded it, its `at` an instant, and with its `cause`. `since` and
    `until` are when the decision was made.
    """
    found = between(_of(actor), _decision.c.at, since, until)
    rows = conn.execute(found.execution_options(yield_per=_CHUNK))
    try:
        for row in rows:
            for fact in made(row.actor, row.at, row.cause, row.doc):
                if not types or fact["fact"] in types:
                    yield fact
    finally:
        rows.close()


def facts(
    conn: Connection,
    *,
    actor: str = "",
    types: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 1_000,
) -> Dicts:
    """Return the first `limit` facts that `each_fact` gives."""
    found = each_fact(conn, actor=actor, types=types, since=since, until=until)
    return list(islice(found, min(limit, FACTS_MAX)))


def timeline(conn: Connection, actor: str, *, limit: int = 1_000) -> Dicts:
    """Return what happened to a contact, in order: each input it handled, then its facts.

    An input that made no fact is there too, with those that looked at it and why they did
    not match. `kind` is `input` or `fact`.
    """
    found: Dicts = []
    limit = min(limit, FACTS_MAX)
    for row in conn.execute(_of(actor).limit(limit)):
        looked = list(looks_of(row.doc))
        heading = {"kind": "input", "at": row.at, "type": row.doc.get("type", "")}
        found.append({**heading, "cause": row.cause, "looked": looked})
        found += ({**fact, "kind": "fact"} for fact in made(row.actor, row.at, row.cause, row.doc))
        if len(found) >= limit:
            break
    return found[:limit]


def decisions(conn: Connection, *, contact: str = "", page: Page = FIRST) -> Dicts:
    """Return decisions whole, newest first."""
    found = of_actor(listed(_decision, *_decision.c.keys()), _decision.c.actor, contact)
    return read(conn, found.order_by(_decision.c.seq.desc()), page)


def decisions_of(
    conn: Connection, cause: str, actors: Collection[str], *, page: Page = FIRST
) -> Dicts:
    """Return what these actors made of one event, timer or message, in order."""
    found = listed(_decision, *_decision.c.keys()).where(
        _decision.c.slice.in_(sorted({slice_of(actor) for actor in actors})),
        _decision.c.actor.in_(sorted(actors)),
        _decision.c.cause == cause,
    )
    return read(conn, found.order_by(_decision.c.seq), page)


def _of(actor: str) -> sa.Select[Any]:
    found = sa.select(_decision.c.actor, _decision.c.at, _decision.c.cause, _decision.c.doc)
    if not actor:
        found = found.where(_decision.c.slice.in_(ANY_SLICE))
    return of_actor(found, _decision.c.actor, actor).order_by(_decision.c.seq)
