"""`vouch runs` and `vouch asks`: what workflows are doing, and what they asked."""

from typing import Annotated

import typer

from store.listings import work
from store.listings.pages import Page
from workers import operators
from workers.cli.context import Format, operator, the_process, the_reader
from workers.cli.options import By, Contact, Limit, Offset, Since, Status, Until, instant
from workers.cli.tables import show, show_one

runs_tree = typer.Typer(help="Workflows under way: list, show, cancel.", no_args_is_help=True)
asks_tree = typer.Typer(help="Questions to contacts: list and show.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(runs_tree, name="runs")
    app.add_typer(asks_tree, name="asks")


RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id.")]


@runs_tree.command("list")
def list_runs(  # noqa: PLR0917 - filters
    contact: Contact = "",
    workflow: Annotated[str, typer.Option(help="Only of this workflow.")] = "",
    status: Status = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List runs, those that started last first.

    Example: vouch runs list --workflow nps_route --status live
    """
    with the_reader() as conn:
        rows = work.runs(
            conn, contact=contact, workflow=workflow, status=status,
            since=instant(since), until=instant(until), page=Page(limit, offset),
        )  # fmt: skip
    columns = ("started_at", "workflow", "actor", "status", "ended_as", "ended_at", "id")
    show(rows, format_, columns=columns, total=limit)


@runs_tree.command("show")
def show_run(id_: RunId, format_: Format = "text") -> None:
    """Show a run whole: what started it, where it stands, what became of its steps.

    Example: vouch runs show 3f9a0c
    """
    with the_reader() as conn:
        row = work.run(conn, id_)
    show_one(row, format_, what="run")


@runs_tree.command("cancel")
def cancel_run(
    id_: RunId,
    by: By = "",
    as_: Annotated[str, typer.Option("--as", help="What it ends as.")] = "cancelled",
) -> None:
    """End a live run as an exit would: what is pending of it is taken back.

    Example: vouch runs cancel 3f9a0c --by u-sam
    """
    with the_process() as process:
        fresh = operators.cancel_run(process.app, id_, by=by or operator(), as_=as_)
    typer.echo(f"{id_} ends as {as_}" if fresh else f"{id_} was cancelled before, and is ending")


@asks_tree.command("list")
def list_asks(
    contact: Contact = "",
    kind: Annotated[str, typer.Option(help="Only of this kind: referral, quote ...")] = "",
    status: Status = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List asks: those not opened yet first, then those that opened last.

    Example: vouch asks list --status open
    """
    with the_reader() as conn:
        rows = work.asks(conn, contact=contact, kind=kind, status=status, page=Page(limit, offset))
    columns = ("opened_at", "kind", "status", "touches", "actor", "reason", "key")
    show(rows, format_, columns=columns, total=limit)


@asks_tree.command("show")
def show_ask(
    key: Annotated[str, typer.Argument(help="The ask's key.")], format_: Format = "text"
) -> None:
    """Show an ask whole.

    Example: vouch asks show 3f9a0c/ask
    """
    with the_reader() as conn:
        row = work.ask(conn, key)
    show_one(row, format_, what="ask")
