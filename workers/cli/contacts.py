"""`vouch contacts`: who Vouch knows."""

from typing import Annotated, Any

import typer

from store import contacts as store_contacts
from store.db import Connection
from store.listings import contacts, ledger, work
from store.listings.pages import Page, actor_key
from workers.cli import people, portraits
from workers.cli.context import (
    Format,
    UsageError,
    programme_of,
    require_format,
    the_reader,
    the_store,
)
from workers.cli.groups import Group
from workers.cli.options import Limit, Offset
from workers.cli.tables import as_json, show
from workers.exporting import consent_history

tree = typer.Typer(
    cls=Group,
    help="Who Vouch knows: list, show, import, export, merge, erase.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    people.add_to(tree)
    app.add_typer(tree, name="contacts")


@tree.command("list")
def list_(
    search: Annotated[str, typer.Argument(help="How an id or address begins.")] = "",
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List contacts, by id.

    Example: vouch contacts list anna@
    """
    with the_reader() as conn:
        found = contacts.contacts(conn, search=search, account=account, page=Page(limit, offset))
    rows = [
        {
            "name": row["doc"].get("name", ""), "email": row["email"], "account": row["account"],
            "owner": row["doc"].get("owner", ""),
            "band": row["doc"].get("nps", {}).get("band", ""), "id": row["id"], "doc": row["doc"],
        }
        for row in found
    ]  # fmt: skip
    columns = ("name", "email", "account", "owner", "band", "id")
    show(rows, format_, columns=columns, total=limit)


@tree.command("show")
def show_(
    contact: Annotated[str, typer.Argument(help="The contact's id.")], format_: Format = "text"
) -> None:
    """Show all that is known of a contact: fields, consent, runs, asks, tasks, balance.

    Example: vouch contacts show c-anna
    """
    require_format(format_, "text", "json")
    key = actor_key(contact)
    with the_store() as store:
        with store.reader() as conn:
            doc = store_contacts.get(conn, [key]).get(key)
            if doc is None:
                hint = "see: vouch contacts list"
                raise UsageError(f"there is no contact {contact!r}", hint=hint)
            parts = _parts(conn, key)
            if format_ == "json":
                typer.echo(as_json({"contact": doc, **parts}))
                return
            parts["messages"] = work.outbox(conn, to=key, status="pending")
        painter = portraits.painter_of(programme_of(store))
    for line in portraits.contact({"id": contact, **doc}, parts, painter):
        typer.echo(line)


def _parts(conn: Connection, key: str) -> dict[str, list[dict[str, Any]]]:
    consents = [
        {"channel": each.channel, "topic": each.topic, "granted": each.granted, "at": each.at}
        for each in store_contacts.consents_of(conn, key)
    ]
    aliases = store_contacts.get(conn, [key]).get(key, {}).get("aliases", ())
    return {
        "consents": consents,
        "consent_history": consent_history(conn, [key, *map(actor_key, aliases)]),
        "runs": work.runs(conn, contact=key),
        "asks": work.asks(conn, contact=key),
        "tasks": work.tasks(conn, contact=key),
        "timers": work.timers(conn, contact=key),
        "balances": ledger.balances(conn, account=key),
    }
