"""What is wrong in `programme.yaml`: names that nothing bears, times, bounds, conditions."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from events.errors import VouchError
from workflows.calendars import make_calendar
from workflows.check.context import CHANNELS, NOT_NAMES, Context, Place
from workflows.check.heard import check_types
from workflows.check.moments import check_moments
from workflows.check.rewards import check_rewards
from workflows.check.topics import check_topics
from workflows.fields import ACCOUNT, CONTACT
from workflows.folder import PROGRAMME_FILE
from workflows.locales import is_locale, meant_locale
from workflows.wallclock import time_of_day, zone_or

ROOT = Place(PROGRAMME_FILE)
BUILT_IN_CLASS = "staff"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KEPT = frozenset({"tier", "owner", "participant", "open_case", "no_asks", "cooling_until", "id"})
"""What the engine keeps of a contact by itself: no field of one's own may bear its name."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_policies(context: Context) -> None:
    """Report everything wrong in the policies."""
    _programme(context)
    _calendars(context)
    _fields(context)
    _messages(context)
    _asks(context)
    _rewards(context)
    check_rewards(context)
    _spans(context)


def _programme(context: Context) -> None:
    policies = context.policies
    if not policies.programme:
        context.report("V013", ROOT / "programme", "the programme needs a name", "programme: NAME")
    if zone_or(policies.zone, ZoneInfo("UTC"))[1]:
        help_ = _meant_zone(policies.zone)
        context.report("V031", ROOT / "zone", f'unknown time zone "{policies.zone}"', help_)
    for number, locale in enumerate(policies.locales):
        if not is_locale(locale):
            meant = meant_locale(locale)
            help_ = f"write {meant}" if meant else "write a language such as nl, or pt-BR"
            context.report("V031", ROOT / "locales" / number, f'"{locale}" is no locale', help_)
    if not policies.channels:
        message = "this is empty; at least one is needed"
        context.report(
            "V015", ROOT / "channels", message, "add one, or leave the key out", key=True
        )
    check_channels(context, ROOT / "channels", policies.channels)
    check_time(context, ROOT / "slot", policies.slot)
    for number, text in enumerate(policies.quiet or ()):
        check_time(context, ROOT / "quiet" / number, text, end=number == 1)


def _meant_zone(zone: str) -> str:
    """Return which zone was most likely meant, or what a name of one looks like."""
    names = {name.casefold(): name for name in available_timezones()}
    near = get_close_matches(zone.casefold().replace(" ", "_"), names, n=1, cutoff=0.8)
    return f'did you mean "{names[near[0]]}"?' if near else "write a name such as Europe/Amsterdam"


def check_channels(context: Context, place: Place, channels: Iterable[str]) -> None:
    """Report channels that do not exist."""
    document, loc = context.where(place)
    node, _ = document.node(loc)
    listed = node is not None and isinstance(node.data, list)
    for number, channel in enumerate(channels):
        context.known("V046", place / number if listed else place, "channel", channel, CHANNELS)


def check_time(context: Context, place: Place, text: str, *, end: bool = False) -> None:
    """Report a time of day that is none."""
    try:
        time_of_day(text, end=end)
    except VouchError as error:
        context.raises("V031", place, error)


