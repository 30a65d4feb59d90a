"""What a span means that somebody wrote in words or with a fraction: `60 days`, `30min`, `1.5h`."""

import re

_UNITS: dict[str, str] = {
    "y": "y yr yrs year years jaar jaren jahr jahre",
    "mo": "mo mon mth mths month months maand maanden monat monate",
    "w": "w wk wks week weeks weken woche wochen",
    "d": "d day days dag dagen tag tage",
    "h": "h hr hrs hour hours uur uren stunde stunden",
    "m": "m min mins minute minutes minuut minuten",
    "s": "s sec secs second seconds seconden sekunde sekunden",
    "bd": "bd wd workday workdays weekday weekdays werkdag werkdagen werktag werktage",
    "bh": "bh",
    "bm": "bm",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_OF_OFFICE = {"d": "bd", "h": "bh", "m": "bm"}
_SMALLER = {"y": ("mo", 12), "w": ("d", 7), "d": ("h", 24), "h": ("m", 60), "m": ("s", 60)}
_NUMBERS = {
    "a": "1", "an": "1", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "twelve": "12",
}  # fmt: skip
_EVERY = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo", "yearly": "1y",
          "annually": "1y"}  # fmt: skip
_PART = re.compile(r"(?P<whole>\d+)(?:[.,](?P<broken>\d))?[\s_-]*(?P<office>business|working)?"
                   r"[\s_-]*(?P<unit>[a-z]+)(?:[\s,&]|and\b)*")  # fmt: skip


def meant_span(text: str) -> str:
    """Return the span that a text most likely means, '' where nobody can tell.

    >>> meant_span("60 days"), meant_span("1.5h"), meant_span("two business days")
    ('60d', '1h30m', '2bd')
    """
    plain = text.strip().lower()
    if plain in _EVERY:
        return _EVERY[plain]
    words = (_NUMBERS.get(word, word) for word in re.split(r"\s+", plain))
    plain = " ".join(words)
    found, at = "", 0
    while at < len(plain):
        part = _PART.match(plain, at)
        unit = _UNIT_OF.get(part["unit"], "") if part else ""
        if part is None or not unit:
            return ""
        found += _said(part, unit)
        at = part.end()
    return found


def _said(part: re.Match[str], unit: str) -> str:
    if part["office"]:
        unit = _OF_OFFICE.get(unit, unit)
    whole = part["whole"].lstrip("0")
    said = f"{whole}{unit}" if whole else ""
    if part["broken"] and unit in _SMALLER:
        smaller, size = _SMALLER[unit]
        number = int(part["broken"]) * size // 10
        said += f"{number}{smaller}" if number else ""
    return said or f"0{unit}"
