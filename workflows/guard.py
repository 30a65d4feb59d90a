"""May this message leave now? Asked inside the transaction that claims it, newest policies.

Pure: `guard(programme, message, view, now)` gives `Leave`, `Defer` or `Skip`, always with the
reason. The order of its checks is LANGUAGE section 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from workflows.calendars import next_allowed, next_slot
from workflows.compiled import Programme
from workflows.durations import add_span, parse_span, subtract_span
from workflows.expressions import EvaluationError, activation
from workflows.policies import MessageClass
from workflows.state import Doc, instant
from workflows.wallclock import zone_or

LATE = timedelta(hours=1)
"""A message this late is planned anew."""

KINDS = {"sms": "sms"}
"""Which kind of words a channel takes; e-mail's where it has none of its own."""


class Planned(Protocol):
    """What the guard must know of a message, ours or one that left before."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def class_(self) -> str: ...  # noqa: D102
    @property
    def to(self) -> str: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def template(self) -> str: ...  # noqa: D102
    @property
    def planned_at(self) -> datetime: ...  # noqa: D102


class Asked(Planned, Protocol):
    """A message that wants to leave."""

    @property
    def ask(self) -> str: ...  # noqa: D102
    @property
    def by(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def before(self) -> datetime | None: ...  # noqa: D102
    @property
    def once(self) -> bool: ...  # noqa: D102
    @property
    def uncapped(self) -> bool: ...  # noqa: D102
    @property
    def doc(self) -> Doc: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class View:
    """The recipient, and the run and ask the message belongs to, as they are now.

    Attributes:
        doc: The recipient's document (a colleague's: name and email).
        account: The document of their account.
        consents: (channel, topic) to yes or no; nothing said means yes by e-mail, else no.
        history: What left or is leaving, to this person or their account.
        run_left: An exit or a restart ended the run.
        ask_status: '' when the message belongs to no ask.
    """

    doc: Doc
    account: Doc = field(default_factory=dict)
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    history: Sequence[Planned] = ()
    templates_sent: frozenset[str] = frozenset()
    run_left: bool = False
    ask_status: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """It leaves now by this channel; it counts at `planned`."""

    channel: str
    address: str
    locale: str
    zone: str
    planned: datetime
    zone_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Defer:
    """It waits until then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """It never leaves."""

    reason: str


Verdict = Leave | Defer | Skip


def guard(programme: Programme, message: Asked, view: View, *, now: datetime) -> Verdict:
    """Return whether a message that is due may leave now, and if not, until when or why."""
    policy = programme.class_of(message.class_)
    zone, fallback = zone_or(view.doc.get("zone", ""), programme.zone)
    if not view.doc.get("zone"):
        fallback = False
    if view.run_left or view.ask_status not in ("", "pending", "open"):
        return Skip("stopped")
    planned = message.planned_at
    if now - planned >= LATE:
        planned = next_slot(now, programme.slot, zone, None) if policy.leaves else now
    if message.before is not None and max(planned, now) > message.before:
        return Skip("expired")
    if message.once and message.template in view.templates_sent:
        return Skip("already_sent")
    channel = _channel(programme, message, view, policy)
    if isinstance(channel, Skip):
        return channel
    held = _held(programme, message, view, policy, now=now, planned=planned)
    if held:
        return Skip(held)
    verdict = _room(programme, message, view, policy, planned=planned, zone=zone)
    if verdict is not None:
        return verdict
    allowed = _day_and_hour(programme, message, policy, channel, planned, zone)
    if allowed > planned:
        return Defer(allowed, "closed")
    if planned > now:
        return Defer(planned, "late")
    return Leave(
        channel,
        address_of(view.doc, channel),
        locale_of(programme, view.doc),
        str(zone),
        planned,
        fallback,
    )


# -- 2: by which channel ---------------------------------------------------------------------------


def address_of(doc: Doc, channel: str) -> str:
    """Return where a channel reaches a person; '' where it does not."""
    return str(doc.get("phone" if channel == "sms" else "email", "") or "")


def locale_of(programme: Programme, doc: Doc) -> str:
    """Return the recipient's locale as they have it; the programme's first where there is none."""
    return str(doc.get("locale") or programme.policies.locales[0])


def words_for(
    programme: Programme, template: str, channel: str, locale: str
) -> tuple[str, str] | None:
    """Return the locale and text of a template: the locale's, its language's, the first one's."""
    kind = KINDS.get(channel, "email")
    for candidate in (locale, locale.partition("-")[0], programme.policies.locales[0]):
        text = programme.templates.get((template, candidate, kind))
        if text is not None:
            return candidate, text
    return None


