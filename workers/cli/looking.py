"""`vouch events runs tasks asks outbox dead contacts ledger explain doctor`: what goes on."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from store import contacts as store_contacts
from store import dead as store_dead
from store.listings import contacts, events, ledger, work
from store.listings.pages import Page
from workers.cli import context, doctoring, explaining
from workers.cli.context import UsageError
from workers.cli.tables import as_json, show, show_one
from workers.clock import SystemClock

Format = Annotated[str, typer.Option("--format", help="text or json")]
Limit = Annotated[int, typer.Option(help="At most so many rows.", min=1, max=1000)]
Offset = Annotated[int, typer.Option(help="Leave out so many rows first.", min=0)]
Contact = Annotated[str, typer.Option(help="Only of this contact.")]

_LISTS: dict[str, tuple[str, Callable[..., Any], Callable[..., Any], tuple[str, ...]]] = {
    "events": ("event", events.events, events.event,
               ("arrived", "type", "contact", "source", "id")),
    "runs": ("run", work.runs, work.run,
             ("started_at", "workflow", "actor", "status", "ended_as", "ended_at", "id")),
    "tasks": ("task", work.tasks, work.task,
              ("due_at", "status", "assignee", "title", "actor", "accepted_at", "key")),
    "asks": ("ask", work.asks, work.ask,
             ("opened_at", "kind", "status", "touches", "actor", "reason", "key")),
    "outbox": ("message", work.outbox, work.message,
               ("planned_at", "status", "template", "class", "to", "reason", "key")),
}  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    for noun, (one, list_, show_, columns) in _LISTS.items():
        tree = typer.Typer(help=f"The {noun}: list and show.", no_args_is_help=True)
        tree.command("list")(_lister(noun, list_, columns))
        tree.command("show")(_shower(one, show_))
        if noun == "outbox":
            tree.command("resolve")(resolve)
        app.add_typer(tree, name=noun)
    app.add_typer(_dead_tree(), name="dead")
    app.add_typer(_contacts_tree(), name="contacts")
    app.add_typer(_ledger_tree(), name="ledger")
    app.command("explain")(explaining.explain)
    app.command("doctor")(doctoring.doctor)


def _lister(noun: str, list_: Callable[..., Any], columns: tuple[str, ...]) -> Callable[..., None]:
    by_contact = "to" if noun == "outbox" else "contact"

    def command(
        contact: Contact = "",
        status: Annotated[
            str, typer.Option(help="Only those with this status (of events: of this type).")
        ] = "",
        limit: Limit = 50,
        offset: Offset = 0,
        format_: Format = "text",
    ) -> None:
        narrow: dict[str, Any] = {by_contact: contact}
        narrow["type" if noun == "events" else "status"] = status
        with context.the_store() as store, store.reader() as conn:
            rows = list_(conn, page=Page(limit, offset), **narrow)
        show(rows, format_, columns=columns)

    command.__doc__ = f"List {noun}, a line each."
    return command


def _shower(one: str, show_: Callable[..., Any]) -> Callable[..., None]:
    def command(
        id_: Annotated[str, typer.Argument(metavar="ID")], format_: Format = "text"
    ) -> None:
        with context.the_store() as store, store.reader() as conn:
            row: Mapping[str, Any] | None = show_(conn, id_)
        show_one(row, format_, what=one)

    command.__doc__ = f"Show one {one}, whole."
    return command


def resolve(
    key: Annotated[str, typer.Argument(help="The message's key, as `vouch outbox list` has it.")],
    sent: Annotated[bool, typer.Option("--sent/--not-sent", help="Did it reach the person?")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "operator",
) -> None:
    """Settle a message in doubt: sent, or not sent and free to leave."""
    with context.the_process() as process:
        with process.app.store.reader() as conn:
            found = work.message(conn, key)
        if found is None or found["status"] != "in_doubt":
            raise UsageError(f"{key} is not in doubt", hint="vouch outbox list --status in_doubt")
        process.app.resolve_key(key, sent=sent, by=by)
    typer.echo(f"{key} is settled as {'sent' if sent else 'not sent: it is pending again'}")


# -- dead letters ----------------------------------------------------------------------------------


def _dead_tree() -> typer.Typer:
    tree = typer.Typer(help="Inputs set aside: list, show, replay, drop.", no_args_is_help=True)

    @tree.command("list")
    def list_(
        kind: str = "",
        status: str = "dead",
        limit: Limit = 50,
        after: Annotated[int, typer.Option(help="Only those after this number.")] = 0,
        format_: Format = "text",
    ) -> None:
        """List dead letters, oldest first."""
        with context.the_store() as store, store.reader() as conn:
            which = store_dead.Filter(kind=kind, status=status, after=after)
            rows = store_dead.listed(conn, which, limit=limit)
        show(rows, format_, columns=("seq", "at", "kind", "type", "tries", "status", "error"))

    @tree.command("show")
    def show_(seq: int, format_: Format = "text") -> None:
        """Show one dead letter, with the input it is about."""
        with context.the_store() as store, store.reader() as conn:
            row = store_dead.show(conn, seq)
        show_one(row, format_, what="dead letter")

    @tree.command("replay")
    def replay(
        seq: Annotated[list[int] | None, typer.Argument(show_default=False)] = None,
        kind: str = "",
        type_: Annotated[str, typer.Option("--type")] = "",
        dry_run: Annotated[bool, typer.Option(help="Only count.")] = False,
    ) -> None:
        """Put inputs back into the inbox: those named, or all of a kind or type."""
        which = store_dead.Filter(seqs=list(seq or ()), kind=kind, type=type_, status="dead")
        with context.the_process() as process:
            with process.app.store.transaction() as conn:
                count = store_dead.replay(conn, which, now=SystemClock().now(), dry_run=dry_run)
            if not dry_run:
                process.app.sweep()
        typer.echo(f"{count} {'would be' if dry_run else 'are'} back in the inbox")

    @tree.command("drop")
    def drop(
        seq: list[int], dry_run: Annotated[bool, typer.Option(help="Only count.")] = False
    ) -> None:
        """Give up on inputs: they stay listed as dropped."""
        which = store_dead.Filter(seqs=list(seq), status="dead")
        with context.the_store() as store, store.transaction() as conn:
            count = store_dead.drop(conn, which, dry_run=dry_run)
        typer.echo(f"{count} {'would be' if dry_run else 'are'} dropped")

    return tree


# -- contacts --------------------------------------------------------------------------------------


def _contacts_tree() -> typer.Typer:
    tree = typer.Typer(help="Who Vouch knows: list and show.", no_args_is_help=True)

    @tree.command("list")
    def list_(
        search: Annotated[str, typer.Argument(help="How an id or address begins.")] = "",
        account: str = "",
        limit: Limit = 50,
        offset: Offset = 0,
        format_: Format = "text",
    ) -> None:
        """List contacts, a line each."""
        with context.the_store() as store, store.reader() as conn:
            found = contacts.contacts(
                conn, search=search, account=account, page=Page(limit, offset)
            )
        rows = [{"id": row["id"], "name": row["doc"].get("name", ""), "email": row["email"],
                 "account": row["account"], "owner": row["doc"].get("owner", ""),
                 "band": row["doc"].get("nps", {}).get("band", ""), "doc": row["doc"]}
                for row in found]  # fmt: skip
        show(rows, format_, columns=("id", "name", "email", "account", "owner", "band"))

    @tree.command("show")
    def show_(contact: str, format_: Format = "text") -> None:
        """Show all that is known of a contact: fields, consent, runs, asks, tasks, balance."""
        key = contact if "/" in contact else f"contact/{contact}"
        with context.the_store() as store, store.reader() as conn:
            doc = store_contacts.get(conn, [key]).get(key)
            if doc is None:
                raise UsageError(f"there is no contact {contact!r}", hint="vouch contacts list")
            consents = [
                {"channel": c.channel, "topic": c.topic, "granted": c.granted, "at": c.at}
                for c in store_contacts.consents_of(conn, key)
            ]
            parts: dict[str, Any] = {
                "contact": doc,
                "consents": consents,
                "runs": work.runs(conn, contact=contact),
                "asks": work.asks(conn, contact=contact),
                "tasks": work.tasks(conn, contact=contact),
                "timers": work.timers(conn, contact=contact),
                "balances": ledger.balances(conn, account=key),
            }
        if format_ == "json":
            typer.echo(as_json(parts))
            return
        show_one(doc, format_, what="contact")
        for name, rows in parts.items():
            if name != "contact" and rows:
                typer.echo(f"\n{name}")
                show(rows, format_)

    return tree


# -- the book --------------------------------------------------------------------------------------


def _ledger_tree() -> typer.Typer:
    tree = typer.Typer(help="The book: list, show, verify.", no_args_is_help=True)

    @tree.command("list")
    def list_(
        contact: Contact = "", limit: Limit = 50, offset: Offset = 0, format_: Format = "text"
    ) -> None:
        """List balances by account, bucket and benefit."""
        with context.the_store() as store, store.reader() as conn:
            rows = ledger.balances(conn, account=contact, page=Page(limit, offset))
        show(rows, format_)

    @tree.command("show")
    def show_(
        account: str, limit: Limit = 200, offset: Offset = 0, format_: Format = "text"
    ) -> None:
        """Show every line of an account, in the order booked."""
        with context.the_store() as store, store.reader() as conn:
            rows = ledger.entries(conn, account=account, page=Page(limit, offset))
        show(rows, format_, columns=("at", "bucket", "delta", "benefit", "reason", "txn"))

    @tree.command("verify")
    def verify(format_: Format = "text") -> None:
        """Prove that every transaction sums to zero; exit 1 if one does not."""
        with context.the_store() as store, store.reader() as conn:
            wrong = ledger.verify(conn)
        if wrong:
            show(wrong, format_)
            raise typer.Exit(1)
        typer.echo("every transaction sums to zero")

    return tree
