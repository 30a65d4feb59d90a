"""`vouch outbox`: messages, decided, sent, and in doubt."""

from typing import Annotated

import typer

from store.listings import work
from store.listings.pages import Page
from workers import operators
from workers.cli.context import Format, operator, the_process, the_reader
from workers.cli.options import By, Limit, Offset, Since, Status, Until, instant
from workers.cli.tables import show, show_one

tree = typer.Typer(help="Messages: list, show, resolve, redeliver.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="outbox")


Key = Annotated[str, typer.Argument(help="The message's key, as `vouch outbox list` has it.")]


@tree.command("list")
def list_(  # noqa: PLR0917 - filters
    contact: Annotated[
        str, typer.Option("--to", "--contact", help="Only to this contact, or to staff/ID.")
    ] = "",
    status: Status = "",
    template: Annotated[str, typer.Option(help="Only with these words.")] = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List messages, planned last first, with what became of each and why.

    Example: vouch outbox list --to c-anna --status skipped
    """
    with the_reader() as conn:
        rows = work.outbox(
            conn, to=contact, status=status, template=template,
            since=instant(since), until=instant(until), page=Page(limit, offset),
        )  # fmt: skip
    columns = ("planned_at", "status", "template", "class", "to", "reason", "key")
    show(rows, format_, columns=columns, total=limit)


@tree.command("show")
def show_(key: Key, format_: Format = "text") -> None:
    """Show a message whole: attempts, channel, its Message-ID, whoever holds it.

    Example: vouch outbox show 3f9a0c/thanks
    """
    with the_reader() as conn:
        row = work.message(conn, key)
    show_one(row, format_, what="message", noun="outbox")


@tree.command("resolve")
def resolve(
    key: Key,
    *,
    sent: Annotated[
        bool, typer.Option("--sent/--not-sent", help="Did it reach the person?", show_default=False)
    ],
    by: By = "",
) -> None:
    """Settle a message in doubt: sent, or not sent and free to leave.

    Example: vouch outbox resolve 3f9a0c/thanks --sent --by u-sam
    """
    with the_process() as process:
        operators.resolve(process.app, key, sent=sent, by=by or operator())
    typer.echo(f"{key}: {'sent' if sent else 'not sent; it may leave now'}")


@tree.command("redeliver")
def redeliver(key: Key, by: By = "") -> None:
    """Let a message that failed or is in doubt leave once more, through the guard.

    One in doubt may reach the person twice; `resolve --not-sent` is for when you know.

    Example: vouch outbox redeliver 3f9a0c/thanks --by u-sam
    """
    with the_process() as process:
        operators.redeliver(process.app, key, by=by or operator())
    typer.echo(f"{key}: it may leave now")
