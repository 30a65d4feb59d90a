"""`vouch schema graph`: what an editor and a reader want of a programme."""

import typer

from workers.cli.context import Folder, programme_folder
from workers.editing import add_modelines, write_schemas
from workflows.load import load_folder, load_programme


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("schema")(schema_command)


def schema_command(folder: Folder = None) -> None:
    """Write JSON Schemas, by which an editor completes and checks a programme.

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
