"""`vouch publish` and `vouch keys`: events in by hand, and who may send them over HTTP."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from events.content_modes import BATCH_EVENTS_MAX, parse_json
from events.refusals import EventError, MalformedEventError
from store import keys as store_keys
from store.intake import accept
from workers.app import App
from workers.bulk import audit
from workers.cli.context import (
    Format,
    UsageError,
    operator,
    require_format,
    the_process,
    the_store,
)
from workers.cli.groups import Group
from workers.cli.options import DryRun, Who
from workers.cli.tables import show
from workers.clock import SystemClock
from workers.keys import new_secret
from workers.keys import secret_hash as hash_of
from workers.verdicts import Verdict, refused

keys_app = typer.Typer(
    cls=Group, help="API keys: who may publish what over HTTP.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("publish")(publish)
    app.add_typer(keys_app, name="keys")


def publish(
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    format_: Annotated[str, typer.Option("--format", help="text, or json: one a line")] = "text",
) -> None:
    """Take in CloudEvents from a file or a pipe.

    The file is one JSON object, an array of them, or one a line. They go straight into the
    database, so that no key is needed. Every event is committed before its verdict is printed;
    exit 1 if one was rejected. What was accepted before is a duplicate: publishing a file again
    does no harm.

    Example: vouch publish events.jsonl
    """
    require_format(format_, "text", "json")
    rejected = 0
    events = _events(_read(file))
    with the_process() as process:
        for batch in _batches(events):
            for verdict in _taken_in(process.app, batch):
                rejected += verdict.status == "rejected"
                _say(verdict, format_)
    raise typer.Exit(1 if rejected else 0)


def _taken_in(app: App, batch: list[Any]) -> Iterator[Verdict]:
    """Take in what could be read, note what could not, and tell of each in its place."""
    told = iter(app.publish([each for each in batch if not isinstance(each, EventError)]))
    for each in batch:
        if not isinstance(each, EventError):
            yield next(told)
            continue
        unread = refused({}, each)
        app.intake.note([unread.reject(app.clock.now())])
        yield unread.verdict


def _say(verdict: Verdict, format_: str) -> None:
    if format_ == "json":
        typer.echo(json.dumps(verdict.to_json()))
        return
    words = [f"{verdict.status:9}", verdict.type, verdict.id]
    if verdict.status == "rejected":
        words.append(f"({verdict.message or verdict.reason})")
        words.append(f"- {verdict.hint}" if verdict.hint else "")
    typer.echo(" ".join(each for each in words if each))


def _read(file: str) -> bytes:
    if file == "-" and sys.stdin is None:  # a process manager may close it
        raise UsageError("standard input is closed", hint="name a file, or pipe events in")
    if file == "-":
        return sys.stdin.buffer.read()
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"{file} is not a file", hint="name a file of events, or -")
    return path.read_bytes()


def _events(body: bytes) -> list[Any]:
    """Return the events of a document, whatever its form."""
    stripped = body.strip()
    if not stripped:
        raise UsageError("there is no event in it", hint="write one JSON object a line")
    try:
        found = parse_json(stripped)
    except EventError:
        lines = body.splitlines()
        if len(stripped.splitlines()) == 1 or stripped.startswith(b"["):
            raise
        return [_line(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    return found if isinstance(found, list) else [found]


def _line(number: int, line: bytes) -> Any:  # noqa: ANN401 - JSON, or why it is none
    """Return a line's event; one that cannot be read becomes the error, and is rejected alone."""
    try:
        return parse_json(line)
    except EventError as error:
        said = str(error).replace(", line 1 column", ", column")
        return MalformedEventError(f"line {number}: {said}", hint=error.hint)


def _batches(events: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(events), BATCH_EVENTS_MAX):
        yield events[start : start + BATCH_EVENTS_MAX]


@keys_app.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(help="Who gets the key: crm, helpdesk ...")],
    *,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="A source it may publish as; repeat for more; all if left out.", show_default=False
        ),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="An event type it may publish; repeat for more; all if left out.",
            show_default=False,
        ),
    ] = None,
    console: Annotated[
        bool,
        typer.Option("--console", help="It opens the pages of operators, and publishes nothing."),
    ] = False,
    by: Who = "",
) -> None:
    """Make a key and print it: this once, since only its hash is kept.

    Example: vouch keys add crm --source crm --type customer.started --type deal.won
    """
    if console and (source or type_):
        raise UsageError("a key of the console publishes nothing",
                         hint="leave out --source and --type, or make two keys")  # fmt: skip
    everything = [] if console else ["*"]
    secret, now = new_secret(), SystemClock().now()
    with the_store() as store, store.transaction() as conn:
        store_keys.add(
            conn, name=name, secret_hash=hash_of(secret),
            sources=source or everything, types=type_ or everything, now=now, console=console,
        )  # fmt: skip
        accept(conn, [audit("keys add", {"key": name}, meant=1, by=by or operator(), now=now)])
    typer.echo(secret)


@keys_app.command("revoke")
def keys_revoke(
    name: Annotated[str, typer.Argument(help="The key's name, as it was added.")],
    *,
    by: Who = "",
    dry_run: DryRun = False,
) -> None:
    """Take a key back for good: nothing more that it publishes enters.

    Example: vouch keys revoke crm
    """
    now = SystemClock().now()
    with the_store() as store, store.transaction() as conn:
        live = {key.name for key in store_keys.listed(conn) if key.revoked_at is None}
        if name not in live:
            raise UsageError(f"there is no live key {name!r}", hint="see: vouch keys list")
        if dry_run:
            typer.echo(f"{name} would be revoked; nothing was changed")
            return
        store_keys.revoke(conn, name, now=now)
        accept(conn, [audit("keys revoke", {"key": name}, meant=1, by=by or operator(), now=now)])
    typer.echo(f"{name} is revoked: nothing more that it publishes enters")


@keys_app.command("list")
def keys_list(format_: Format = "text") -> None:
    """List the keys, revoked ones too, and what each may publish.

    Example: vouch keys list
    """
    with the_store() as store, store.reader() as conn:
        rows = [_row(key) for key in store_keys.listed(conn)]
    columns = ("name", "sources", "types", "console", "created_at", "revoked_at")
    show(rows, format_, columns=columns, key="name")


def _row(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a key as the store gives it
    return {
        "name": key.name,
        "sources": key.sources,
        "types": key.types,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "console": key.console,
    }
