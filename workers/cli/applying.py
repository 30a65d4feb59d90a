"""Making a folder's programme the one that workers run."""

import subprocess
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from store.db import Store
from workers.cli.context import operator
from workers.clock import SystemClock
from workers.programmes import apply_loaded
from workers.scenarios.reading import scenario_findings
from workflows.check.findings import Finding, errors_of, render_json, render_text, sort_findings
from workflows.check.programme import check
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.wallclock import zone_or


def checked(folder: Path) -> tuple[Loaded, list[Finding]]:
    """Read a programme and everything that is wrong with it, today."""
    loaded = load_programme(load_folder(folder))
    zone = zone_or(loaded.policies.zone, ZoneInfo("UTC"))[0]
    found = check(loaded, today=SystemClock().now().astimezone(zone).date())
    told = {(each.file, each.line, each.column) for each in found}
    for document in loaded.scenarios.values():
        found += [
            each
            for each in scenario_findings(document, loaded)
            if (each.file, each.line, each.column) not in told
        ]
    return loaded, sort_findings(found)


def sound_programme(where: Path, *, warns: bool = False, format_: str = "text") -> Loaded:
    """Return a programme; one with errors ends the command, its findings told in that format."""
    loaded, findings = checked(where)
    errors = errors_of(findings)
    if errors or (warns and findings):
        typer.echo(render_json(findings) if format_ == "json" else render_text(findings))
    if errors:
        typer.echo("vouch: nothing was applied: the programme has errors", err=True)
        raise typer.Exit(1)
    return loaded


def apply_folder(store: Store, folder: Path, *, now: datetime) -> tuple[str, list[Finding]]:
    """Apply a folder's programme if it has no errors; return its hash ('' if not) and findings."""
    loaded, findings = checked(folder)
    if errors_of(findings):
        return "", findings
    return apply_checked(store, loaded, folder, now=now), findings


def apply_checked(
    store: Store, loaded: Loaded, folder: Path, *, now: datetime, by: str = ""
) -> str:
    """Apply a programme that was read from a folder and has no errors; return its hash."""
    return apply_loaded(store, loaded, now=now, by=by or operator(), commit=_commit(folder))


def _commit(folder: Path) -> str:
    """Return the git commit a programme's folder is at; '' where it is in no repository.

    It ends in `-dirty` where a file of the folder is not as it was committed.
    """
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    changed = commit and _git(folder, "status", "--porcelain", "--", ".")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *words: str) -> str:
    """Return what git says of a folder; '' where it says nothing, or is not there."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(  # noqa: S603 - our words, and a folder's name
            command, capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
