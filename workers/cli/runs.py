"""`vouch runs`: what workflows are doing, and what operators do about it."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from store.db import Connection
from store.listings import work
from store.listings.pages import Page
from workers import running
from workers.app import App
from workers.bulk import PAGE
from workers.cli import portraits
from workers.cli.bulk import Means, Rows, to_all
from workers.cli.context import (
    Format,
    UsageError,
    operator,
    programme_of,
    the_reader,
    the_store,
)
from workers.cli.groups import Group
from workers.cli.options import (
    Before,
    Contact,
    DryRun,
    Ids,
    Limit,
    Offset,
    Since,
    Status,
    Until,
    Who,
    Workflow,
    instant,
)
from workers.cli.tables import show, show_one
from workers.places import Places

tree = typer.Typer(
    cls=Group,
    help="Workflows under way: list, show, pause, resume, cancel, retry.",
    no_args_is_help=True,
)

Act = Callable[[App, Rows], int]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="runs")


Step = Annotated[str, typer.Option(help="Only those that stand in this step.")]
RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id.")]


@tree.command("list")
def list_runs(  # noqa: PLR0913, PLR0917 - filters
    contact: Contact = "",
    workflow: Workflow = "",
    status: Annotated[str, typer.Option(help="Only those live, paused or ended.")] = "",
    ended_as: Annotated[str, typer.Option(help="Only those that ended so: failed.")] = "",
    step: Step = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 50,
    offset: Offset = 0,
    format_: Format = "text",
) -> None:
    """List runs, those that started last first.

    Example: vouch runs list --workflow promoter --status live
    """
    with the_reader() as conn:
        rows = work.runs(
            conn, contact=contact, workflow=workflow, status=status, ended_as=ended_as, step=step,
            since=instant(since), until=instant(until), page=Page(limit, offset),
        )  # fmt: skip
    columns = ("started_at", "workflow", "actor", "status", "step", "ended_as", "ended_at", "id")
    show(rows, format_, columns=columns, total=limit)


@tree.command("show")
def show_run(id_: RunId, format_: Format = "text") -> None:
    """Show a run whole: what started it, where it stands, what became of its steps.

    Example: vouch runs show 3f9a0c
    """
    with the_store() as store:
        with store.reader() as conn:
            row = work.run(conn, id_)
            if row is None or format_ != "text":
                show_one(row, format_, what="run")
                return
            parts = _parts(conn, row)
            place = Places(conn).step(row["version"], portraits.step_of(row))
        painter = portraits.painter_of(programme_of(store))
    for line in portraits.run(row, parts, painter, place):
        typer.echo(line)


def _parts(conn: Connection, row: dict[str, Any]) -> dict[str, Rows]:
    """Return what belongs to a run: its asks, tasks, timers and messages."""
    whose = row["actor"]
    found = {
        "asks": work.asks(conn, contact=whose, workflow=row["workflow"]),
        "tasks": work.tasks(conn, contact=whose, workflow=row["workflow"]),
        "timers": work.timers(conn, contact=whose),
        "messages": work.outbox(conn, run=row["id"]),
    }
    return {
        name: [each for each in rows if each["run"] == row["id"]] for name, rows in found.items()
    }


def _runs(
    verb: str, past: str, ids: list[str], which: dict[str, str], act: Act, *, ended_as: str = ""
) -> Means:
    """Return what is to be done to runs, and which of them their filters mean."""
    statuses = running.VERBS[verb]
    status = which["status"]
    if status and status not in statuses:
        raise UsageError(f"runs that are {status} cannot be {past}",
                         hint=f"--status {' or '.join(sorted(statuses))}")  # fmt: skip
    before = instant(which["before"])

    def page(conn: Connection, after: str) -> Rows:
        found: list[dict[str, Any]] = []
        for each in sorted(statuses if not status else {status}):
            found += work.runs(
                conn, contact=which["contact"], workflow=which["workflow"], status=each,
                step=which["step"], until=before, after=after, page=PAGE,
                ended_as=ended_as,
            )  # fmt: skip
        return sorted(found, key=lambda row: row["id"])[: PAGE.limit]

    return Means("run", verb, past, "id", lambda app, id_: running.one_run(app, id_, verb),
                 page, act)  # fmt: skip


@tree.command("pause")
def pause_runs(
    ids: Ids = None, *, workflow: Workflow = "", contact: Contact = "", status: Status = "",
    step: Step = "", before: Before = "", by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Have live runs take no step and send nothing until they are resumed.

    What they wait for may happen meanwhile and is noted; an exit ends them all the same; their
    tasks stay with whoever has them.

    Example: vouch runs pause --workflow promoter --by u-sam --dry-run
    """
    _say(
        "pause", "paused", ids, _which(workflow, contact, status, step, before), by, dry_run=dry_run
    )


@tree.command("resume")
def resume_runs(
    ids: Ids = None, *, workflow: Workflow = "", contact: Contact = "", status: Status = "",
    step: Step = "", before: Before = "", by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Let paused runs go on, from when what they waited for happened.

    Messages that are more than an hour late are planned anew, as after any delay.

    Example: vouch runs resume --workflow promoter --by u-sam
    """
    _say(
        "resume",
        "resumed",
        ids,
        _which(workflow, contact, status, step, before),
        by,
        dry_run=dry_run,
    )


@tree.command("cancel")
def cancel_runs(
    ids: Ids = None, *, workflow: Workflow = "", contact: Contact = "", status: Status = "",
    step: Step = "", before: Before = "", by: Who = "", dry_run: DryRun = False,
    as_: Annotated[str, typer.Option("--as", help="What they end as.")] = "cancelled",
) -> None:  # fmt: skip
    """End live runs as an exit would: what is pending of them is taken back.

    Example: vouch runs cancel 3f9a0c --by u-sam
    """
    which = _which(workflow, contact, status, step, before)
    _say("cancel", "cancelled", ids, which, by, dry_run=dry_run, **{"as": as_})


@tree.command("retry")
def retry_runs(
    ids: Ids = None, *, workflow: Workflow = "", contact: Contact = "", before: Before = "",
    from_: Annotated[
        str, typer.Option("--from", help="The step to take anew; by default the one that failed.")
    ] = "",
    by: Who = "", dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Bring runs that ended as failed back to life, at the step that failed.

    The step is taken anew, with new messages and tasks; rewards are never given twice.

    Example: vouch runs retry 3f9a0c --from invite --by u-sam
    """
    which = _which(workflow, contact, "", "", before)

    def act(app: App, rows: Rows) -> int:
        return running.retry_runs(app, rows, by=by or operator(), step=from_)

    means = _runs("retry", "retried", ids or [], which, act, ended_as="failed")
    to_all(means, ids or [], which, by=by, dry_run=dry_run)


def _which(workflow: str, contact: str, status: str, step: str, before: str) -> dict[str, str]:
    return {"workflow": workflow, "contact": contact, "status": status, "step": step,
            "before": before}  # fmt: skip


def _say(
    verb: str, past: str, ids: list[str] | None, which: dict[str, str], by: str,
    *, dry_run: bool, **data: str,
) -> None:  # fmt: skip
    def act(app: App, rows: Rows) -> int:
        return running.say_to_runs(app, verb, rows, by=by or operator(), **data)

    to_all(_runs(verb, past, ids or [], which, act), ids or [], which, by=by, dry_run=dry_run)
