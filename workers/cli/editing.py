"""`vouch schema graph`: what an editor and a reader want of a programme."""

from pathlib import Path
from typing import Annotated

import typer

from events.errors import VouchError, did_you_mean
from store.errors import is_transient
from store.listings import work
from workers.cli.context import (
    Folder,
    UsageError,
    programme_folder,
    require_format,
    settings,
    the_reader,
)
from workers.compose import database_file
from workers.editing import add_modelines, write_schemas
from workflows.check.findings import errors_of, render_text
from workflows.graph import Counts, picture_of
from workflows.graph_mermaid import to_mermaid
from workflows.graph_svg import to_svg
from workflows.load import load_folder, load_programme

_DRAWINGS = {"mermaid": to_mermaid, "svg": to_svg}


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("schema")(schema_command)
    app.command("graph")(graph_command)


def schema_command(folder: Folder = None) -> None:
    """Write the JSON Schemas by which an editor completes and checks.

    They lie in `.schema/` of the programme: one for each kind of file, and `events.json` for
    the events it takes. Run it again when types, classes, roles or templates are added. Every
    file without the line by which editors find its schema is given one.

    Example: vouch schema programme
    """
    where = programme_folder(folder)
    written = write_schemas(where, load_programme(load_folder(where)))
    add_modelines(where)
    for path in written:
        typer.echo(str(path))


def graph_command(
    workflow: Annotated[str, typer.Argument(help="The workflow's name.")],
    programme: Annotated[
        Path | None,
        typer.Option("--programme", "-p", help="The programme's folder.", show_default=False),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="mermaid or svg")] = "mermaid",
) -> None:
    """Draw a workflow: as Mermaid, or as SVG of its own.

    The main story goes straight down, what deviates from it to the right. Where the settings
    name a database that is there, the drawing says how many runs started, stand in each step
    and ended under each name.

    Example: vouch graph promoter --programme programme --format svg > promoter.svg
    """
    require_format(format_, *_DRAWINGS)
    where = programme_folder(programme)
    loaded = load_programme(load_folder(where))
    found = loaded.workflows.get(workflow)
    if found is None:
        mine = [f for f in errors_of(loaded.findings) if f.file == f"workflows/{workflow}.yaml"]
        if mine:
            typer.echo(render_text(mine))
            raise typer.Exit(1)
        hint = did_you_mean(workflow, loaded.workflows)
        raise UsageError(f"{where} has no workflow {workflow!r}", hint=hint)
    typer.echo(_DRAWINGS[format_](picture_of(found), _counts(workflow)), nl=False)


def _counts(workflow: str) -> Counts | None:
    """Return what the database knows of a workflow's runs; None where there is none to ask."""
    file = database_file(settings())
    if file is not None and not file.exists():
        return None
    try:
        with the_reader() as conn:
            live = [row for row in work.in_flight(conn) if row["workflow"] == workflow]
            ended = {row["ended_as"]: row["count"] for row in work.endings(conn, workflow)}
    except Exception as error:  # a database that is away or not ours; the rest is raised
        if not isinstance(error, VouchError) and not is_transient(error):
            raise
        typer.echo("vouch: the database cannot be asked, so nothing is counted", err=True)
        return None
    waiting: dict[str, int] = {}
    for row in live:
        waiting[row["step"]] = waiting.get(row["step"], 0) + row["count"]
    return Counts(sum(waiting.values()) + sum(ended.values()), waiting, ended)
