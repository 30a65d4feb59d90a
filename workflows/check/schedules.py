"""Cron lines: five fields, each in its bounds, and a day on which they come true."""

from workflows.check.context import Context, Place
from workflows.cron import FIELDS, HINT, CronError, parse_cron, wrong_field


def check_cron(context: Context, place: Place, line: str) -> None:
    """Report a schedule that is none, or that never comes true."""
    try:
        parse_cron(line)
    except CronError as error:
        parts = line.split()
        number = wrong_field(parts) if len(parts) == len(FIELDS) else None
        if number is None:
            context.report("V034", place, str(error), error.hint)
            return
        start = sum(len(before) + 1 for before in parts[:number])
        document, loc = context.where(place)
        spot = document.inside(loc, start, len(parts[number]))
        message = f'"{parts[number]}" is no {FIELDS[number]}'
        context.findings.append(document.finding("V034", spot, message, HINT))
