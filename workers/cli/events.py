"""`vouch events`: what came in, and what did not."""

from collections import Counter
from typing import Annotated

import typer

from store import unmapped
from store.db import Connection
from store.listings import events
from store.listings.pages import Page
from workers import bulk, remapping
from workers.cli.bulk import Rows, progress
from workers.cli.context import Format, UsageError, operator, the_process, the_reader
from workers.cli.groups import Group
from workers.cli.options import Contact, DryRun, Limit, Offset, Since, Until, Who, instant
from workers.cli.tables import show, show_one

tree = typer.Typer(
    cls=Group,
    help="What came in: list, show, what was refused, what nothing mapped.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="events")


Type = Annotated[str, typer.Option("--type", help="Only of this type.")]
Source = Annotated[str, typer.Option(help="Only from this source.")]


@tree.command("list")
def list_(  # noqa: PLR0917 - filters
    contact: Contact = "",
    type_: Type = "",
    source: Source = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List accepted events, newest first.

    Example: vouch events list --contact c-anna --type nps.answered
    """
    with the_reader() as conn:
        rows = events.events(
            conn, contact=contact, type=type_, source=source,
            since=instant(since), until=instant(until), page=Page(limit, offset),
        )  # fmt: skip
    show(rows, format_, columns=("arrived", "type", "contact", "source", "id"), total=limit)


@tree.command("show")
def show_(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    format_: Format = "text",
) -> None:
    """Show an event whole, as it was accepted.

    Example: vouch events show 5f0c-nps-17
    """
    with the_reader() as conn:
        row = events.event(conn, id_)
    show_one(row, format_, what="event")


@tree.command("unmapped")
def unmapped_(
    seq: Annotated[
        int, typer.Argument(metavar="[SEQ]", help="One of them, whole.", show_default=False)
    ] = 0,
    source: Source = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List webhooks that no entry of their source takes, oldest first; with SEQ show one whole.

    The newest thousand of each source are kept. Add the entry, apply, and map them:
    vouch events remap.

    Example: vouch events unmapped --source delighted
    """
    with the_reader() as conn:
        if seq:
            row = unmapped.show(conn, seq)
            show_one(row, format_, what="webhook", noun="events unmapped")
            return
        rows = unmapped.listed(conn, source=source, page=Page(limit, offset))
    show(rows, format_, columns=("at", "source", "bytes", "delivery", "seq"), total=limit)


@tree.command("remap")
def remap(
    seq: Annotated[
        list[int] | None,
        typer.Argument(metavar="[SEQ]...", help="Those meant, by the list.", show_default=False),
    ] = None,
    *,
    source: Source = "",
    by: Who = "",
    dry_run: DryRun = False,
) -> None:
    """Map kept webhooks by the programme as it is now, with the contacts that they name.

    What becomes an event, or was one already, is kept no longer; the others stay.

    Example: vouch events remap --source delighted --by u-sam --dry-run
    """
    if bool(seq) == bool(source):
        raise UsageError("which webhooks?", hint="their numbers, or --source")
    came: Counter[str] = Counter()

    def page(conn: Connection, after: str) -> Rows:
        at = int(after or 0)
        return unmapped.listed(conn, source=source, seqs=seq or (), after=at, page=bulk.PAGE)

    with the_process() as process:

        def act(rows: Rows) -> int:
            these = remapping.remap(process.app, rows)
            came.update(these)
            return these["accepted"]

        told = {"source": source, "numbers": " ".join(map(str, seq or ()))}
        many = bulk.Many("events remap", told, page, "seq", act)
        done = bulk.do(process.app, many, by=by or operator(), dry_run=dry_run, progress=progress)
    if dry_run:
        typer.echo(f"{done.meant} would be tried; nothing was changed")
        return
    said = ", ".join(f"{count} {what}" for what, count in sorted(came.items()))
    typer.echo(said or "there are none")


@tree.command("rejects")
def rejects(  # noqa: PLR0917 - filters
    verdict: Annotated[
        str, typer.Option(help="Only with this verdict: rejected, duplicate or parked.")
    ] = "",
    type_: Type = "",
    source: Source = "",
    reason: Annotated[str, typer.Option(help="Only for this reason.")] = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List what did not enter and why, newest first: refused, seen before, or parked.

    Example: vouch events rejects --verdict rejected --source crm
    """
    with the_reader() as conn:
        rows = events.rejects(
            conn, verdict=verdict, source=source, type=type_, reason=reason,
            since=instant(since), until=instant(until), page=Page(limit, offset),
        )  # fmt: skip
    columns = ("at", "verdict", "reason", "field", "type", "source", "event")
    show(rows, format_, columns=columns, total=limit)
