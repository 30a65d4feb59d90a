"""`vouch dev web worker clock migrate`: what runs."""

from pathlib import Path
from typing import Annotated

import typer

from workers import processes
from workers.cli import context
from workers.compose import open_process
from workers.logs import configure_logs

Folder = Annotated[Path | None, typer.Argument(help="The programme's folder.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("dev")(dev)
    app.command("web")(web)
    app.command("worker")(worker)
    app.command("clock")(clock)
    app.command("migrate")(migrate)


def _start(style: str | None = None) -> None:
    configure_logs(style or context.settings().log_format)


def dev(folder: Folder = None) -> None:
    """Run web, worker and clock in this process, applying the programme as its files change.

    Everything is kept in the database of VOUCH_DATABASE_URL, by default `vouch.db` in this
    folder; mails go to VOUCH_SMTP_URL or, without one, as files into the folder `mail`.
    """
    from workers.cli.developing import run  # noqa: PLC0415 - only this command watches files

    run(context.settings(), context.programme_folder(folder))


def web() -> None:
    """Serve intake and the pages people answer on."""
    from workers.serving import run_web  # noqa: PLC0415 - the other processes serve nothing

    _start()
    run_web(open_process(context.settings()))


def worker() -> None:
    """Handle events and send messages until SIGTERM."""
    _start()
    processes.run_worker(open_process(context.settings()))


def clock() -> None:
    """Wake what is due, and ring again for whatever was left."""
    _start()
    process = open_process(context.settings())
    processes.run_clock(process)
    process.close()


def migrate() -> None:
    """Bring the database to the schema that this version needs."""
    with context.the_store() as store:
        store.migrate()
        typer.echo(f"the schema is at revision {store.schema_state().current}")
