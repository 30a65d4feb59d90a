"""`vouch dead`: inputs set aside with their errors."""

from datetime import timedelta
from typing import Annotated

import typer

from store import dead
from workers.cli.context import Format, UsageError, the_process, the_reader, the_store
from workers.cli.options import DryRun, Limit, Status
from workers.cli.tables import show, show_one
from workers.clock import SystemClock

tree = typer.Typer(help="Inputs set aside: list, show, replay, drop.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="dead")


Kind = Annotated[str, typer.Option(help="Only of this kind: event or timer.")]
Type = Annotated[str, typer.Option("--type", help="Only of this type of event, or kind of timer.")]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(metavar="SEQ...", help="Their numbers, by the list.", show_default=False),
]
Error = Annotated[str, typer.Option("--error", help="Only with this in the error's text.")]


@tree.command("list")
def list_(
    kind: Kind = "",
    type_: Type = "",
    status: Status = "dead",
    limit: Limit = 50,
    after: Annotated[int, typer.Option(help="Only those after this number.")] = 0,
    format_: Format = "text",
) -> None:
    """List dead letters, oldest first; --status replayed or dropped lists those.

    Example: vouch dead list --type nps.answered
    """
    which = dead.Filter(kind=kind, type=type_, status=status, after=after)
    with the_reader() as conn:
        rows = dead.listed(conn, which, limit=limit)
    columns = ("at", "kind", "type", "actor", "tries", "status", "error", "seq")
    show(rows, format_, columns=columns)


@tree.command("show")
def show_(
    seq: Annotated[int, typer.Argument(metavar="SEQ", help="Its number, by the list.")],
    format_: Format = "text",
) -> None:
    """Show a dead letter, with the input it is about.

    Example: vouch dead show 4711
    """
    with the_reader() as conn:
        row = dead.show(conn, seq)
    show_one(row, format_, what="dead letter", noun="dead")


@tree.command("replay")
def replay(
    seq: Numbers = None,
    *,
    kind: Kind = "",
    type_: Type = "",
    error: Error = "",
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Put inputs back into the inbox: those named, or all of a kind, type or error.

    Example: vouch dead replay --type nps.answered --dry-run
    """
    which = _which(seq, kind, type_, error, every=every)
    with the_process() as process:
        with process.app.store.transaction() as conn:
            count = dead.replay(conn, which, now=SystemClock().now(), dry_run=dry_run)
        if count and not dry_run:
            process.app.sweep(stale=timedelta(0))
    typer.echo(_said(count, "back in the inbox", dry_run=dry_run))


@tree.command("drop")
def drop(
    seq: Numbers = None,
    *,
    kind: Kind = "",
    type_: Type = "",
    error: Error = "",
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Give up on inputs: they stay listed as dropped.

    Example: vouch dead drop 4711
    """
    which = _which(seq, kind, type_, error, every=every)
    with the_store() as store, store.transaction() as conn:
        count = dead.drop(conn, which, dry_run=dry_run)
    typer.echo(_said(count, "dropped", dry_run=dry_run))


def _which(seq: list[int] | None, kind: str, type_: str, error: str, *, every: bool) -> dead.Filter:
    if not (seq or kind or type_ or error or every):
        raise UsageError("which ones?", hint="their numbers, --kind, --type, --error, or --all")
    return dead.Filter(seqs=list(seq or ()), kind=kind, type=type_, error=error, status="dead")


def _said(count: int, became: str, *, dry_run: bool) -> str:
    verb = "would be" if dry_run else "is" if count == 1 else "are"
    more = f" (at most {dead.DEAD_MAX} at once: repeat)" if count == dead.DEAD_MAX else ""
    return f"{count} {verb} {became}{more}"
