"""What goes wrong, as whoever typed the command reads it: a line and a hint, no traceback."""

from typing import Any

import typer
from typer.core import TyperGroup

from events.errors import VouchError
from store.errors import is_transient, why_unavailable

FAILED = 2


class Commands(TyperGroup):
    """The commands; an error of any of them is said in a line, and ends with 2.

    `vouch --debug COMMAND` lets it through with its traceback, which may name what is in the
    database and is therefore not what anybody sees by default.
    """

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own copy of click has no types
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:  # the last place before the person who typed
            lines = said(error)
            if ctx.params.get("debug") or not lines:
                raise
            for line in lines:
                typer.echo(line, err=True)
            raise typer.Exit(FAILED) from None


def said(error: Exception) -> list[str]:
    """Return an error in lines; none for what is typer's own business."""
    if isinstance(error, VouchError):
        return _lines(f"error[{error.code}]: {error}", error.hint)
    if isinstance(error, BrokenPipeError) or not _is_ours(error):
        return []
    if is_transient(error):
        why = why_unavailable(error)
        return _lines("error: the database cannot do that now", f"{why} (vouch doctor says more)")
    if type(error).__module__.startswith("sqlalchemy"):
        return _lines(
            f"error: the database refused: {type(error).__name__}",
            "does VOUCH_DATABASE_URL name Vouch's own database? vouch doctor says more",
        )
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return _lines(f"error: {error.strerror or type(error).__name__}{where}", "")
    return _lines(
        f"error: {type(error).__name__} in {_place(error)}, which is a mistake in Vouch",
        "report it to those who maintain Vouch, with what `vouch --debug COMMAND ...` shows",
    )


def _lines(first: str, hint: str) -> list[str]:
    return [f"vouch: {first}", *([f"  help: {hint}"] if hint else [])]


def _is_ours(error: Exception) -> bool:
    """Tell errors from what typer raises to end a command or to say how it is used."""
    return not type(error).__module__.startswith(("typer", "click"))


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "no place"
    code = trace.tb_frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
