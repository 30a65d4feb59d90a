"""One or many: the part that all commands share which act on what was named or filtered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from store.db import Connection
from workers import bulk
from workers.app import App
from workers.cells import cell
from workers.cli.context import UsageError, operator, the_process
from workers.clock import SystemClock

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Means:
    """What a command means: the ids on its line, or all that its filters let through.

    Attributes:
        noun: `run`; with an s for many.
        verb: What is done to them: `pause`.
        past: What they are then: `paused`.
        find: Gives the row of one id, or raises if it cannot be done to that one.
        page: Gives the next page of those that the filters mean, behind a key.
        act: Does it to a page; returns to how many.
    """

    noun: str
    verb: str
    past: str
    key: str
    find: Callable[[App, str], Mapping[str, Any]]
    page: Callable[[Connection, str], Rows]
    act: Callable[[App, Rows], int]


def to_all(
    means: Means, ids: Sequence[str], which: Mapping[str, str], *, by: str, dry_run: bool
) -> None:
    """Do something to those named, or to all that the filters mean, and say to how many.

    Raises:
        UsageError: Neither ids nor filters, or both.
    """
    filters = {name: value for name, value in which.items() if value}
    if bool(ids) == bool(filters):
        named = ", ".join(f"--{name}" for name in which)
        raise UsageError(
            f"which {means.noun}s?" if not ids else "ids or filters, not both",
            hint=f"name them, or say which by {named}; --dry-run only counts",
        )
    who = by or operator()
    with the_process() as process:
        app = process.app
        if ids:
            rows = [means.find(app, each) for each in ids]
            done = bulk.Done(len(rows), 0 if dry_run else means.act(app, rows))
        else:
            many = bulk.Many(f"{means.noun}s {means.verb}", filters, means.page, means.key,
                             lambda rows: means.act(app, rows))  # fmt: skip
            done = bulk.do(app, many, by=who, dry_run=dry_run, progress=progress)
    typer.echo(_said(means, done, who, dry_run=dry_run))
    if filters and not done.meant:
        named = " ".join(f"--{name} {value}" for name, value in filters.items())
        typer.echo(f"no {means.noun} that can be {means.past} matches {named}", err=True)


def progress(seen: int, meant: int) -> None:
    """Say how far it is, where it takes more than a page."""
    if meant > bulk.PAGE.limit:
        typer.echo(f"{seen} of {meant}", err=True)


def _said(means: Means, done: bulk.Done, by: str, *, dry_run: bool) -> str:
    count = done.meant if dry_run else done.done
    noun = means.noun if count == 1 else f"{means.noun}s"
    if dry_run:
        return f"{count} {noun} would be {means.past}; nothing was changed"
    before = done.meant - done.done
    more = f"; of {before} that was said before" if before else ""
    return f"{count} {noun} {means.past} by {by}, {cell(SystemClock().now())}{more}"
