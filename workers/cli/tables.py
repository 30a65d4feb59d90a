"""Listings on a terminal: a table for people, JSON for programs."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import typer

from workers.cells import CELL_MAX, cell, cut
from workers.cli.context import UsageError, require_format

WIDTH_MIN = 80
GAP = 2

Row = Mapping[str, Any]


def show(
    rows: Sequence[Row],
    format_: str,
    *,
    columns: Sequence[str] = (),
    key: str = "",
    total: int | None = None,
) -> None:
    """Print rows; JSON holds every column, the table those named (all if none are).

    The last column, or the one named by `key`, is what other commands take: it is never cut.
    Where a line would be wider than the terminal, the key stands on a line of its own.
    """
    require_format(format_, "text", "json")
    if format_ == "json":
        typer.echo(as_json(list(rows)))
        return
    if not rows:
        typer.echo("none")
        return
    names = list(columns) or list(rows[0])
    for line in table(rows, names, key=key or names[-1], width=_width()):
        typer.echo(line)
    if total is not None and len(rows) == total:
        typer.echo(f"the first {total}; --offset {total} shows more", err=True)


def table(rows: Sequence[Row], names: Sequence[str], *, key: str, width: int) -> list[str]:
    """Return the lines of a table at most `width` wide, but for keys, which stay whole."""
    cells = [
        {name: cell(row.get(name), bound=0 if name == key else CELL_MAX) for name in names}
        for row in rows
    ]
    shown = [name for name in names if name == key or any(row[name] for row in cells)]
    wide = {
        name: max(len(name), *(len(row[name]) for row in cells)) if cells else len(name)
        for name in shown
    }
    below = sum(wide.values()) + GAP * (len(shown) - 1) > width and len(shown) > 1
    beside = [name for name in shown if not (below and name == key)]
    _shrink(wide, beside, key, width)
    lines = [_line({name: name.replace("_", " ") for name in shown}, beside, wide)]
    for row in cells:
        lines.append(_line(row, beside, wide))
        if below and row[key]:
            lines.append(f"  {key} {row[key]}")
    return lines


def _shrink(wide: dict[str, int], names: Sequence[str], key: str, width: int) -> None:
    """Make the widest columns narrower until they fit, none below what a word needs."""
    least = 10
    while sum(wide[name] for name in names) + GAP * (len(names) - 1) > width:
        widest = max((name for name in names if name != key), key=lambda name: wide[name])
        if wide[widest] <= least:
            return
        wide[widest] -= 1


def _line(row: Mapping[str, str], names: Sequence[str], wide: Mapping[str, int]) -> str:
    gap = " " * GAP
    return gap.join(cut(row[name], wide[name]).ljust(wide[name]) for name in names).rstrip()


def _width() -> int:
    return max(WIDTH_MIN, shutil.get_terminal_size((120, 24)).columns)


def show_one(row: Row | None, format_: str, *, what: str, noun: str = "") -> None:
    """Print one row, a field a line, or JSON.

    Raises:
        UsageError: There is none.
    """
    require_format(format_, "text", "json")
    if row is None:
        raise UsageError(f"there is no such {what}", hint=f"see: vouch {noun or what + 's'} list")
    if format_ == "json":
        typer.echo(as_json(dict(row)))
        return
    for line in fields(row):
        typer.echo(line)


def fields(row: Row) -> list[str]:
    """Return the fields of a row, a line each; those without a value are left out."""
    said = {name: value for name, value in row.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in said), default=0)
    lines: list[str] = []
    for name, value in said.items():
        if isinstance(value, (dict, list)):
            lines.append(name)
            lines += (f"  {line}" for line in as_json(value).splitlines())
        else:
            lines.append(f"{name:{width}}  {cell(value, bound=0)}")
    return lines


def as_json(value: object) -> str:
    """Return a value as JSON, instants in UTC."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, option=options).decode()  # a column's name is a kind of str
