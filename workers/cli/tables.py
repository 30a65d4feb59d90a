"""Listings on a terminal: a table for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from workers.cli.context import UsageError

CELL_MAX = 60


def show(rows: Sequence[Mapping[str, Any]], format_: str, *, columns: Sequence[str] = ()) -> None:
    """Print rows; JSON holds every column, the table those named (all if none are)."""
    if format_ == "json":
        typer.echo(as_json(list(rows)))
        return
    if format_ != "text":
        raise UsageError(f"unknown format {format_!r}", hint="text or json")
    if not rows:
        typer.echo("none")
        return
    names = list(columns) or list(rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in names))
    Console(width=None, soft_wrap=False, highlight=False, markup=False).print(table)


def show_one(row: Mapping[str, Any] | None, format_: str, *, what: str) -> None:
    """Print one row, a field a line, or JSON.

    Raises:
        UsageError: There is none.
    """
    if row is None:
        raise UsageError(f"there is no such {what}", hint=f"see: vouch {what}s list")
    if format_ == "json":
        typer.echo(as_json(dict(row)))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        if isinstance(value, (dict, list)):
            typer.echo(f"{name:{width}}")
            for line in orjson.dumps(value, option=orjson.OPT_INDENT_2).decode().splitlines():
                typer.echo(f"  {line}")
        else:
            typer.echo(f"{name:{width}}  {cell(value, bound=0)}")


def as_json(value: object) -> str:
    """Return a value as JSON, instants in UTC."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def cell(value: object, *, bound: int = CELL_MAX) -> str:
    """Return a value as a table shows it: short, minutes for instants, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (dict, list, tuple)):
        text = orjson.dumps(value).decode()
    else:
        text = str(value)
    return text if not bound or len(text) <= bound else f"{text[: bound - 1]}…"
