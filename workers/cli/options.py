"""Options that many commands share."""

import re
from datetime import datetime
from typing import Annotated

import typer

from events.values import parse_instant
from store.listings.pages import PAGE_MAX
from workers.cli.context import UsageError

Limit = Annotated[int, typer.Option(help="At most so many rows.", min=1, max=PAGE_MAX)]
Offset = Annotated[int, typer.Option(help="Leave out so many rows first.", min=0)]
Contact = Annotated[str, typer.Option(help="Only of this contact.")]
Status = Annotated[str, typer.Option(help="Only with this status.")]
Since = Annotated[str, typer.Option(help="Only from this instant on, as 2027-02-11T16:00Z.")]
Until = Annotated[str, typer.Option(help="Only before this instant.")]
By = Annotated[str, typer.Option("--by", help="Who says so, by staff id.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]
Workflow = Annotated[str, typer.Option(help="Only of this workflow.")]
Before = Annotated[str, typer.Option(help="Only those begun before this instant.")]
Who = Annotated[
    str, typer.Option("--by", help="Who says so; by default whoever is logged in here.")
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Those meant, by the list.", show_default=False),
]

_MINUTE = re.compile(r"(T\d\d:\d\d)(Z|[+-].*)$", re.ASCII | re.IGNORECASE)


def instant(text: str) -> datetime | None:
    """Return the instant that an option names; a date is its first moment in UTC.

    People write no seconds; events must.

    Raises:
        UsageError: It is no instant.
    """
    if not text:
        return None
    try:
        whole = _MINUTE.sub(r"\1:00\2", text)
        return parse_instant(whole if "T" in whole.upper() else f"{text}T00:00:00Z")
    except ValueError:
        raise UsageError(
            f"{text!r} is no instant", hint="write it with its offset: 2027-02-11T16:00Z"
        ) from None
