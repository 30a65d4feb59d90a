"""`vouch publish` and `vouch keys`: events in by hand, and who may send them over HTTP."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from events.content_modes import BATCH_EVENTS_MAX, parse_json
from events.refusals import EventError
from store import keys as store_keys
from workers.cli import context
from workers.cli.context import UsageError
from workers.clock import SystemClock
from workers.keys import new_secret
from workers.keys import secret_hash as hash_of

keys_app = typer.Typer(help="API keys: who may publish what over HTTP.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.command("publish")(publish)
    app.add_typer(keys_app, name="keys")


def publish(
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    format_: Annotated[str, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Take in CloudEvents: one JSON object, an array of them, or one a line.

    Every event is committed before its verdict is printed; exit 1 if one was rejected.
    """
    rejected = 0
    with context.the_process() as process:
        for batch in _batches(list(_events(_read(file)))):
            for verdict in process.app.publish(batch):
                rejected += verdict.status == "rejected"
                _say(verdict, format_)
    raise typer.Exit(1 if rejected else 0)


def _say(verdict: Any, format_: str) -> None:  # noqa: ANN401 - a Verdict
    if format_ == "json":
        typer.echo(json.dumps(verdict.to_json()))
        return
    why = f": {verdict.message or verdict.reason}" if verdict.status == "rejected" else ""
    field = f" ({verdict.field})" if verdict.field else ""
    typer.echo(f"{verdict.status:9} {verdict.type or '?'} {verdict.id}{why}{field}")


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"{file} is not a file", hint="name a file of events, or - ")
    return path.read_bytes()


def _events(body: bytes) -> Iterator[Any]:
    """Give the events of a document, whatever its form; a line that is no JSON is rejected alone."""
    stripped = body.strip()
    if stripped.startswith(b"[") or b"\n" not in stripped:
        found = parse_json(stripped)
        yield from found if isinstance(found, list) else [found]
        return
    try:
        yield parse_json(stripped)
        return
    except EventError:
        pass  # not one document: a line each
    for line in stripped.splitlines():
        if line.strip():
            try:
                yield parse_json(line)
            except EventError:
                yield line.decode("utf-8", "replace")


def _batches(events: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(events), BATCH_EVENTS_MAX):
        yield events[start : start + BATCH_EVENTS_MAX]


@keys_app.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(help="Who gets the key: crm, helpdesk ...")],
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
) -> None:
    """Make a key. It is shown once; only its hash is kept."""
    secret = new_secret()
    with context.the_store() as store, store.transaction() as conn:
        store_keys.add(
            conn, name=name, secret_hash=hash_of(secret),
            sources=source or ["*"], types=type_ or ["*"], now=SystemClock().now(),
        )  # fmt: skip
    typer.echo(secret)


@keys_app.command("revoke")
def keys_revoke(name: str) -> None:
    """Take a key back; it is refused from the next request on."""
    with context.the_store() as store, store.transaction() as conn:
        if not store_keys.revoke(conn, name, now=SystemClock().now()):
            raise UsageError(f"there is no live key {name!r}", hint="vouch keys list")
    typer.echo(f"{name} is revoked")


@keys_app.command("list")
def keys_list(
    format_: Annotated[str, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """List the keys and what each may publish."""
    from workers.cli.tables import show  # noqa: PLC0415

    with context.the_store() as store, store.reader() as conn:
        rows = [_row(key) for key in store_keys.listed(conn)]
    show(rows, format_)


def _row(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a key as the store gives it
    return {
        "name": key.name,
        "sources": key.sources,
        "types": key.types,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
