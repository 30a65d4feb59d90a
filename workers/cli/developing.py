"""`vouch dev`: everything in one process, the programme applied again whenever a file changes."""

import os
import secrets
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import structlog
import typer

from events.errors import VouchError
from store.errors import is_transient
from workers.cli.applying import apply_folder
from workers.compose import Process, open_process, require_not_newer
from workers.logs import configure_logs
from workers.processes import until_asked
from workers.serving import listen, place_of, run_dev
from workers.settings import Settings
from workflows.check.findings import Finding, errors_of, render_text

LOOK_SECONDS = 1.0
"""How often files are looked at."""

KEY_FILE = Path(".vouch-dev-key")
MAIL_FOLDER = Path("mail")

log = structlog.get_logger("vouch.dev")


def run(settings: Settings, folder: Path) -> None:
    """Apply the folder's programme and run; a programme with errors does not start."""
    configure_logs("console")
    asked = until_asked()
    process = open_process(with_defaults(settings))
    try:
        with closing(listen(process)) as listening:
            require_not_newer(process.app.store)
            process.app.store.migrate()
            known = _state(folder)
            hash_, findings = apply_folder(process.app.store, folder, now=process.app.clock.now())
            _report(findings)
            if not hash_:
                typer.echo(f"vouch: {folder} has errors: mend them, then start again", err=True)
                raise typer.Exit(1)
            _greet(process, folder, place_of(listening))
            watcher = Thread(
                target=_watch, args=(process, folder, known, asked), name="watch", daemon=True
            )
            watcher.start()
            run_dev(process, listening, asked)
            watcher.join()
    finally:
        process.close()
    typer.echo("stopped; everything is kept for the next start")


def _greet(process: Process, folder: Path, place: str) -> None:
    settings = process.settings
    where = settings.database_url if "@" not in settings.database_url else "a Postgres database"
    mails = f"files in {settings.mail_folder}/" if settings.mail_folder else "sent by SMTP"
    typer.echo(
        f"programme  {folder}, applied again whenever a file of it changes\n"
        f"database   {where}\n"
        f"mails      {mails}\n"
        f"events     http://{place}/events, by POST and with a key: vouch keys add NAME\n"
        f"           or, without a key: vouch publish FILE\n"
        f"console    http://{place}/console/, with a key: vouch keys add NAME --console\n"
        f"Control-C ends it"
    )


def with_defaults(settings: Settings) -> Settings:
    """Fill in what only an installation must decide: a key kept in a file, mails as files."""
    if not settings.secret_keys:
        settings = replace(settings, secret_keys=(_kept_key(KEY_FILE),))
    if not settings.smtp_url and settings.mail_folder is None:
        settings = replace(settings, mail_folder=MAIL_FOLDER)
    return settings


def _kept_key(path: Path) -> bytes:
    """Return the key in a file that only its owner reads, made at the first start."""
    if not path.exists() or not path.read_text().strip():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip().encode()


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return when each file changed last, and its size."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix in {".yaml", ".yml", ".md", ".txt"}:
            stat = path.stat()
            found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found


def _watch(process: Process, folder: Path, known: dict[str, tuple[int, int]], asked: Event) -> None:
    failing = ""
    while not asked.wait(LOOK_SECONDS):
        try:
            found = _state(folder)
            if found == known:
                failing = _readable(folder, failing)
                continue
            hash_, findings = apply_folder(process.app.store, folder, now=process.app.clock.now())
        except (OSError, VouchError) as error:  # a file between two writes: look again
            name = type(error).__name__
            if name != failing:
                log.warning("programme.unreadable", folder=str(folder), error=name)
            failing = name
            continue
        except Exception as error:  # transient ones pass, the rest is raised
            if not is_transient(error):
                raise
            log.warning("programme.waiting", error=type(error).__name__)
            continue
        known, failing = found, ""
        _report(findings)
        if not hash_:
            typer.echo(f"{folder} has errors: the programme that was applied before stays")
            continue
        process.app.programmes.forget()
        typer.echo(f"{folder} is applied again, as {hash_}")


def _readable(folder: Path, failing: str) -> str:
    """Say that the folder is back as it was, where it could not be read."""
    if failing:
        log.info("programme.readable", folder=str(folder))
    return ""


def _report(findings: list[Finding]) -> None:
    if findings:
        typer.echo(render_text(findings))
        errors = len(errors_of(findings))
        typer.echo(f"errors among these: {errors}" if errors else "warnings only: it runs")
