"""`vouch report`: what the programme brought."""

from typing import Any

import typer

from store.listings import referrals
from workers.cli.context import Format, require_format, the_reader
from workers.cli.tables import as_json, show
from workflows.referral.leads import CONTACT_WITHIN_HOURS, MANY_WAYS, Recommendations, count

HEARD = "heard_of_us"
"""The field in which a task asks where a customer heard of us."""

tree = typer.Typer(help="What the programme brought: referrals.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="report")


@tree.callback()
def report() -> None:
    """What the programme brought: referrals."""


@tree.command("referrals")
def referrals_(format_: Format = "text") -> None:
    """Count recommendations: verdicts, stages, ways, hours to contact, where customers heard of us.

    Where customers heard of us is what tasks noted in the field `heard_of_us`.

    Example: vouch report referrals
    """
    require_format(format_, "text", "json")
    with the_reader() as conn:
        found = count(referrals.everybody(conn), referrals.answered(conn, HEARD))
    if format_ == "json":
        typer.echo(as_json(_whole(found)))
        return
    rows = [
        {"what": what, "which": which, "count": number}
        for what, counted in (
            ("verdict", found.verdicts), ("stage", found.stages), ("came by", found.ways),
            ("heard of us", found.heard),
        )
        for which, number in counted.most_common(MANY_WAYS)
    ]  # fmt: skip
    show(rows, format_, columns=("what", "which", "count"), key="count")
    hours = "—" if found.median_hours is None else f"{found.median_hours:g}"
    typer.echo(f"clicks on share links: {found.clicks}")
    typer.echo(f"won: EUR {found.value_eur}")
    typer.echo(
        f"hours to contact, median: {hours}; within {CONTACT_WITHIN_HOURS} h:"
        f" {found.in_time} of {len(found.hours)}"
    )


def _whole(found: Recommendations) -> dict[str, Any]:
    return {
        "verdicts": dict(found.verdicts), "stages": dict(found.stages), "ways": dict(found.ways),
        "clicks": found.clicks, "value_eur": found.value_eur,
        "median_hours": found.median_hours, "contacted": len(found.hours),
        "within_benchmark": found.in_time, "benchmark_hours": CONTACT_WITHIN_HOURS,
        "heard_of_us": dict(found.heard),
    }  # fmt: skip
