"""`vouch report`: what the programme comes to, with what good ones reach beside it."""

import csv
import io
from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

from workers import reporting
from workers.cells import cell
from workers.cli.context import UsageError, require_format, the_process
from workers.cli.groups import Group
from workers.cli.options import Since, Until, instant
from workers.cli.tables import as_json, show
from workers.compose import Process
from workers.reporting import Report
from workflows.referral.people import Span

tree = typer.Typer(
    cls=Group, help="Figures: funnel, nps, sla, rewards, referrals, contest.", no_args_is_help=True
)

ReportFormat = Annotated[str, typer.Option("--format", help="text, json or csv")]
UnitCents = Annotated[
    int | None,
    typer.Option(help="What one unit of the currency costs you, in cents.", min=0, max=1_000_000),
]
Make: TypeAlias = Callable[[Process, Span], Report]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the tree."""
    app.add_typer(tree, name="report")


@tree.command("funnel")
def funnel(since: Since = "", until: Until = "", format_: ReportFormat = "text") -> None:
    """Report how many customers take part, contribute, and introduce somebody.

    Benchmarks: 25 % of customers, and of these 10 % and 2 %.

    Example: vouch report funnel --since 2027-01-01
    """
    _report(since, until, format_, lambda process, span: _reading(process, span, "funnel"))


@tree.command("nps")
def nps(since: Since = "", until: Until = "", format_: ReportFormat = "text") -> None:
    """Report the score with its margin of error, response rate and trend; the last 90 days.

    The trend is against the span of the same length just before.

    Example: vouch report nps --since 2027-01-01 --until 2027-04-01
    """
    _report(since, until, format_, lambda process, span: _reading(process, span, "nps"))


@tree.command("sla")
def sla(since: Since = "", until: Until = "", format_: ReportFormat = "text") -> None:
    """Report how tasks kept their due times, and how many were done within 24 hours.

    Example: vouch report sla --since 2027-01-01
    """
    _report(since, until, format_, lambda process, span: _reading(process, span, "sla"))


@tree.command("rewards")
def rewards(
    since: Since = "",
    until: Until = "",
    unit_cents: UnitCents = None,
    format_: ReportFormat = "text",
) -> None:
    """Report what was earned and spent, and the return on the programme.

    The return is the value of deals won by recommendations against what their rewards cost.

    Example: vouch report rewards --unit-cents 25
    """

    def made(process: Process, span: Span) -> Report:
        return _reading(process, span, "rewards", unit_cents)

    _report(since, until, format_, made)


@tree.command("referrals")
def referrals(since: Since = "", until: Until = "", format_: ReportFormat = "text") -> None:
    """Report what became of recommendations, and how their customers compare with others.

    Example: vouch report referrals --since 2027-01-01
    """
    _report(since, until, format_, lambda process, span: _reading(process, span, "referrals"))


@tree.command("contest")
def contest(
    name: Annotated[str, typer.Argument(help="One contest; all of them if left out.")] = "",
    format_: ReportFormat = "text",
) -> None:
    """Report where a contest stands, or who won it.

    Example: vouch report contest autumn27
    """

    def made(process: Process, _span: Span) -> Report:
        return reporting.contest(process.app, name, process.app.clock.now())

    _report("", "", format_, made)


def _reading(process: Process, span: Span, name: str, unit_cents: int | None = None) -> Report:
    """Return a report from one state of the database."""
    app = process.app
    until = span.until or app.clock.now()
    programme = app.programmes.current().programme
    with app.store.reader() as conn:
        match name:
            case "funnel":
                return reporting.funnel(conn, span, until, programme.zone)
            case "nps":
                return reporting.nps(conn, programme, span, until)
            case "sla":
                return reporting.sla(conn, span, until)
            case "rewards":
                return reporting.rewards(conn, programme, span, until, unit_cents)
            case _:
                return reporting.referrals(conn, span, until)


def _report(since: str, until: str, format_: str, make: Make) -> None:
    require_format(format_, "text", "json", "csv")
    span = Span(instant(since), instant(until))
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise UsageError("--since is not before --until", hint="a span ends after it begins")
    with the_process() as process:
        if span.since is not None and span.since >= process.app.clock.now():
            raise UsageError("--since lies in the future", hint="nothing happened there yet")
        found = make(process, span)
    if format_ == "json":
        typer.echo(as_json(found.to_json()))
    elif format_ == "csv":
        typer.echo(as_csv(found), nl=False)
    else:
        from_ = cell(found.since) or "the beginning"
        typer.echo(f"{found.report}, from {from_} to {cell(found.until)}")
        show(found.rows, "text", columns=found.columns, key=found.columns[0])
        for note in found.notes:
            typer.echo(note)


def as_csv(found: Report) -> str:
    """Return the rows as CSV, by RFC 4180; no cell can be taken for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(found.columns)
    for row in found.rows:
        writer.writerow([_safe(row.get(name)) for name in found.columns])
    return text.getvalue()


def _safe(value: object) -> str:
    said = cell(value, bound=0)
    return f"'{said}" if said[:1] in ("=", "+", "@", "\t") else said
