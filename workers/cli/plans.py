"""A plan in lines, for whoever is about to apply it."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from workers.cells import cell
from workers.cli.tables import table
from workers.plan import Flight, Plan
from workers.sentences import when
from workflows.comparing import counted

MARKS = {"added": "+", "changed": "~", "removed": "-"}
WIDTH = 100


def lines_of(plan: Plan) -> Iterator[str]:
    """Give what applying would do, a line a thing."""
    if not plan.head:
        yield "nothing is applied yet: all of it is new"
    yield f"{counted(plan.differences)} ({plan.head[:12] or 'nothing'} -> {plan.hash[:12]})"
    for each in plan.differences:
        yield f"  {MARKS[each.how]} {each.part} {each.name}"
    yield from _flights(plan.flights)
    for wait in plan.waiting:
        what = (
            "whose words change"
            if wait.how == "changed"
            else ("whose words go: unless they come back they are skipped as no_template")
        )
        yield f"{many(wait.count, 'planned message')} {wait.template} ({wait.workflow}), {what}"
        yield f"  planned from {cell(wait.first)} to {cell(wait.last)}"
    for line in plan.schedules:
        yield f"schedule of {line.name} ({line.schedule}), by the clocks of {plan.zone}"
        for firing in line.firings:
            note = f"  ({firing.note})" if firing.note else ""
            yield f"  {when(firing.at, ZoneInfo(plan.zone))}{note}"


def removed(plan: Plan) -> Iterator[str]:
    """Give what becomes of the live runs of workflows that are there no more."""
    for each in plan.flights:
        if each.fate == "removed":
            yield f"{many(each.count, 'run')} of {each.workflow}, in {each.step!r}: {_fate(each)}"


def many(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> many(1, "run"), many(2, "run")
    ('1 run', '2 runs')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _flights(flights: list[Flight]) -> Iterator[str]:
    if not flights:
        return
    total = sum(each.count for each in flights)
    yield f"{many(total, 'run')} under way in other versions, kept by them unless they are moved"
    rows = [
        {
            "workflow": each.workflow,
            "version": each.version[:8],
            "step": each.step,
            "runs": each.count,
            "": _fate(each),
        }
        for each in flights
    ]
    for line in table(rows, ["workflow", "version", "step", "runs", ""], key="", width=WIDTH):
        yield f"  {line}"


def _fate(flight: Flight) -> str:
    match flight.fate:
        case "removed":
            return (
                "its workflow goes: they end by themselves, "
                f"or: vouch runs cancel --workflow {flight.workflow}"
            )
        case "needs_mapping":
            return f"needs a mapping: the step {flight.reason}"
        case "moves":
            return f"{'begin' if flight.enters else 'go on in'} {flight.to!r}"
        case _:
            return f"could move: --migrate, {{{flight.workflow}: {{}}}}"
