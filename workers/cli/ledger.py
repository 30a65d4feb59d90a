"""`vouch ledger`: the book of rewards."""

from itertools import islice
from typing import Annotated

import typer

from store.listings import ledger
from store.listings.pages import Page
from workers.cli.context import Format, the_reader
from workers.cli.groups import Group
from workers.cli.options import Contact, Limit, Offset
from workers.cli.tables import as_json, show

STRAYS_MAX = 1_000
"""Wrong balances shown."""

tree = typer.Typer(cls=Group, help="The book of rewards: list, show, verify.", no_args_is_help=True)


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
    """Prove that transactions sum to zero and balances are sums; exit 1 if not.

    What is wrong is listed: transactions whose lines do not sum to zero, and balances that
    contacts are told and that their lines do not come to.

    Example: vouch ledger verify
    """
    with the_reader() as conn:
        wrong = ledger.verify(conn)
        strays = list(islice(ledger.strays(conn), STRAYS_MAX))
    if format_ == "json":
        typer.echo(as_json([*wrong, *strays]))
    if format_ != "json" and wrong:
        show(wrong, format_, columns=("benefit", "sum", "txn"))
    if format_ != "json" and strays:
        show(strays, format_, columns=("account", "bucket", "balance", "sum"))
    if format_ != "json" and not wrong and not strays:
        typer.echo("every transaction sums to zero")
        typer.echo("every balance is the sum of its lines")
    raise typer.Exit(1 if wrong or strays else 0)
