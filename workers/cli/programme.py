"""`vouch init check test simulate demo`: a programme in its folder."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.applying import checked
from workers.cli.context import (
    LIBRARY,
    Folder,
    UsageError,
    programme_folder,
    require_format,
)
from workers.editing import add_modelines, write_schemas
from workflows.check.findings import (
    errors_of,
    render_github,
    render_json,
    render_sarif,
    render_text,
)
from workflows.load import load_folder, load_programme

Programme = Annotated[
    Path | None, typer.Option("--programme", "-p", help="The programme's folder.",
                              show_default=False)
]  # fmt: skip

_RENDERERS = {
    "text": render_text,
    "json": render_json,
    "sarif": render_sarif,
    "github": render_github,
}


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("init")(init)
    app.command("check")(check_command)
    app.command("test")(play_command)
    app.command("simulate")(simulate)
    app.command("demo")(demo)


def init(folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")]) -> None:
    """Write a programme from the shipped library.

    It is yours to change: rules, words, roles and scenarios are files in it.

    Example: vouch init programme
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise UsageError(f"{folder} exists already", hint="name a new folder")
    ignored = shutil.ignore_patterns("__pycache__", "*.py", "*.pyc")
    shutil.copytree(LIBRARY, folder, dirs_exist_ok=True, ignore=ignored)
    add_modelines(folder)
    write_schemas(folder, load_programme(load_folder(folder)))
    typer.echo(
        f"{folder} holds a programme; next:\n"
        f"  vouch check {folder}               finds what is wrong with it\n"
        f"  vouch test --programme {folder}    plays its scenarios\n"
        f"  vouch dev {folder}                 runs it here"
    )


def check_command(
    folder: Folder = None,
    format_: Annotated[str, typer.Option("--format", help="text, json, sarif or github")] = "text",
) -> None:
    """Find everything that is wrong with a programme.

    Exit 1 if it cannot run. Each finding names file, line and column, and what to write
    instead. Warnings do not fail; `--format github` and `sarif` show findings in code review.

    Example: vouch check programme
    """
    require_format(format_, *_RENDERERS)
    where = programme_folder(folder)
    _, findings = checked(where)
    text = _RENDERERS[format_](findings)
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


def play_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Scenario files or folders; all of the programme's if left out.",
            show_default=False,
        ),
    ] = None,
    programme: Programme = None,
    format_: Annotated[str, typer.Option("--format", help="text, json or junit")] = "text",
    *,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which steps and outcomes none reaches.")
    ] = False,
) -> None:
    """Play scenarios, each in three ways.

    As written, with every event twice, and with a crash after each outside call. Exit 1 if
    one of them came out otherwise than it expects.

    Example: vouch test --programme programme scenarios/promoter.yaml
    """
    from workers.scenarios.command import run_paths  # noqa: PLC0415 - only here, and it is large

    text, passed = run_paths(programme, paths or [], format_, coverage=coverage)
    typer.echo(text)
    raise typer.Exit(0 if passed else 1)


def simulate(
    events: Annotated[Path, typer.Argument(help="A file of events, one JSON object a line.")],
    programme: Programme = None,
    until: Annotated[str, typer.Option(help="When to stop: an instant or a date.")] = "",
    format_: Annotated[str, typer.Option("--format", help="text or jsonl")] = "text",
) -> None:
    """Play recorded events on a virtual clock.

    Every fact is shown, a line each, and nobody gets a mail.

    Example: vouch simulate events.jsonl --programme programme --until 2027-06-01
    """
    from workers.scenarios.command import simulate_file  # noqa: PLC0415 - as above

    if not events.is_file():
        raise UsageError(f"{events} is not a file", hint="name a file of events, an object a line")
    for line in simulate_file(programme_folder(programme), events, until, format_):
        typer.echo(line)


def demo(
    seed: Annotated[int, typer.Option(help="Another seed makes another year.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the database and mails here.", show_default=False)
    ] = None,
) -> None:
    """Play a year of a company with 400 customers.

    Events, mails, tasks and rewards are real, the customers and the clock are not.

    Example: vouch demo --seed 7 --folder year
    """
    from workers.demo.run import run_demo  # noqa: PLC0415 - only here, and it is large

    run_demo(seed, sys.stdout, folder)
