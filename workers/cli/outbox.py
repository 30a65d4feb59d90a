"""`vouch outbox`: messages, decided, sent, and in doubt."""

from typing import Annotated

import typer

from store.db import Connection
from store.listings import work
from store.listings.pages import Page
from workers import operators
from workers.app import App
from workers.bulk import PAGE
from workers.cli.bulk import Means, Rows, to_all
from workers.cli.context import Format, UsageError, operator, the_process, the_reader
from workers.cli.groups import Group
from workers.cli.options import (
    DryRun,
    Ids,
    Limit,
    Offset,
    Since,
    Status,
    Until,
    Who,
    Workflow,
    instant,
)
from workers.cli.tables import show, show_one

tree = typer.Typer(
    cls=Group, help="Messages: list, show, resolve, redeliver, hold, release.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="outbox")


NO_MORE = "no message would leave"

Template = Annotated[str, typer.Option(help="Only with these words.")]
Key = Annotated[str, typer.Argument(help="The message's key, as `vouch outbox list` has it.")]


@tree.command("list")
def list_(  # noqa: PLR0917 - filters
    contact: Annotated[
        str, typer.Option("--to", "--contact", help="Only to this contact, or to staff/ID.")
    ] = "",
    status: Status = "",
    template: Template = "",
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
    by: Who = "",
) -> None:
    """Settle a message in doubt: sent, or not sent and free to leave.

    Example: vouch outbox resolve 3f9a0c/thanks --sent --by u-sam
    """
    with the_process() as process:
        operators.resolve(process.app, key, sent=sent, by=by or operator())
    typer.echo(f"{key}: {'sent' if sent else 'not sent; it may leave now'}")


@tree.command("redeliver")
def redeliver(
    keys: Ids = None, *,
    status: Annotated[str, typer.Option(help="All that failed, or are in_doubt.")] = "",
    template: Template = "", workflow: Workflow = "",
    before: Annotated[str, typer.Option(help="Only those planned before this instant.")] = "",
    by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Let messages that failed or are in doubt leave once more, through the guard.

    One in doubt may reach the person twice: without --status in_doubt, filters mean those that
    failed. `resolve --not-sent` is for when you know.

    Example: vouch outbox redeliver --status failed --template nps3 --by u-sam --dry-run
    """
    if status and status not in operators.REDELIVERED:
        raise UsageError(f"messages that are {status} do not go again",
                         hint=f"--status {' or '.join(operators.REDELIVERED)}")  # fmt: skip
    which = {"status": status, "template": template, "workflow": workflow, "before": before}

    def page(conn: Connection, after: str) -> Rows:
        return work.outbox(
            conn, status=status or "failed", template=template, workflow=workflow,
            until=instant(before), after=after, page=PAGE,
        )  # fmt: skip

    def act(app: App, rows: Rows) -> int:
        return operators.redeliver(app, rows, by=by or operator())

    means = Means("message", "redeliver", "free to leave", "key", operators.one_message, page, act)
    to_all(means, keys or [], which, by=by, dry_run=dry_run)


@tree.command("hold")
def hold(*, by: Who = "", dry_run: DryRun = False) -> None:
    """Let no message leave until `vouch outbox release`; what leaves just now leaves.

    After a restore Postgres is held by itself. SQLite cannot tell: hold it before you start.

    Example: vouch outbox hold --by u-sam
    """
    with the_process() as process:
        if dry_run:
            why, _ = operators.held(process.app, doubtful_before=None)
            typer.echo(f"{f'held already: {why}' if why else NO_MORE}; nothing was changed")
            return
        operators.hold(process.app, by=by or operator())
    typer.echo("no message leaves; everything else goes on. To go on: vouch outbox release")


@tree.command("release")
def release(
    doubtful_before: Annotated[
        str,
        typer.Option(
            help="What was planned before this instant may have left: put it in doubt, one by one."
        ),
    ] = "",
    *,
    by: Who = "",
    dry_run: DryRun = False,
) -> None:
    """Let messages leave that were held, after a restore or by `hold`.

    Example: vouch outbox release --doubtful-before 2027-06-14T09:30:00Z --by u-sam --dry-run
    """
    before = instant(doubtful_before)
    with the_process() as process:
        if dry_run:
            why, doubted = operators.held(process.app, doubtful_before=before)
            typer.echo(f"messages are held: {why}" if why else "nothing is held")
            typer.echo(f"{doubted} would be in doubt; nothing was changed")
            return
        doubted = operators.release(process.app, doubtful_before=before, by=by or operator())
    typer.echo("messages may leave")
    if doubted:
        typer.echo(f"{doubted} are in doubt: vouch outbox list --status in_doubt")
