"""`vouch plan apply diff rollback`: changing a programme while it runs, and back again."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from events.errors import VouchError
from store import definitions
from store.db import Connection, Store
from workers import bulk, running
from workers.app import App
from workers.cli.applying import apply_checked, checked
from workers.cli.bulk import progress
from workers.cli.context import (
    Folder,
    Format,
    UsageError,
    operator,
    programme_folder,
    require_format,
    the_process,
    the_reader,
    the_store,
)
from workers.cli.options import DryRun, Limit
from workers.cli.plans import lines_of, many, removed
from workers.cli.tables import as_json, show
from workers.clock import SystemClock
from workers.mapping import MovesOf, read_mapping
from workers.plan import Plan, plan
from workers.programmes import apply_loaded
from workflows.check.findings import errors_of, render_text
from workflows.comparing import Difference, counted, differences
from workflows.compiled import version_of
from workflows.load import Loaded, from_bundle

Migrate = Annotated[
    Path | None,
    typer.Option(
        "--migrate",
        metavar="MAPPING.yaml",
        help="Lead live runs over to the new version, by this mapping of steps.",
        show_default=False,
    ),
]
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
    app.command("plan")(plan_command)
    app.command("apply")(apply_command)
    app.command("diff")(diff)
    app.command("rollback")(rollback)


# -- plan ------------------------------------------------------------------------------------------


def plan_command(folder: Folder = None, migrate: Migrate = None, format_: Format = "text") -> None:
    """Say what applying a programme would do, and do nothing.

    Which workflows, words and policies would be added, changed or removed; how many runs are
    under way in what changes, and whether they could move; which messages that are planned
    already would get other words; when schedules fire next, clock changes told. Exit 1 if the
    programme has errors.

    Example: vouch plan programme --migrate mapping.yaml
    """
    require_format(format_, "text", "json")
    loaded = _checked(programme_folder(folder))
    with the_reader() as conn:
        found = _plan(conn, loaded, migrate)
    if format_ == "json":
        typer.echo(as_json(_as_json(found)))
        return
    for line in lines_of(found):
        typer.echo(line)


def _checked(where: Path, *, warns: bool = False) -> Loaded:
    """Return a programme; one with errors ends the command."""
    loaded, findings = checked(where)
    errors = errors_of(findings)
    if errors or (warns and findings):
        typer.echo(render_text(findings))
    if errors:
        typer.echo("vouch: nothing was applied: the programme has errors", err=True)
        raise typer.Exit(1)
    return loaded


def _plan(conn: Connection, loaded: Loaded, migrate: Path | None) -> Plan:
    return plan(
        conn,
        loaded,
        read_mapping(migrate, loaded.workflows) if migrate else None,
        now=SystemClock().now(),
    )


def _as_json(found: Plan) -> dict[str, Any]:
    told = asdict(found)
    told["differences"] = [
        {name: each[name] for name in ("part", "name", "how")} for each in told["differences"]
    ]
    return told


# -- apply -----------------------------------------------------------------------------------------


def apply_command(
    folder: Folder = None,
    *,
    migrate: Migrate = None,
    history: Annotated[
        bool, typer.Option("--history", help="List what was applied, when, and by whom.")
    ] = False,
    limit: Limit = 50,
    format_: Format = "text",
) -> None:
    """Make a programme the one that workers run.

    One with errors is refused. Workers take it up within a second. Runs that are under way keep
    the version of the workflow they started with, also when it is removed, unless --migrate
    names a file that leads them over: see `vouch plan` first. When two apply at once, one
    waits for the other or fails, saying so. `vouch rollback` goes back.

    Example: vouch apply programme
    """
    if history:
        _history(limit, format_)
        return
    where = programme_folder(folder)
    if migrate is None:
        _apply_folder(where)
        return
    loaded = _checked(where)
    moves = read_mapping(migrate, loaded.workflows)
    with the_process() as process:
        _require_clear(process.app.store, loaded, moves)
        _apply_folder(where, process.app.store)
        move(process.app, loaded, moves)


def _apply_folder(where: Path, store: Store | None = None) -> None:
    if store is None:
        with the_store() as opened:
            _apply_folder(where, opened)
        return
    loaded = _checked(where, warns=True)
    with store.reader() as conn:
        found = plan(conn, loaded, now=SystemClock().now())
    if found.head == found.hash:
        typer.echo(f"{where} is what is applied already, as {found.hash}")
        return
    apply_checked(store, loaded, where, now=SystemClock().now())
    typer.echo(f"applied {where} as {found.hash}; workers take it up within a second")
    if found.head:
        typer.echo(counted(found.differences))
    for line in removed(found):
        typer.echo(line)


def _require_clear(store: Store, loaded: Loaded, moves: Mapping[str, MovesOf]) -> None:
    """Return if every run that is to move can; else say what the mapping lacks, and end with 1."""
    with store.reader() as conn:
        found = plan(conn, loaded, moves, now=SystemClock().now())
    unclear = [each for each in found.unclear if each.workflow in moves]
    if not unclear:
        return
    for each in unclear:
        runs = many(each.count, "run")
        typer.echo(
            f"{each.workflow} {each.version[:8]}: {runs} in {each.step!r}, which {each.reason}"
        )
    typer.echo("vouch: nothing was applied: the mapping does not say where these go on", err=True)
    typer.echo("  help: name each step: WORKFLOW: {OLD: NEW} or {OLD: {enter: NEW}}", err=True)
    raise typer.Exit(1)


def move(app: App, loaded: Loaded, moves: Mapping[str, MovesOf]) -> None:
    """Tell the live runs of these workflows to go over, and say how many were told."""
    by = operator()
    with app.store.reader() as conn:
        mark = str(definitions.history(conn, limit=1)[0]["seq"])
    for name, steps in sorted(moves.items()):
        to = version_of(loaded.workflows[name].canonical())
        these = running.moving(app, name, to=to, steps=steps, by=by, mark=mark)
        done = bulk.do(app, these, by=by, dry_run=False, progress=progress)
        typer.echo(f"{name}: {many(done.done, 'run')} told to go over to {to[:8]}, by {by}")
    typer.echo("workers lead them over; vouch plan shows those left")


def _history(limit: int, format_: str) -> None:
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
    """Show what differs between what is applied and a folder, or between two versions.

    Only meaning counts: comments and the order of keys are not kept.

    Example: vouch diff programme
    """
    require_format(format_, "text", "json")
    with the_reader() as conn:
        before = _bundle(conn, since)
        after = _bundle(conn, to) if to else None
    if after is None:
        after = _checked(programme_folder(folder)).bundle()
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
    dry_run: DryRun = False,
) -> None:
    """Make an earlier version of the programme the one that workers run again.

    Without VERSION the one before. Runs keep the version they have, unless --migrate names a
    file that leads them over. It is an apply like any other, and can be rolled back.

    Example: vouch rollback --dry-run
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
            _require_clear(app.store, loaded, moves)
        apply_loaded(app.store, loaded, now=app.clock.now(), by=operator())
        typer.echo(f"applied {hash_} again; workers take it up within a second")
        if moves:
            move(app, loaded, moves)


def _before(conn: Connection) -> str:
    rows = definitions.history(conn, limit=definitions.HISTORY_MAX)
    for row in rows:
        if row["hash"] != rows[0]["hash"]:
            return str(row["hash"])
    raise UsageError("there is no earlier version", hint="see: vouch apply --history")
