"""`vouch dev web worker clock migrate`: what runs."""

from pathlib import Path

import typer

from workers import processes
from workers.cli import context
from workers.cli.context import Folder, UsageError
from workers.compose import Process, open_process, require_not_newer
from workers.logs import configure_logs


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("dev")(dev)
    app.command("web")(web)
    app.command("worker")(worker)
    app.command("clock")(clock)
    app.command("migrate")(migrate)


def _open(*, signs: bool = True) -> Process:
    """Return one of several processes: they need a queue between them.

    Raises:
        UsageError: There is none.
    """
    settings = context.settings()
    if settings.embedded:
        raise UsageError(
            "VOUCH_REDIS_URL is missing: web, worker and clock meet there",
            hint="set it, or run all three in one process: vouch dev",
        )
    configure_logs(settings.log_format)
    return open_process(settings, signs=signs)


def dev(folder: Folder = None) -> None:
    """Run web, worker and clock in this one process.

    The programme is applied again whenever a file of it changes. Everything is kept in the
    database of VOUCH_DATABASE_URL, by default `vouch.db` in this folder; mails go to
    VOUCH_SMTP_URL or, without one, as files into the folder `mail`. The key that signs links is
    kept in `.vouch-dev-key`, unless VOUCH_SECRET_KEYS has one. Other commands typed in the same
    folder work on the same database. Control-C ends it.

    Example: vouch dev programme
    """
    from workers.cli.developing import run  # noqa: PLC0415 - only this command watches files

    run(context.settings(), _programme(folder))


def _programme(given: Path | None) -> Path:
    return context.programme_folder(given)


def web() -> None:
    """Serve intake and the pages people answer on, until SIGTERM.

    It waits for a database that is not there yet, and refuses one without this version's
    schema. Logs go to standard error, a JSON object a line.

    Example: VOUCH_BIND=0.0.0.0:8000 vouch web
    """
    from workers.serving import run_web  # noqa: PLC0415 - the other processes serve nothing

    run_web(_open())


def worker() -> None:
    """Handle events and send messages, until SIGTERM.

    Start about one a core; each takes what the others leave. On SIGTERM it finishes what it
    has begun and exits with 0.

    Example: VOUCH_WORKER_THREADS=4 vouch worker
    """
    processes.run_worker(_open())


def clock() -> None:
    """Wake what is due, until SIGTERM.

    It also rings again for whatever a lost nudge left.

    One is enough; two do no harm.

    Example: vouch clock
    """
    processes.run_clock(_open(signs=False))


def migrate() -> None:
    """Bring the database to the schema of this version.

    It does nothing where that is there. Take a backup first. Running processes may go on
    meanwhile from one version to the next; for a jump over several stop them before.

    Example: vouch migrate
    """
    with context.the_store(migrated=False) as store:
        require_not_newer(store)
        store.migrate()
        typer.echo(f"the schema is at revision {store.schema_state().current}")
