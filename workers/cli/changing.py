"""`vouch plan` and `vouch apply`: changing a programme while it runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from store.db import Connection, Store
from workers.cli.applying import apply_checked, sound_programme
from workers.cli.context import (
    Folder,
    Format,
    operator,
    programme_folder,
    require_format,
    the_process,
    the_reader,
    the_store,
)
from workers.cli.moving import Migrate, move, require_clear
from workers.cli.options import Limit, Who
from workers.cli.plans import lines_of, removed
from workers.cli.tables import as_json
from workers.cli.versions import show_history
from workers.clock import SystemClock
from workers.mapping import read_mapping
from workers.plan import Plan, plan
from workflows.comparing import counted
from workflows.loaded import Loaded


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("plan")(plan_command)
    app.command("apply")(apply_command)


# -- plan ------------------------------------------------------------------------------------------


def plan_command(folder: Folder = None, migrate: Migrate = None, format_: Format = "text") -> None:
    """Say what applying a programme would do, and do nothing.

    Which workflows, words and policies would be added, changed or removed; how many runs are
    under way in what changes, and whether they could move; which messages that are planned
    already would get other words; when schedules fire next, clock changes told. Exit 1 if the
    programme has errors.

    Example: vouch plan programme --migrate mapping.yaml
    """
    require_format(format_, "text", "json")
    loaded = sound_programme(programme_folder(folder), format_=format_)
    with the_reader() as conn:
        found = _plan(conn, loaded, migrate)
    if format_ == "json":
        typer.echo(as_json(_as_json(found)))
        return
    for line in lines_of(found):
        typer.echo(line)


def _plan(conn: Connection, loaded: Loaded, migrate: Path | None) -> Plan:
    return plan(
        conn,
        loaded,
        read_mapping(migrate, loaded.workflows) if migrate else None,
        now=SystemClock().now(),
    )


def _as_json(found: Plan) -> dict[str, Any]:
    told = asdict(found)
    told["differences"] = [
        {name: each[name] for name in ("part", "name", "how")} for each in told["differences"]
    ]
    return told


# -- apply -----------------------------------------------------------------------------------------


def apply_command(
    folder: Folder = None,
    *,
    migrate: Migrate = None,
    history: Annotated[
        bool, typer.Option("--history", help="List what was applied, when, and by whom.")
    ] = False,
    by: Who = "",
    limit: Limit = 50,
    format_: Format = "text",
) -> None:
    """Make a programme the one that workers run.

    One with errors is refused. Workers take it up within a second. Runs that are under way keep
    the version of the workflow they started with, also when it is removed, unless --migrate
    names a file that leads them over: see `vouch plan` first. When two apply at once, one
    waits for the other or fails, saying so. `vouch rollback` goes back.

    Example: vouch apply programme
    """
    if history:
        show_history(limit, format_)
        return
    where = programme_folder(folder)
    if migrate is None:
        _apply_folder(where, by)
        return
    loaded = sound_programme(where)
    moves = read_mapping(migrate, loaded.workflows)
    with the_process() as process:
        require_clear(process.app.store, loaded, moves)
        _apply_folder(where, by, process.app.store)
        move(process.app, loaded, moves, by=by or operator())


def _apply_folder(where: Path, by: str, store: Store | None = None) -> None:
    if store is None:
        with the_store() as opened:
            _apply_folder(where, by, opened)
        return
    loaded = sound_programme(where, warns=True)
    with store.reader() as conn:
        found = plan(conn, loaded, now=SystemClock().now())
    if found.head == found.hash:
        typer.echo(f"{where} is what is applied already, as {found.hash}")
        return
    apply_checked(store, loaded, where, now=SystemClock().now(), by=by)
    typer.echo(f"applied {where} as {found.hash}; workers take it up within a second")
    if found.head:
        typer.echo(counted(found.differences))
    for line in removed(found):
        typer.echo(line)
