"""Cron lines: five fields, each in its bounds, and a day on which they come true."""

import re

from workflows.check.context import Context, Place
from workflows.cron import FIELDS, CronError, parse_cron, wrong_field

_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_BOUNDS = {
    "minute": "0 to 59", "hour": "0 to 23", "day of the month": "1 to 31, and L is the last",
    "month": "1 to 12, or jan to dec", "weekday": "0 to 7, where 0 and 7 are sun, or sun to sat",
}  # fmt: skip
_WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip
_RANGE = re.compile(r"([A-Za-z]+|\d+)-([A-Za-z]+|\d+)")


def check_cron(context: Context, place: Place, line: str) -> None:
    """Report a schedule that is none, or that never comes true."""
    try:
        parse_cron(line)
    except CronError as error:
        parts = line.split()
        number = wrong_field(parts) if len(parts) == len(FIELDS) else None
        if number is None:
            meant = _WORDS.get(line.strip())
            context.report("V034", place, str(error), f"write {meant}" if meant else error.hint)
            return
        start = sum(len(before) + 1 for before in parts[:number])
        document, loc = context.where(place)
        spot = document.inside(loc, start, len(parts[number]))
        message = f'"{parts[number]}" is no {FIELDS[number]}'
        help_ = _meant(parts[number], FIELDS[number])
        context.findings.append(document.finding("V034", spot, message, help_))


def _meant(text: str, name: str) -> str:
    """Return what to write instead of a field that is none."""
    names = _NAMES.get(name, ())
    if text[:3].lower() in names and text.isalpha():
        return f"write {text[:3].lower()}"
    if found := _RANGE.fullmatch(text):
        first, last = (each[:3].lower() for each in found.groups())
        if first in names and last in names:
            begin, end = names.index(first), names.index(last)
            both = names[begin:] + names[: end + 1]
            return f"write {first}-{last}" if begin < end else f"write {','.join(both)}"
        if first.isdecimal() and last.isdecimal() and int(first) > int(last):
            return "a range begins with its lower end; two are written 22-23,0-6"
    if "/0" in text:
        return "a step is 1 or more: */5"
    return f"{'an' if name == 'hour' else 'a'} {name} is {_BOUNDS[name]}"