def _channel(programme: Programme, message: Asked, view: View, policy: MessageClass) -> str | Skip:
    """Return the first channel with an address, consent and words."""
    if message.to.startswith("staff/"):
        return "email" if address_of(view.doc, "email") else Skip("no_address")
    refused = message.doc.get("refused", ())
    reasons = []
    for channel in message.by or programme.policies.channels:
        if channel in refused:
            reasons.append("undeliverable")
        elif not address_of(view.doc, channel):
            reasons.append("no_address")
        elif policy.consent and not view.consents.get(
            (channel, policy.consent), channel == "email"
        ):
            reasons.append("no_consent")
        elif (
            words_for(programme, message.template, channel, locale_of(programme, view.doc)) is None
        ):
            reasons.append("no_template")
        else:
            return channel
    for reason in ("undeliverable", "no_consent", "no_address"):
        if reason in reasons:
            return Skip(reason)
    return Skip("no_template")


# -- 3: what holds it ------------------------------------------------------------------------------


def _held(
    programme: Programme,
    message: Asked,
    view: View,
    policy: MessageClass,
    *,
    now: datetime,
    planned: datetime,
) -> str:
    doc = view.doc
    if "case" in policy.held_by and (
        doc.get("open_case") or (doc.get("held_until") and instant(doc["held_until"]) > planned)
    ):
        return "open_case"
    if "cooldown" in policy.held_by:
        if doc.get("no_asks"):
            return "no_asks"
        if doc.get("cooling_until") and instant(doc["cooling_until"]) > planned:
            return "cooldown"
    opens = bool(message.ask) and message.doc.get("touch", 1) == 1
    if opens and programme.asks_if is not None and not _may_be_asked(programme, view, now):
        return "not_eligible"
    return ""


def _may_be_asked(programme: Programme, view: View, now: datetime) -> bool:
    zone = zone_or(view.doc.get("zone", ""), programme.zone)[0]
    values = activation(
        {"contact": view.doc, "account": view.account, "programme": programme.facts},
        now,
        lambda span: subtract_span(now, parse_span(span), zone=zone, office=programme.office),
    )
    assert programme.asks_if is not None  # noqa: S101
    try:
        return programme.asks_if.evaluate(values) is True
    except EvaluationError:
        return False


# -- 4: room under the caps ------------------------------------------------------------------------


def _room(
    programme: Programme,
    message: Asked,
    view: View,
    policy: MessageClass,
    *,
    planned: datetime,
    zone: ZoneInfo,
) -> Verdict | None:
    """Return None where there is room; else the next slot with room, or a skip after `defer`."""
    if message.uncapped or not policy.caps:
        return None
    free = planned
    for name in policy.caps:
        free = max(free, _free_at(programme, message, view, name, planned, zone))
    if free <= planned:
        return None
    office = programme.office
    since = instant(message.doc["since"]) if "since" in message.doc else message.planned_at
    limit = add_span(since, parse_span(programme.policies.defer), zone=zone, office=office)
    if planned >= limit:
        return Skip("capped")
    calendar = programme.calendars.get(policy.calendar)
    slot = next_slot(free, programme.slot, zone, calendar)
    return Defer(min(slot, limit), "capped")


def _free_at(
    programme: Programme,
    message: Asked,
    view: View,
    cap_name: str,
    planned: datetime,
    zone: ZoneInfo,
) -> datetime:
    """Return from when on a cap has room: `planned` itself where it has some now.

    A window is half-open and calendar-wise: what left exactly `within` earlier does not count.
    """
    cap = programme.policies.caps[cap_name]
    span = parse_span(cap.within)
    counted = {n for n, c in programme.policies.classes.items() if cap_name in c.caps}
    opens = subtract_span(planned, span, zone=zone, office=programme.office)
    per_account = cap.per == "account"
    if per_account and not message.account:
        return planned
    left = sorted(
        sent.planned_at
        for sent in view.history
        if sent.class_ in counted
        and sent.key != message.key
        and sent.planned_at > opens
        and (sent.account == message.account if per_account else sent.to == message.to)
    )
    if len(left) < cap.max:
        return planned
    return add_span(left[-cap.max], span, zone=zone, office=programme.office)


# -- 5: day and hour -------------------------------------------------------------------------------


def _day_and_hour(
    programme: Programme,
    message: Asked,
    policy: MessageClass,
    channel: str,
    planned: datetime,
    zone: ZoneInfo,
) -> datetime:
    if message.class_ == "staff":
        return programme.office.next_open(planned)
    calendar = programme.calendars.get(policy.calendar) if policy.calendar else None
    quiet = None if channel in policy.at_night else programme.quiet
    allowed = next_allowed(planned, quiet=quiet, zone=zone, calendar=calendar)
    if allowed > planned and policy.leaves == "slot":
        slot = next_slot(planned, programme.slot, zone, calendar)
        return next_allowed(slot, quiet=quiet, zone=zone, calendar=calendar)
    return allowed
