"""`vouch init check test simulate apply demo`: a programme from its folder to the database."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from workers.cli import context
from workers.cli.applying import apply_folder, checked
from workers.cli.context import LIBRARY, UsageError
from workers.clock import SystemClock
from workflows.check.findings import (
    errors_of,
    render_github,
    render_json,
    render_sarif,
    render_text,
)

Folder = Annotated[Path | None, typer.Argument(help="The programme's folder.", show_default=False)]
Programme = Annotated[
    Path | None, typer.Option("--programme", "-p", help="The programme's folder.",
                              show_default=False)
]  # fmt: skip

_RENDERERS = {
    "text": render_text,
    "json": render_json,
    "github": render_github,
    "sarif": render_sarif,
}


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("init")(init)
    app.command("check")(check_command)
    app.command("test")(test)
    app.command("simulate")(simulate)
    app.command("apply")(apply_command)
    app.command("demo")(demo)


def init(folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")]) -> None:
    """Write a programme from the shipped library, to change as you like."""
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise UsageError(f"{folder} exists already", hint="name a new folder")
    shutil.copytree(LIBRARY, folder, dirs_exist_ok=True)
    typer.echo(
        f"{folder} holds a programme; next:\n"
        f"  vouch check {folder}\n  vouch test --programme {folder}\n  vouch dev {folder}"
    )


def check_command(
    folder: Folder = None,
    format_: Annotated[str, typer.Option("--format", help="text, json, sarif or github")] = "text",
) -> None:
    """Find everything that is wrong with a programme; exit 1 if it cannot run."""
    render = _RENDERERS.get(format_)
    if render is None:
        raise UsageError(f"unknown format {format_!r}", hint="text, json, sarif or github")
    where = context.programme_folder(folder)
    _, findings = checked(where)
    text = render(findings)
    if text:
        typer.echo(text)
    errors = len(errors_of(findings))
    if format_ == "text":
        typer.echo(
            f"{where}: {_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}"
        )
    raise typer.Exit(1 if errors else 0)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Scenario files or folders; all of the programme's if left out.",
            show_default=False,
        ),
    ] = None,
    programme: Programme = None,
    format_: Annotated[str, typer.Option("--format", help="text, json or junit")] = "text",
) -> None:
    """Run scenarios: as written, every event twice, and with a crash after each outside call."""
    from workers.scenarios.command import run_paths  # noqa: PLC0415 - only here, and it is large

    text, passed = run_paths(programme, paths or [], format_)
    typer.echo(text)
    raise typer.Exit(0 if passed else 1)


def simulate(
    events: Annotated[Path, typer.Argument(help="A file of events, one JSON object a line.")],
    programme: Programme = None,
    until: Annotated[str, typer.Option(help="When to stop: an instant or a date.")] = "",
    format_: Annotated[str, typer.Option("--format", help="text or jsonl")] = "text",
) -> None:
    """Play events on a virtual clock and show every fact, before anybody gets a mail."""
    from workers.scenarios.command import simulate_file  # noqa: PLC0415 - as above

    for line in simulate_file(context.programme_folder(programme), events, until, format_):
        typer.echo(line)


def apply_command(folder: Folder = None) -> None:
    """Make a programme the one that workers run, if it has no errors."""
    where = context.programme_folder(folder)
    with context.the_store() as store:
        hash_, findings = apply_folder(store, where, now=SystemClock().now())
    if findings:
        typer.echo(render_text(findings))
    if not hash_:
        typer.echo("nothing was applied", err=True)
        raise typer.Exit(1)
    typer.echo(f"applied {where} as {hash_}; workers take it up within a second")


def demo(
    seed: Annotated[int, typer.Option(help="Another seed makes another year.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the database and mails here.", show_default=False)
    ] = None,
) -> None:
    """Play a year of a company with 400 customers, and show what came of it."""
    import sys  # noqa: PLC0415

    from workers.demo.run import run_demo  # noqa: PLC0415 - only here, and it is large

    run_demo(seed, sys.stdout, folder)
