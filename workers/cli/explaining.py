"""`vouch explain ID`: why something happened, or nothing."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from store.db import Connection
from store.listings import work
from workers.cli.context import Format, UsageError, programme_of, require_format, the_store
from workers.cli.tables import as_json
from workers.clock import SystemClock
from workers.explained import lines_of, runs_named
from workers.explanation import Explanation, explanation_of
from workers.places import Places
from workers.telling import Teller

UTC = ZoneInfo("UTC")


def add_to(app: typer.Typer) -> None:
    """Add this command to the tree."""
    app.command("explain")(explain)


def explain(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="An event's, run's, task's, ask's, message's or contact's id."
        ),
    ],
    format_: Format = "text",
) -> None:
    """Say why something happened, or nothing.

    Of an event: who looked at it, which part of a condition was false and what it read then, and
    what came of it. Of a run, task, ask, message or contact: what it is now, and all that happened
    to it, by the programme's clock. Rules are named by file, line and column, as they stood in the
    version that applied.

    Example: vouch explain 5f0c-nps-17
    """
    require_format(format_, "text", "json")
    with the_store() as store:
        programme = programme_of(store)
        zone = programme.zone if programme else UTC
        with store.reader() as conn:
            found = _found(conn, id_)
            teller = Teller(zone, Places(conn), work.versions(conn, runs_named(found)))
            if format_ == "json":
                timeline = [teller.placed(row) for row in found.timeline]
                said = {"kind": found.kind, "id": found.id, "is": found.row, "timeline": timeline}
                lines = [as_json(said)]
            else:
                lines = list(lines_of(found, teller, SystemClock().now()))
    for line in lines:
        typer.echo(line)


def _found(conn: Connection, id_: str) -> Explanation:
    found = explanation_of(conn, id_)
    if found is None:
        raise UsageError(
            f"nothing is known by the id {id_!r}",
            hint="vouch events list has ids, and so have runs, tasks, asks, outbox and contacts",
        )
    return found
