"""`vouch dev`: everything in one process, the programme applied again whenever a file changes."""

import secrets
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import structlog
import typer

from events.errors import VouchError
from workers.cli.applying import apply_folder
from workers.compose import Process, open_process
from workers.logs import configure_logs
from workers.serving import run_dev
from workers.settings import Settings
from workflows.check.findings import errors_of, render_text

LOOK_SECONDS = 1.0
"""How often files are looked at."""

log = structlog.get_logger("vouch.dev")


def run(settings: Settings, folder: Path) -> None:
    """Apply the folder's programme and run; a programme with errors does not start."""
    configure_logs("console")
    process = open_process(_with_defaults(settings))
    process.app.store.migrate()
    hash_, findings = apply_folder(process.app.store, folder, now=process.app.clock.now())
    if findings:
        typer.echo(render_text(findings))
    if not hash_:
        process.close()
        raise typer.Exit(1)
    host, port = process.settings.bind
    typer.echo(f"programme {folder} is applied; POST events to http://{host}:{port}/events")
    if process.settings.mail_folder is not None:
        typer.echo(f"mails are files in {process.settings.mail_folder}/")
    stop = Event()
    watcher = Thread(target=_watch, args=(process, folder, stop), name="watch", daemon=True)
    watcher.start()
    try:
        run_dev(process)
    finally:
        stop.set()


def _with_defaults(settings: Settings) -> Settings:
    """Fill in what only an installation must decide: a key kept in a file, mails as files."""
    if not settings.secret_keys:
        settings = replace(settings, secret_keys=(_kept_key(Path(".vouch-dev-key")),))
    if not settings.smtp_url and settings.mail_folder is None:
        settings = replace(settings, mail_folder=Path("mail"))
    return settings


def _kept_key(path: Path) -> bytes:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text().strip().encode()


def _state(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.suffix in {".yaml", ".md", ".txt"})
    return {str(path): path.stat().st_mtime_ns for path in files}


def _watch(process: Process, folder: Path, stop: Event) -> None:
    known = _state(folder)
    while not stop.wait(LOOK_SECONDS):
        try:
            found = _state(folder)
            if found == known:
                continue
            known = found
            hash_, findings = apply_folder(process.app.store, folder, now=process.app.clock.now())
        except (OSError, VouchError) as error:  # a file between two writes: look again
            log.warning("programme.unreadable", error=type(error).__name__)
            continue
        if errors_of(findings):
            typer.echo(render_text(findings))
            typer.echo("the programme that was applied before stays")
        else:
            log.info("programme.applied", hash=hash_)
