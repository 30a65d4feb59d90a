"""`vouch doctor`: is everything there that an installation needs?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from events.errors import VouchError
from store.db import Store
from store.stats import health
from workers.cli import context
from workers.cli.tables import as_json
from workers.clock import SystemClock
from workers.compose import channels_of, open_store
from workers.programmes import NoProgrammeError, Programmes
from workers.queue.queue import Queue
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Look:
    """One thing looked at, what was found, and the remedy."""

    about: str
    state: Literal["ok", "warning", "error"]
    said: str
    remedy: str = ""


def doctor(
    format_: Annotated[str, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Check settings, database, schema, programme, queue and mail; exit 1 if something is wrong."""
    looks = list(_looks())
    if format_ == "json":
        typer.echo(as_json([vars_of(look) for look in looks]))
    else:
        for look in looks:
            typer.echo(f"{look.state:7} {look.about}: {look.said}")
            if look.remedy:
                typer.echo(f"        help: {look.remedy}")
    raise typer.Exit(1 if any(look.state == "error" for look in looks) else 0)


def vars_of(look: Look) -> dict[str, str]:
    """Return a look as JSON has it."""
    return {"about": look.about, "state": look.state, "said": look.said, "remedy": look.remedy}


def _looks() -> Iterator[Look]:
    try:
        settings = context.settings()
    except VouchError as error:
        yield Look("settings", "error", str(error), error.hint)
        return
    yield Look("settings", "ok", "embedded: one process" if settings.embedded else "standard")
    try:
        settings.signing_keys()
        yield Look("signing keys", "ok", f"{len(settings.secret_keys)}")
    except VouchError as error:
        yield Look("signing keys", "error", str(error), error.hint)
    yield from _database(settings)
    yield from _queue(settings)
    names = sorted(channels_of(settings))
    if names:
        yield Look("channels", "ok", ", ".join(names))
    else:
        yield Look(
            "channels",
            "error",
            "no mail can leave",
            "set VOUCH_SMTP_URL, or VOUCH_MAIL_FOLDER to write files",
        )


def _database(settings: Settings) -> Iterator[Look]:
    store = open_store(settings)
    try:
        state = store.schema_state()
        yield Look("database", "ok", store.dialect)
        if not state.is_current:
            yield Look(
                "schema",
                "error",
                f"is at {state.current or 'nothing'}, this version needs {state.head}",
                "vouch migrate",
            )
            return
        yield Look("schema", "ok", state.head)
        yield from _programme(store)
        yield from _health(store)
    except VouchError as error:
        yield Look("database", "error", str(error), error.hint)
    finally:
        store.close()


def _programme(store: Store) -> Iterator[Look]:
    try:
        applied = Programmes(store, SystemClock()).current()
    except NoProgrammeError as error:
        yield Look("programme", "error", str(error), error.hint)
        return
    programme = applied.programme
    yield Look(
        "programme",
        "ok",
        f"{programme.policies.programme} {applied.hash}, {len(programme.workflows)} workflows",
    )
    wanted = {source.secret_name for source in applied.sources.values() if source.secret_name}
    for name in sorted(wanted - os.environ.keys()):
        yield Look("programme", "error", f"{name} is not set", "a source checks signatures with it")


def _health(store: Store) -> Iterator[Look]:
    with store.reader() as conn:
        found = health(conn, now=SystemClock().now())
    for about, number, remedy in (
        ("dead letters", found.dead, "vouch dead list"),
        ("messages in doubt", found.outbox_in_doubt, "vouch outbox list --status in_doubt"),
        ("slices under suspicion", found.slices_tried, "a worker died in the middle of a batch"),
        ("tasks nobody has", found.tasks_unassigned, "vouch tasks list"),
    ):
        if number:
            yield Look(about, "warning", str(number), remedy)
    yield Look("inbox", "ok", f"{found.inbox} waiting")


def _queue(settings: Settings) -> Iterator[Look]:
    if settings.embedded:
        return
    queue = Queue.open(settings.redis_url, _Nobody())
    try:
        if queue.ping():
            yield Look("queue", "ok", "answers")
        else:
            yield Look(
                "queue", "error", "does not answer", "is Redis running, and VOUCH_REDIS_URL right?"
            )
    finally:
        queue.stop()


class _Nobody:
    """Handlers of a queue that only rings."""

    def accept(self, events: list[dict[str, object]]) -> None:
        """Never called: nothing is started."""

    def drain(self, slices: list[int]) -> None:
        """Never called."""

    def deliver(self) -> None:
        """Never called."""

    def is_database_up(self) -> bool:
        """Say yes."""
        return True
