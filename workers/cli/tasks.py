"""`vouch tasks`: what people are to do, and what they did."""

from typing import Annotated

import typer

from store.db import Connection
from store.listings import work
from store.listings.pages import Page
from workers import operators
from workers.app import App
from workers.bulk import PAGE
from workers.cli.bulk import Means, Rows, to_all
from workers.cli.context import Format, UsageError, the_process, the_reader
from workers.cli.groups import Group
from workers.cli.options import (
    Before,
    By,
    Contact,
    DryRun,
    Ids,
    Limit,
    Offset,
    Status,
    Workflow,
    instant,
)
from workers.cli.tables import show, show_one
from workers.clock import SystemClock

tree = typer.Typer(
    cls=Group,
    help="What people are to do, and what they did.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="tasks")


Assignee = Annotated[str, typer.Option(help="Only of this colleague, by staff id.")]
Key = Annotated[str, typer.Argument(help="The task's key, as `vouch tasks list` has it.")]


@tree.command("list")
def list_(
    *,
    contact: Contact = "",
    assignee: Assignee = "",
    status: Status = "open",
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only open ones that are late.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Closed and cancelled ones, too.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List open tasks, due first first.

    Example: vouch tasks list --assignee u-sam --overdue
    """
    late = SystemClock().now() if overdue else None
    with the_reader() as conn:
        rows = work.tasks(
            conn, contact=contact, assignee=assignee, status="" if every else status,
            overdue_at=late, page=Page(limit, offset),
        )  # fmt: skip
    columns = ("due_at", "status", "assignee", "title", "actor", "accepted_at", "key")
    show(rows, format_, columns=columns, total=limit)


@tree.command("show")
def show_(key: Key, format_: Format = "text") -> None:
    """Show a task whole: who has it and through which role, what closing it requires.

    Example: vouch tasks show 3f9a0c/call
    """
    with the_reader() as conn:
        row = work.task(conn, key)
    show_one(row, format_, what="task")


@tree.command("accept")
def accept(key: Key, by: By) -> None:
    """Take a task on: the ladder of those who hear that it is late stops.

    Example: vouch tasks accept 3f9a0c/call --by u-sam
    """
    _change("task.accepted", key, by, {}, f"{by} has it")


@tree.command("done")
def done(
    key: Key,
    by: By,
    field: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, for what the task requires; repeat.", show_default=False),
    ] = None,
) -> None:
    """Close a task as done; its run goes on.

    Example: vouch tasks done 3f9a0c/call --by u-sam --field root_cause=billing
    """
    _change("task.closed", key, by, _fields(field or []), "done")


@tree.command("cancel")
def cancel(
    keys: Ids = None, *, by: By, assignee: Assignee = "", workflow: Workflow = "",
    contact: Contact = "", before: Before = "",
    reason: Annotated[str, typer.Option(help="Why, in a word or a sentence.")] = "cancelled",
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Take open tasks back: nobody need do them; their runs go on.

    Example: vouch tasks cancel 3f9a0c/call --by u-sam --reason "moved abroad"
    """
    which = _which(assignee, workflow, contact, before)
    means = _means("cancel", "cancelled", "task.cancelled", which, by, {"reason": reason})
    to_all(means, keys or [], which, by=by, dry_run=dry_run)


@tree.command("reassign")
def reassign(
    keys: Ids = None, *, by: By,
    to: Annotated[str, typer.Option(help="Who has them now, by staff id.", show_default=False)],
    assignee: Assignee = "", workflow: Workflow = "", contact: Contact = "", before: Before = "",
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Hand open tasks to somebody else: their due times stay, both are told.

    Example: vouch tasks reassign --assignee u-sam --by u-ada --to u-lena --dry-run
    """
    which = _which(assignee, workflow, contact, before)
    means = _means("reassign", f"handed to {to}", "task.reassigned", which, by, {"to": to})
    to_all(means, keys or [], which, by=by, dry_run=dry_run)


def _which(assignee: str, workflow: str, contact: str, before: str) -> dict[str, str]:
    return {"assignee": assignee, "workflow": workflow, "contact": contact, "before": before}


def _means(
    verb: str, past: str, kind: str, which: dict[str, str], by: str, data: dict[str, str]
) -> Means:
    """Return what is to be done to open tasks, and which of them the filters mean."""
    before = instant(which["before"])

    def page(conn: Connection, after: str) -> Rows:
        return work.tasks(
            conn, assignee=which["assignee"], workflow=which["workflow"],
            contact=which["contact"], before=before, status="open", after=after, page=PAGE,
        )  # fmt: skip

    def act(app: App, rows: Rows) -> int:
        verdicts = operators.change_tasks(app, kind, rows, by=by, data=data)
        return sum(each.status == "accepted" for each in verdicts)

    return Means("task", verb, past, "key", operators.one_task, page, act)


def _change(kind: str, key: str, by: str, data: dict[str, str], became: str) -> None:
    with the_process() as process:
        verdict = operators.change_task(process.app, kind, key, by=by, data=data)
    if verdict.status == "rejected":
        raise UsageError(verdict.message or verdict.reason, hint=f"vouch tasks show {key}")
    typer.echo(f"{key}: {became}")


def _fields(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"{text!r} is not NAME=VALUE", hint="--field root_cause=billing")
        if name in {"task", "by"}:
            raise UsageError(f"{name!r} is said already", hint="by KEY and --by")
        found[name] = value
    return found
