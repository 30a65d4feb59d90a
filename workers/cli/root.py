"""The command tree."""

import typer

from workers.cli import looking, processes, programme, publishing

app = typer.Typer(
    name="vouch",
    help="Turns what happens at a company's customers into word of mouth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
programme.add_to(app)
processes.add_to(app)
publishing.add_to(app)
looking.add_to(app)
