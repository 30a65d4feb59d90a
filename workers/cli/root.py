"""The command tree."""

from importlib.metadata import version
from typing import Annotated

import typer

from workers.cli.lazily import LazyCommands

app = typer.Typer(
    name="vouch",
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(*, asked: bool) -> None:
    """Print the version that is installed, and end."""
    if asked:
        typer.echo(f"vouch {version('vouch')}")
        raise typer.Exit


@app.callback()
def vouch(
    *,
    told: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda asked: _tell_version(asked=asked),
            help="Show the version that is installed.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, for its report.")
    ] = False,
) -> None:
    """Turns what happens at a company's customers into word of mouth.

    Start with `vouch init programme` and `vouch dev programme`. After an edit `vouch check`
    finds what is wrong, `vouch test` plays the scenarios, `vouch plan` says what would change
    and `vouch apply` makes it the programme that runs. `vouch explain ID` says why something
    happened, or nothing; `vouch doctor` what an installation lacks.

    Every listing takes `--format json`, its instants in UTC and its keys the same in every
    version. Errors are a line and a hint on standard error. The exit code is 1 for a finding
    and 2 for a command that could not do its work.
    """
