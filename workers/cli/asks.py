"""`vouch asks`: what was asked of contacts, and taken back."""

from typing import Annotated, Any

import typer

from store.db import Connection
from store.listings import work
from store.listings.pages import Page
from store.rows import OPEN_ASKS
from workers import running
from workers.app import App
from workers.bulk import PAGE
from workers.cli.bulk import Means, Rows, to_all
from workers.cli.context import Format, operator, the_reader
from workers.cli.groups import Group
from workers.cli.options import (
    Before,
    Contact,
    DryRun,
    Ids,
    Limit,
    Offset,
    Status,
    Who,
    Workflow,
    instant,
)
from workers.cli.tables import show, show_one

tree = typer.Typer(
    cls=Group, help="Questions to contacts: list, show, withdraw.", no_args_is_help=True
)

Kind = Annotated[str, typer.Option(help="Only of this kind: referral, quote ...")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="asks")


@tree.command("list")
def list_(
    contact: Contact = "",
    kind: Kind = "",
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


@tree.command("show")
def show_(
    key: Annotated[str, typer.Argument(help="The ask's key.")], format_: Format = "text"
) -> None:
    """Show an ask whole.

    Example: vouch asks show 3f9a0c/ask
    """
    with the_reader() as conn:
        row = work.ask(conn, key)
    show_one(row, format_, what="ask")


@tree.command("withdraw")
def withdraw(
    keys: Ids = None, *, workflow: Workflow = "", contact: Contact = "",
    kind: Kind = "",
    before: Before = "", by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Take open asks back: no reminder follows, no cool-down starts, their runs go on.

    Their links keep working.

    Example: vouch asks withdraw --kind referral --before 2027-02-01 --by u-sam
    """
    which = {"workflow": workflow, "contact": contact, "kind": kind, "before": before}

    def page(conn: Connection, after: str) -> Rows:
        found: list[dict[str, Any]] = []
        for status in OPEN_ASKS:
            found += work.asks(
                conn, contact=contact, kind=kind, status=status, workflow=workflow,
                before=instant(before), after=after, page=PAGE,
            )  # fmt: skip
        return sorted(found, key=lambda row: row["key"])[: PAGE.limit]

    def act(app: App, rows: Rows) -> int:
        return running.withdraw_asks(app, rows, by=by or operator())

    means = Means("ask", "withdraw", "withdrawn", "key", running.one_ask, page, act)
    to_all(means, keys or [], which, by=by, dry_run=dry_run)
