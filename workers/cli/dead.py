"""`vouch dead`: inputs set aside with their errors."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from store import dead
from store.db import Connection
from workers import bulk
from workers.bulk import PAGE
from workers.cells import cell
from workers.cli.bulk import Rows, progress
from workers.cli.context import Format, UsageError, operator, the_process, the_reader
from workers.cli.groups import Group
from workers.cli.options import DryRun, Limit, Status, Who, instant
from workers.cli.tables import show, show_one

tree = typer.Typer(
    cls=Group, help="Inputs set aside: list, show, replay, drop.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="dead")


Kind = Annotated[str, typer.Option(help="Only of this kind: event or timer.")]
Type = Annotated[str, typer.Option("--type", help="Only of this type of event, or kind of timer.")]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(metavar="SEQ...", help="Their numbers, by the list.", show_default=False),
]
SetAside = Annotated[str, typer.Option("--before", help="Only those set aside before then.")]
Every = Annotated[bool, typer.Option("--all", help="All of them.")]
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
    seq: Numbers = None, *, kind: Kind = "", type_: Type = "", error: Error = "",
    before: SetAside = "", every: Every = False, by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Put inputs back into the inbox: those named, or all of a kind, type or error.

    Example: vouch dead replay --type nps.answered --dry-run
    """
    which = _which(seq, kind, type_, error, before, every=every)
    _say("replay", "back in the inbox", which, by, dry_run=dry_run)


@tree.command("drop")
def drop(
    seq: Numbers = None, *, kind: Kind = "", type_: Type = "", error: Error = "",
    before: SetAside = "", every: Every = False, by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Give up on inputs: they stay listed as dropped.

    Example: vouch dead drop 4711
    """
    which = _which(seq, kind, type_, error, before, every=every)
    _say("drop", "dropped", which, by, dry_run=dry_run)


def _which(
    seq: list[int] | None, kind: str, type_: str, error: str, before: str, *, every: bool
) -> dead.Filter:
    if not (seq or kind or type_ or error or before or every):
        hint = "their numbers, --kind, --type, --error, --before, or --all"
        raise UsageError("which ones?", hint=hint)
    return dead.Filter(
        seqs=list(seq or ()), kind=kind, type=type_, error=error, status="dead",
        until=instant(before),
    )  # fmt: skip


def _require_known(conn: Connection, seqs: Collection[int]) -> None:
    """Return if every number that was typed is one of a dead letter, whatever became of it.

    Raises:
        UsageError: One is not.
    """
    every = dead.Filter(seqs=seqs, status="")
    known = {row["seq"] for row in dead.listed(conn, every, limit=len(seqs))} if seqs else set()
    if lacking := sorted(set(seqs) - known):
        raise UsageError(
            f"there is no dead letter {', '.join(map(str, lacking))}: nothing was done",
            hint="see: vouch dead list",
        )


def _say(verb: str, became: str, which: dead.Filter, by: str, *, dry_run: bool) -> None:
    """Do it page by page, with a line of audit, and say to how many."""
    told = {"numbers": " ".join(map(str, which.seqs)), "kind": which.kind, "type": which.type,
            "error": which.error, "before": cell(which.until)}  # fmt: skip

    def page(conn: Connection, after: str) -> Rows:
        return dead.listed(conn, replace(which, after=int(after or 0)), limit=PAGE.limit)

    with the_process() as process:
        app = process.app

        def act(rows: Rows) -> int:
            these = dead.Filter(seqs=[row["seq"] for row in rows])
            with app.store.transaction() as conn:
                if verb == "drop":
                    return dead.drop(conn, these)
                return dead.replay(conn, these, now=app.clock.now())

        with app.store.reader() as conn:
            _require_known(conn, which.seqs)
        many = bulk.Many(f"dead {verb}", told, page, "seq", act)
        done = bulk.do(app, many, by=by or operator(), dry_run=dry_run, progress=progress)
        if done.done:
            app.sweep(stale=timedelta(0))
    count = done.meant if dry_run else done.done
    is_ = "would be" if dry_run else "is" if count == 1 else "are"
    typer.echo(f"{count} {is_} {became}")
