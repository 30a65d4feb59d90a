"""The filters of templates: dates, amounts and small words, per locale."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from workflows.words_types import BadValueError

JOINED_MAX = 64 * 1024
"""Characters of a list that is joined to a text."""

_DAYS = {
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}
_MONTHS = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "en": "January February March April May June July August September October November December",
}
_DATES = {
    "nl": {"long": "{day} {d} {month} {y}", "day": "{d} {month} {y}"},
    "de": {"long": "{day}, {d}. {month} {y}", "day": "{d}. {month} {y}"},
    "en": {"long": "{day} {d} {month} {y}", "day": "{d} {month} {y}"},
}
_SEPARATORS = {"nl": ".", "de": ".", "en": ","}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
_WORDS = {
    "nl": {
        "quote": "een aanbeveling", "reference_story": "een referentieverhaal",
        "referral": "een introductie", "review": "een beoordeling", "yes": "ja", "no": "nee",
        "submitted": "ontvangen", "accepted": "aangenomen", "contacted": "benaderd",
        "qualified": "in gesprek", "won": "klant geworden", "lost": "niet doorgegaan",
        "expired": "verlopen", "gold": "goud", "silver": "zilver", "bronze": "brons",
        "stars": "sterren", "star": "ster",
    },
    "de": {
        "quote": "eine Empfehlung", "reference_story": "ein Referenzbericht",
        "referral": "eine Einführung", "review": "eine Bewertung", "yes": "ja", "no": "nein",
        "submitted": "eingegangen", "accepted": "angenommen", "contacted": "kontaktiert",
        "qualified": "im Gespräch", "won": "Kunde geworden", "lost": "nicht zustande gekommen",
        "expired": "abgelaufen", "gold": "Gold", "silver": "Silber", "bronze": "Bronze",
        "stars": "Sterne", "star": "Stern",
    },
    "en": {
        "quote": "a quote", "reference_story": "a reference story", "referral": "an introduction",
        "review": "a review", "submitted": "received", "qualified": "in conversation",
        "won": "a customer", "lost": "not continued",
    },
}  # fmt: skip


def _language(context: Context) -> str:
    language = str(context.get("_locale") or "en").replace("_", "-").split("-")[0].lower()
    return language if language in _DAYS else "en"


def _below(context: Context, root: str, name: str) -> object:
    found = context.get(root)
    return found.get(name) if isinstance(found, Mapping) else None


def _zone(context: Context) -> ZoneInfo | None:
    for root in ("to", "contact", "programme"):
        name = _below(context, root, "zone")
        if isinstance(name, str) and name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return None


@pass_context
def as_date(context: Context, value: Any, style: str = "long") -> object:  # noqa: ANN401
    """Return a date in the recipient's language and zone: `vrijdag 5 februari 2027`.

    Styles: `long`; `day`, without the weekday; `time`, as `14:30`.

    Raises:
        BadValueError: The value is no date, or the style is unknown.
    """
    if isinstance(value, Undefined):
        return value
    if isinstance(value, str):
        value = _date_of(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        value = aware.astimezone(_zone(context) or UTC)
    if not isinstance(value, date):
        raise BadValueError("what is given to it is no date")
    if style == "time" and isinstance(value, datetime):
        return f"{value:%H:%M}"
    language = _language(context)
    if style not in _DATES[language]:
        raise BadValueError(f"unknown style of a date; known: {', '.join(STYLES)}")
    return _DATES[language][style].format(
        day=_DAYS[language].split()[value.weekday()],
        d=value.day,
        month=_MONTHS[language].split()[value.month - 1],
        y=value.year,
    )


def _date_of(text: str) -> date:
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise BadValueError("what is given to it is no date") from None


@pass_context
def as_amount(context: Context, value: Any, currency: object = None) -> object:  # noqa: ANN401
    """Return an amount with its unit: `1.250 sterren`, `€ 12,50`.

    The unit is `programme.currency`: a code such as EUR, a name that `|t` may know, or
    `{code, decimals, names}` as in `programme.yaml`. With decimals the amount is in the
    smallest unit.

    Raises:
        BadValueError: The value is no whole number.
    """
    if isinstance(value, Undefined):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValueError("what is given to it is no whole amount")
    language = _language(context)
    unit = currency or _below(context, "programme", "currency")
    digits = _digits(value, unit, language)
    if isinstance(unit, Mapping):
        names = unit.get("names") or {}
        unit = names.get(context.get("_locale")) or names.get(language) or unit.get("code")
    name = str(unit or "")
    if name in _SIGNS:
        return f"{_SIGNS[name]}{'' if language == 'en' else ' '}{digits}"
    return f"{digits} {translated(context, name)}".strip()


def _digits(value: int, unit: object, language: str) -> str:
    decimals = int(unit.get("decimals") or 0) if isinstance(unit, Mapping) else 0
    whole, rest = divmod(abs(value), 10**decimals)
    separator = _SEPARATORS[language]
    digits = f"{whole:,}".replace(",", separator)
    if decimals:
        digits += f"{'.' if separator == ',' else ','}{rest:0{decimals}}"
    return f"-{digits}" if value < 0 else digits


@pass_context
def translated(context: Context, value: Any) -> object:  # noqa: ANN401
    """Return a word of the programme in the recipient's language; unknown ones as they are.

    The programme's own words stand in the value `words`: locale to word to translation.
    """
    if isinstance(value, Undefined):
        return value
    word, language = str(value), _language(context)
    own = context.get("words")
    tables = own if isinstance(own, Mapping) else {}
    for table in (tables.get(context.get("_locale")), tables.get(language), _WORDS[language]):
        if isinstance(table, Mapping) and word in table:
            return str(table[word])
    return word.replace("_", " ")


def default(value: object, other: object = "") -> object:
    """Return `other` for what is absent or empty: a greeting needs a name, not nothing."""
    return other if isinstance(value, Undefined) or value is None or value == "" else value


STYLES = ("long", "day", "time")
"""How a date can be written."""
FILTERS: dict[str, Callable[..., Any]] = {"date": as_date, "amount": as_amount, "t": translated}
