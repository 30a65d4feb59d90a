"""`vouch events`: what came in, and what did not."""

from typing import Annotated

import typer

from store.listings import events
from store.listings.pages import Page
from workers.cli.context import Format, the_reader
from workers.cli.groups import Group
from workers.cli.options import Contact, Limit, Offset, Since, Until, instant
from workers.cli.tables import show, show_one

tree = typer.Typer(
    cls=Group, help="What came in: list, show, and what was refused.", no_args_is_help=True
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
