"""`vouch diff`, `vouch rollback` and the history: versions of a programme, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from difflib import unified_diff
from typing import Annotated, Any

import typer
import yaml

from events.errors import VouchError
from store import definitions
from store.db import Connection
from workers.cli.applying import sound_programme
from workers.cli.context import (
    Folder,
    Format,
    UsageError,
    operator,
    programme_folder,
    require_format,
    the_process,
    the_reader,
)
from workers.cli.moving import Migrate, move, require_clear
from workers.cli.options import DryRun, Who
from workers.cli.plans import lines_of
from workers.cli.tables import as_json, show
from workers.clock import SystemClock
from workers.mapping import read_mapping
from workers.plan import plan
from workers.programmes import apply_loaded
from workflows.comparing import Difference, counted, differences
from workflows.loaded import from_bundle

Older = Annotated[
    str,
    typer.Argument(
        metavar="[VERSION]", help="Its hash or number, as `vouch apply --history` has it."
    ),
]


class UnappliedError(VouchError):
    """A version of the programme that was never applied to this database."""

    code = "never-applied"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("diff")(diff)
    app.command("rollback")(rollback)


def show_history(limit: int, format_: str) -> None:
    """List what was applied: when, by whom, from which commit, and what was other then."""
    with the_reader() as conn:
        rows = definitions.history(conn, limit=limit + 1)
        bundles = {row["hash"]: definitions.bundle(conn, row["hash"]) for row in rows}
    told = []
    for number, row in enumerate(rows[:limit]):
        before = bundles[rows[number + 1]["hash"]] if number + 1 < len(rows) else None
        what = counted(differences(before, bundles[row["hash"]] or {})) if before else "the first"
        told.append({**row, "what": what})
    show(told, format_, columns=("seq", "at", "by", "commit", "what", "hash"), total=limit)


# -- diff ------------------------------------------------------------------------------------------


def diff(
    folder: Folder = None,
    *,
    since: Annotated[
        str, typer.Option("--from", help="Not from what is applied, but from this version.")
    ] = "",
    to: Annotated[str, typer.Option("--to", help="Not to the folder, but to this version.")] = "",
    format_: Format = "text",
) -> None:
    """Show what differs: applied and folder, or two versions.

    Only meaning counts: comments and the order of keys are not kept.

    Example: vouch diff programme
    """
    require_format(format_, "text", "json")
    with the_reader() as conn:
        before = _bundle(conn, since)
        after = _bundle(conn, to) if to else None
    if after is None:
        after = sound_programme(programme_folder(folder), format_=format_).bundle()
    found = differences(before, after)
    if format_ == "json":
        typer.echo(as_json([asdict(each) for each in found]))
        return
    for each in found:
        for line in _diff(each):
            typer.echo(line)
    if not found:
        typer.echo("nothing differs")


def _bundle(conn: Connection, named: str) -> Mapping[str, Any] | None:
    if not named:
        head = definitions.head(conn)
        return head[1] if head else None
    return definitions.bundle(conn, _hash(conn, named))


def _hash(conn: Connection, named: str) -> str:
    """Return the hash of an applied version by its number, or by how its hash begins.

    Raises:
        UnappliedError: There is none, or more than one.
    """
    rows = definitions.history(conn, limit=definitions.HISTORY_MAX)
    by_number = {str(row["seq"]): row["hash"] for row in rows}
    found = {row["hash"] for row in rows if row["hash"].startswith(named)}
    if named in by_number and len(found) != 1:
        return str(by_number[named])
    if len(found) != 1:
        raise UnappliedError(
            f"{len(found) or 'no'} applied versions begin with {named!r}",
            hint="see: vouch apply --history",
        )
    return str(found.pop())


def _diff(each: Difference) -> Iterator[str]:
    name = each.name if each.part == "template" else f"{each.part} {each.name}"
    old, new = _text(each.before), _text(each.after)
    yield from unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="")


def _text(value: Any) -> list[str]:  # noqa: ANN401 - any part of a bundle
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).splitlines()


# -- rollback --------------------------------------------------------------------------------------


def rollback(
    version: Older = "",
    *,
    migrate: Migrate = None,
    by: Who = "",
    dry_run: DryRun = False,
) -> None:
    """Make an earlier version the one that workers run again.

    Without VERSION the one before. Runs keep the version they have, unless --migrate names a
    file that leads them over. It is an apply like any other, and can be rolled back.

    Example: vouch rollback --by u-sam --dry-run
    """
    with the_process() as process:
        app = process.app
        with app.store.reader() as conn:
            hash_ = _hash(conn, version) if version else _before(conn)
            loaded = from_bundle(definitions.bundle(conn, hash_) or {})
            moves = read_mapping(migrate, loaded.workflows) if migrate else {}
            found = plan(conn, loaded, moves, now=SystemClock().now())
        for line in lines_of(found):
            typer.echo(line)
        if dry_run:
            return
        if moves:
            require_clear(app.store, loaded, moves)
        apply_loaded(app.store, loaded, now=app.clock.now(), by=by or operator())
        typer.echo(f"applied {hash_} again; workers take it up within a second")
        if moves:
            move(app, loaded, moves, by=by or operator())


def _before(conn: Connection) -> str:
    rows = definitions.history(conn, limit=definitions.HISTORY_MAX)
    for row in rows:
        if row["hash"] != rows[0]["hash"]:
            return str(row["hash"])
    raise UsageError("there is no earlier version", hint="see: vouch apply --history")
