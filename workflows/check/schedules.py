"""Cron lines: five fields, each in its bounds, and a day on which they come true."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from workflows.check.context import Context, Place

FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
_FROM = datetime(2024, 1, 1, tzinfo=UTC)  # a leap year: 29 February is a day


def check_cron(context: Context, place: Place, line: str) -> None:
    """Report a schedule that is none, or that never comes true."""
    parts = line.split()
    help_ = "five fields: minute, hour, day, month, weekday, such as 0 9 * * 1"
    if len(parts) != len(FIELDS):
        message = f'"{line}" has {len(parts)} fields, and a schedule has five'
        context.report("V034", place, message, help_)
        return
    for number, part in enumerate(parts):
        alone = ["*"] * len(FIELDS)
        alone[number] = part
        if not _is_cron(" ".join(alone)):
            start = sum(len(before) + 1 for before in parts[:number])
            document, loc = context.where(place)
            spot = document.inside(loc, start, len(part))
            message = f'"{part}" is no {FIELDS[number]}'
            context.findings.append(document.finding("V034", spot, message, help_))
            return
    if not _ever(line):
        message = f'"{line}" never comes true: there is no such day'
        context.report("V034", place, message, "look at the day and the month")


def _is_cron(line: str) -> bool:
    try:
        CronSim(line, _FROM)
    except CronSimError:
        return False
    return True


def _ever(line: str) -> bool:
    try:
        return next(CronSim(line, _FROM), None) is not None
    except CronSimError:
        return False