def check_day(context: Context, place: Place, text: str) -> date | None:
    """Return a date as written, or report it."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        context.report("V031", place, f'"{text}" is not a date', "there is no such day")
        return None
    context.report("V031", place, f'"{text}" is not a date', "write 2027-05-05")
    return None


def _calendars(context: Context) -> None:
    policies = context.policies
    zone, _ = zone_or(policies.zone, ZoneInfo("UTC"))
    for name, calendar in policies.calendars.items():
        place = ROOT / "calendars" / name
        if not calendar.days:
            help_ = "days: [mon, tue, wed, thu, fri]"
            context.report("V031", place / "days", "a calendar without days is never open", help_)
        try:
            make_calendar(calendar.days, calendar.hours, calendar.holidays, zone)
        except VouchError as error:
            part = "holidays" if "holiday" in str(error) or "date" in str(error) else "hours"
            context.raises("V031", place / part, error)
    if policies.calendars and "office" not in policies.calendars:
        near = get_close_matches("office", policies.calendars, n=1)
        help_ = "name it office: " if near else ""
        place = ROOT / "calendars" / near[0] if near else ROOT / "calendars"
        help_ += "business days and hours count on it"
        context.report("V049", place, 'the calendar "office" is missing', help_, key=True)


def check_variable(context: Context, place: Place, text: str) -> None:
    """Report `env:` before what is no name of an environment variable."""
    name = text.removeprefix("env:")
    if text.startswith("env:") and not _VARIABLE.match(name):
        message = f'"{name}" is no name of an environment variable'
        help_ = f"write env:{re.sub(r'[^A-Za-z0-9_]+', '_', name).strip('_').upper() or 'NAME'}"
        context.report("V014", place, message, help_)


def _fields(context: Context) -> None:
    own = context.policies.fields
    for root, fields, built_in in (
        ("contact", own.contact, CONTACT),
        ("account", own.account, ACCOUNT),
    ):
        for name, kind in fields.items():
            place = ROOT / "fields" / root / name
            if not _NAME.match(name) or name in NOT_NAMES:
                help_ = "letters, digits and _: conditions name it"
                context.report("V014", place, f'"{name}" is no name of a field', help_, key=True)
            elif built_in.get(name, kind) != kind or (root == "contact" and name in _KEPT):
                help_ = "choose another name"
                context.report(
                    "V018", place, f'{root} has a field "{name}" already', help_, key=True
                )


def _messages(context: Context) -> None:
    policies = context.policies
    for name, message_class in policies.classes.items():
        place = ROOT / "classes" / name
        if name == BUILT_IN_CLASS:
            help_ = "it is built in: no consent, no caps, office hours"
            context.report("V018", place, 'the class "staff" exists already', help_, key=True)
        for number, cap in enumerate(message_class.caps):
            context.known("V043", place / "caps" / number, "cap", cap, policies.caps)
        if message_class.calendar == "office" and policies.calendars:
            if "office" not in policies.calendars:
                continue  # told at the calendars
        elif message_class.calendar:
            context.known(
                "V049", place / "calendar", "calendar", message_class.calendar, policies.calendars
            )
        check_channels(context, place / "at_night", message_class.at_night)
    check_topics(context)
    nps = policies.nps
    if not nps.scale[0] < nps.passive < nps.promoter <= nps.scale[1]:
        help_ = "low < passive < promoter <= high"
        context.report(
            "V015", ROOT / "nps", "the bands of nps do not fit the scale", help_, key=True
        )


def _asks(context: Context) -> None:
    asks, place = context.policies.asks, ROOT / "asks"
    context.expression(place / "if", asks.if_, context.scopes.asks())
    seen: dict[str, int] = {}
    for number, rung in enumerate(asks.ladder):
        at = place / "ladder" / number
        if rung.kind in seen:
            document, loc = context.where(place / "ladder" / seen[rung.kind] / "kind")
            line = document.position(loc).line
            message = f'the kind "{rung.kind}" is on the ladder twice; the first is in line {line}'
            context.report("V018", at / "kind", message, "keep one of them")
        seen.setdefault(rung.kind, number)
        if rung.done_by:
            done_by = at / "done_by"
            kinds = rung.done_by.event
            if check_types(context, context.inner(done_by, "event"), kinds):
                context.expression(done_by / "if", rung.done_by.if_, context.scopes.trigger(kinds))
    if context.policies.moments:
        check_moments(context, context.policies.moments, set(seen))


def _rewards(context: Context) -> None:
    policies, scopes = context.policies, context.scopes
    context.expression(ROOT / "rewards" / "if", policies.rewards.if_, scopes.rewards())
    for number, reverse in enumerate(policies.rewards.reverse):
        place = ROOT / "rewards" / "reverse" / number
        check_types(context, context.inner(place, "event"), reverse.event)
    for name, contest in policies.contests.items():
        place = ROOT / "contests" / name
        context.expression(place / "if", contest.if_, scopes.contest())
        for number, entry in enumerate(contest.entries):
            at = place / "entries" / number
            if check_types(context, at / "event", entry.event):
                context.expression(at / "if", entry.if_, scopes.trigger(entry.event))
    if policies.tiers:
        place = ROOT / "tiers" / "count"
        context.known("V040", place, "event type", policies.tiers.count, scopes.types)
    for name, sync in policies.sync.items():
        for side, values in (("contact", sync.contact), ("lead", sync.lead)):
            scope = scopes.sync(lead=side == "lead")
            for field, text in values.items():
                at = ROOT / "sync" / name / side / field
                context.expression(at, text, scope, "any")
                if isinstance(scope.names.get(text.strip()), Mapping):
                    message = f'"{text}" is a group of fields: name one'
                    help_ = f"a text stands in quotes in quotes: {field}: \"'{text}'\""
                    context.report("V016", at, message, help_)


def _spans(context: Context) -> None:
    """Check every span of the policies; those that look back count no business days."""
    policies = context.policies
    context.span(ROOT / "defer", policies.defer, long=True)
    for name, cap in policies.caps.items():
        context.span(ROOT / "caps" / name / "within", cap.within, backwards=True)
    cooldown = policies.asks.cooldown
    for outcome in ("declined", "answered", "silent"):
        context.span(ROOT / "asks" / "cooldown" / outcome, getattr(cooldown, outcome), long=True)
    context.span(ROOT / "asks" / "snooze", policies.asks.snooze, long=True)
    context.span(ROOT / "cases" / "cooldown", policies.cases.cooldown, long=True)
    if policies.unassigned:
        context.span(ROOT / "unassigned" / "after", policies.unassigned.after)
    for key in ("within", "park"):
        context.span(ROOT / "referrals" / key, getattr(policies.referrals, key), long=True)
    context.span(ROOT / "rewards" / "hold", policies.rewards.hold, long=True)
    if policies.referrals.review:
        context.span(ROOT / "referrals" / "review" / "due", policies.referrals.review.due)
    for name, verdict in policies.referrals.checks.items():
        for key in ("within", "winback"):
            context.span(
                ROOT / "referrals" / "checks" / name / key, getattr(verdict, key), backwards=True
            )
    _later_spans(context)


def _later_spans(context: Context) -> None:
    policies = context.policies
    if policies.moments:
        context.span(ROOT / "moments" / "collect", policies.moments.collect)
        for number, moment in enumerate(policies.moments.events):
            context.span(ROOT / "moments" / "events" / number / "valid", moment.valid)
    if policies.tiers:
        context.span(ROOT / "tiers" / "within", policies.tiers.within, backwards=True, long=True)
    if policies.themes and policies.themes.recurring:
        place = ROOT / "themes" / "recurring"
        context.span(place / "within", policies.themes.recurring.within, backwards=True)
        context.span(place / "cooldown", policies.themes.recurring.cooldown)
    for name, sync in policies.sync.items():
        context.span(ROOT / "sync" / name / "collect", sync.collect)
    for name, endpoint in policies.endpoints.items():
        for number, text in enumerate(endpoint.retry):
            context.span(ROOT / "endpoints" / name / "retry" / number, text)
