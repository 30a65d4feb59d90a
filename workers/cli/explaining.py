"""`vouch explain ID`: why something happened, or nothing."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from store import contacts as store_contacts
from store.db import Connection
from store.listings import events, facts, work
from store.listings.pages import actor_key
from workers.cli import context
from workers.cli.context import UsageError
from workers.cli.tables import as_json
from workers.programmes import Programmes
from workers.clock import SystemClock
from workers.sentences import REASONS, sentence, when


def explain(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="An event's, run's, task's, ask's, message's or contact's id."
        ),
    ],
    format_: Annotated[str, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Say what an event, run, task, ask, message or contact led to, who looked, and why not."""
    with context.the_store() as store:
        zone = _zone(Programmes(store, SystemClock()))
        with store.reader() as conn:
            what, rows = _find(conn, id_)
    if format_ == "json":
        typer.echo(as_json(rows))
        return
    typer.echo(what)
    for row in rows:
        for line in _lines(row, zone):
            typer.echo(line)


def _zone(programmes: Programmes) -> ZoneInfo:
    return programmes.current().programme.zone


def _find(conn: Connection, id_: str) -> tuple[str, list[dict[str, Any]]]:
    """Return what an id is, and its part of the timeline."""
    event = events.event(conn, id_)
    if event is not None:
        rows = [row for d in facts.decisions_of(conn, id_) for row in _rows_of(d)]
        return f"event {event['type']} of {event['contact'] or 'nobody'}", rows
    for name, find in (
        ("run", work.run),
        ("task", work.task),
        ("ask", work.ask),
        ("message", work.message),
    ):
        found = find(conn, id_)
        if found is not None:
            mine = [
                row
                for row in facts.timeline(conn, found["actor"], limit=100_000)
                if row["kind"] == "fact" and (row["key"].startswith(id_) or row.get("run") == id_)
            ]
            return f"{name} of {found['actor']}", mine
    key = actor_key(id_)
    if store_contacts.get(conn, [key]):
        return f"timeline of {key}", facts.timeline(conn, key, limit=100_000)
    raise UsageError(
        f"nothing is known by the id {id_!r}",
        hint="ids are in: vouch events|runs|tasks|asks|outbox|contacts list",
    )


def _rows_of(decision: dict[str, Any]) -> list[dict[str, Any]]:
    doc = decision["doc"]
    heading = {
        "kind": "input",
        "at": decision["at"],
        "type": doc.get("type", ""),
        "cause": decision["cause"],
        "looked": doc.get("looked", []),
    }
    return [heading, *({**fact, "kind": "fact"} for fact in doc.get("facts", ()))]


def _lines(row: dict[str, Any], zone: ZoneInfo) -> list[str]:
    if row["kind"] == "fact":
        if row["fact"] == "run.refused":
            return []  # said with its input
        return [f"  {when(row['at'], zone)}  {sentence(row, zone)}"]
    lines = [f"{when(row['at'], zone)}  {row['type'] or 'input'} {row['cause']}"]
    for look in row["looked"]:
        why = "started"
        if look.get("refused"):
            why = f"did not start, because {REASONS.get(look['refused'], look['refused'])}"
            why += f": {look['operand']}" if look.get("operand") else ""
        lines.append(f"  {look['workflow']} ({look['version'][:8]}) {why}")
    return lines
