"""`vouch contests`: where they stand, who won, and how anybody can count that again."""

from typing import Annotated

import typer

from workers import contests
from workers.cli.context import Format, operator, the_process
from workers.cli.groups import Group
from workers.cli.options import DryRun, Who
from workers.cli.tables import as_json, fields, show

tree = typer.Typer(
    cls=Group, help="Contests: standings, draws, disqualification.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The contest, as the programme names it.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="contests")


@tree.command("list")
def list_(format_: Format = "text") -> None:
    """List the programme's contests: who takes part, when they end, who won.

    Example: vouch contests list
    """
    with the_process() as process:
        rows = contests.every(process.app)
    columns = ("from", "freeze", "contacts", "entries", "drawn", "contest")
    show(rows, format_, columns=columns)


@tree.command("show")
def show_(name: Name, format_: Format = "text") -> None:
    """Show a contest whole: its leaderboard, its draw, and what that can be proved by.

    Each entry is a ticket, its number the SHA-256 of seed, contest, contact and place, with a
    line break between them; who holds the lowest number comes first.

    Example: vouch contests show autumn27
    """
    with the_process() as process:
        found = contests.one(process.app, name)
    if format_ == "json":
        typer.echo(as_json(found))
        return
    board = found.pop("leaderboard")
    for line in fields(found):
        typer.echo(line)
    show(board, format_, columns=("place", "entries", "rank", "won", "contact"))


@tree.command("draw")
def draw(name: Name, *, by: Who = "", dry_run: DryRun = False) -> None:
    """Make a draw that had to wait for its seed; one that was made stays as it is.

    Example: vouch contests draw autumn27
    """
    with the_process() as process:
        asked = contests.draw(process.app, name, by=by or operator(), dry_run=dry_run)
        won = contests.one(process.app, name)["winners"]
    said = "would be asked for; nothing was changed" if dry_run else "asked for"
    typer.echo(said if asked else f"drawn already, and won by {', '.join(won) or 'nobody'}")


@tree.command("disqualify")
def disqualify(
    name: Name,
    contact: Annotated[str, typer.Argument(help="Who may not win.")],
    *,
    by: Who = "",
    dry_run: DryRun = False,
) -> None:
    """Take a contact out: if it won, the next in the order of the draw wins.

    Its prize is taken back if it was not handed over. Nobody else's place changes.

    Example: vouch contests disqualify autumn27 c-anna --by u-pim
    """
    with the_process() as process:
        fresh = contests.disqualify(
            process.app, name, contact, by=by or operator(), dry_run=dry_run
        )
    if dry_run:
        typer.echo(f"{contact} would be out; nothing was changed")
        return
    typer.echo(f"{contact} is out" if fresh else f"{contact} was out already")
