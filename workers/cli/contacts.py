"""`vouch contacts`: who Vouch knows."""

from typing import Annotated, Any

import typer

from store import contacts as store_contacts
from store.db import Connection
from store.listings import contacts, ledger, work
from store.listings.pages import Page, actor_key
from workers.cli import people
from workers.cli.context import Format, UsageError, require_format, the_reader
from workers.cli.groups import Group
from workers.cli.options import Limit, Offset
from workers.cli.tables import as_json, show, show_one
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
    key = contact if "/" in contact else f"contact/{contact}"
    with the_reader() as conn:
        doc = store_contacts.get(conn, [key]).get(key)
        if doc is None:
            raise UsageError(f"there is no contact {contact!r}", hint="see: vouch contacts list")
        parts = _parts(conn, key)
    if format_ == "json":
        typer.echo(as_json({"contact": doc, **parts}))
        return
    known = {name: value for name, value in doc.items() if name not in _OURS}
    show_one(known, format_, what="contact")
    for name, rows in parts.items():
        if rows:
            typer.echo(f"\n{name}")
            show(rows, format_, columns=_COLUMNS[name])


_OURS = {
    "ended", "firm_of", "given_name", "recent", "responses", "run_count", "synced", "times",
}  # fmt: skip
"""What the engine keeps for itself; JSON has it all."""

_COLUMNS = {
    "consents": ("channel", "topic", "granted", "at"),
    "consent_history": ("at", "what", "channel", "topic", "text_version", "source"),
    "runs": ("started_at", "workflow", "status", "ended_as", "id"),
    "asks": ("opened_at", "kind", "status", "touches", "reason", "key"),
    "tasks": ("due_at", "status", "assignee", "title", "key"),
    "timers": ("due_at", "kind", "key"),
    "balances": ("bucket", "benefit", "balance"),
}


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
