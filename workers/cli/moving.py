"""Leading live runs over to another version: the option, the refusal, and the doing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from store import definitions
from store.db import Store
from workers import bulk, running
from workers.app import App
from workers.cli.bulk import progress
from workers.cli.plans import many
from workers.clock import SystemClock
from workers.mapping import MovesOf
from workers.plan import plan
from workflows.compiled import version_of
from workflows.loaded import Loaded

Migrate = Annotated[
    Path | None,
    typer.Option(
        "--migrate",
        metavar="MAPPING.yaml",
        help="Lead live runs over to the new version, by this mapping of steps.",
        show_default=False,
    ),
]


def require_clear(store: Store, loaded: Loaded, moves: Mapping[str, MovesOf]) -> None:
    """Return if every run that is to move can; else say what the mapping lacks, and end with 1."""
    with store.reader() as conn:
        found = plan(conn, loaded, moves, now=SystemClock().now())
    unclear = [each for each in found.unclear if each.workflow in moves]
    if not unclear:
        return
    for each in unclear:
        runs = many(each.count, "run")
        typer.echo(
            f"{each.workflow} {each.version[:8]}: {runs} in {each.step!r}, which {each.reason}"
        )
    typer.echo("vouch: nothing was applied: the mapping does not say where these go on", err=True)
    typer.echo("  help: name each step: WORKFLOW: {OLD: NEW} or {OLD: {enter: NEW}}", err=True)
    raise typer.Exit(1)


def move(app: App, loaded: Loaded, moves: Mapping[str, MovesOf], *, by: str) -> None:
    """Tell the live runs of these workflows to go over, and say how many were told."""
    with app.store.reader() as conn:
        mark = str(definitions.history(conn, limit=1)[0]["seq"])
    for name, steps in sorted(moves.items()):
        to = version_of(loaded.workflows[name].canonical())
        these = running.moving(app, name, to=to, steps=steps, by=by, mark=mark)
        done = bulk.do(app, these, by=by, dry_run=False, progress=progress)
        typer.echo(f"{name}: {many(done.done, 'run')} told to go over to {to[:8]}, by {by}")
    typer.echo("workers lead them over; vouch plan shows those left")
