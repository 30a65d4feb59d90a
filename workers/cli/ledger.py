"""`vouch ledger`: the book of rewards."""

from typing import Annotated

import typer

from store.listings import ledger
from store.listings.pages import Page
from workers.cli.context import Format, the_reader
from workers.cli.options import Contact, Limit, Offset
from workers.cli.tables import as_json, show

tree = typer.Typer(help="The book of rewards: list, show, verify.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="ledger")


@tree.command("list")
def list_(
    contact: Contact = "", limit: Limit = 50, offset: Offset = 0, format_: Format = "text"
) -> None:
    """List balances by account, bucket and benefit; no benefit means the currency.

    Example: vouch ledger list --contact c-anna
    """
    with the_reader() as conn:
        rows = ledger.balances(conn, account=contact, page=Page(limit, offset))
    columns = ("account", "bucket", "benefit", "balance")
    show(rows, format_, columns=columns, key="account", total=limit)


@tree.command("show")
def show_(
    account: Annotated[str, typer.Argument(help="A contact's id, or programme.")],
    limit: Limit = 200,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """Show every line of an account, in the order booked.

    Example: vouch ledger show c-anna
    """
    with the_reader() as conn:
        rows = ledger.entries(conn, account=account, page=Page(limit, offset))
    columns = ("at", "bucket", "delta", "benefit", "reason", "txn")
    show(rows, format_, columns=columns, total=limit)


@tree.command("verify")
def verify(format_: Format = "text") -> None:
    """Prove that every transaction sums to zero; exit 1 if one does not.

    Example: vouch ledger verify
    """
    with the_reader() as conn:
        wrong = ledger.verify(conn)
    if format_ == "json":
        typer.echo(as_json(wrong))
    elif wrong:
        show(wrong, format_, columns=("benefit", "sum", "txn"))
    else:
        typer.echo("every transaction sums to zero")
    raise typer.Exit(1 if wrong else 0)
