"""May this message leave now? Asked inside the transaction that claims it, newest policies.

Pure: `guard(programme, message, view, now)` gives `Leave`, `Defer` or `Skip`, always with the
reason. The order of its checks is LANGUAGE section 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from workflows.calendars import Calendar
from workflows.compiled import Programme
from workflows.durations import add_span, parse_span, subtract_span
from workflows.expressions import EvaluationError, activation
from workflows.held import held_by
from workflows.planning import LATE, planned_for
from workflows.policies import MessageClass
from workflows.reaching import address_of, locale_of, words_for
from workflows.slots import next_allowed, next_slot
from workflows.state import Doc, instant
from workflows.wallclock import zone_or

_NO_CHANNEL = ("undeliverable", "no_consent", "no_address", "no_template")
"""Why no channel will do, the reason that weighs most first."""

SKIPS = (
    *("stopped", "expired", "already_sent"),
    *_NO_CHANNEL,
    *("open_case", "no_asks", "cooldown", "not_eligible", "capped"),
)
"""Every reason for which a message never leaves, in the order of the checks."""

DEFERS = ("paused", "capped", "closed", "late")
"""Every reason for which a message waits."""

PAUSED_LOOK = timedelta(minutes=15)
"""How long a message of a paused run waits before somebody looks again."""


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
        run_paused: An operator paused the run.
        ask_status: '' when the message belongs to no ask.
    """

    doc: Doc
    account: Doc = field(default_factory=dict)
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    history: Sequence[Planned] = ()
    templates_sent: frozenset[str] = frozenset()
    run_left: bool = False
    run_paused: bool = False
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
    """It waits until then; it is planned for then too, unless `planned` says otherwise.

    `rule` is the policy that said so: `caps.bound`, as a path in programme.yaml.
    """

    until: datetime
    reason: str
    planned: datetime | None = None
    rule: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Skip:
    """It never leaves; `because` is the part of `rule` that was false, and what it read."""

    reason: str
    rule: str = field(default="", compare=False)
    because: tuple[str, list[object]] | None = field(default=None, compare=False)


Verdict = Leave | Defer | Skip


def guard(programme: Programme, message: Asked, view: View, *, now: datetime) -> Verdict:
    """Return whether a message that is due may leave now, and if not, until when or why."""
    zone, fell_back = zone_or(view.doc.get("zone", ""), programme.zone)
    policy = programme.class_of(message.class_)
    planned = planned_for(programme, policy, message.planned_at, zone, now=now)
    question = _Question(programme, message, view, policy, zone, now, planned)
    channel = question.channel()
    pointless = question.pointless()
    if pointless or channel in _NO_CHANNEL:
        consent = channel == "no_consent" and not pointless
        rule = f"classes.{message.class_}.consent" if consent else ""
        return Skip(pointless or channel, rule)
    if view.run_paused and not message.doc.get("task"):  # what is told of a task goes on
        return Defer(now + PAUSED_LOOK, "paused", planned=message.planned_at)
    held = question.held()
    if held is not None:
        return held
    waits = question.room() or question.day_and_hour(channel)
    if waits is not None:
        return waits
    address, locale = address_of(view.doc, channel), question.locale(channel)
    unknown = fell_back and bool(view.doc.get("zone"))
    return Leave(channel, address, locale, str(zone), planned, unknown)


# -- the checks, in their order --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Question:
    """One message that wants to leave, planned for `planned`, under one policy."""

    programme: Programme
    message: Asked
    view: View
    policy: MessageClass
    zone: ZoneInfo
    now: datetime
    planned: datetime

    def pointless(self) -> str:
        """1: why nobody needs it any more; '' if somebody does."""
        message = self.message
        if self.view.run_left or self.view.ask_status not in ("", "pending", "open"):
            return "stopped"
        if message.before is not None and max(self.planned, self.now) > message.before:
            return "expired"
        if message.once and message.template in self.view.templates_sent:
            return "already_sent"
        return ""

    def channel(self) -> str:
        """2: the first channel with an address, consent and words; else one of `_NO_CHANNEL`."""
        if self.message.to.startswith("staff/"):
            return "email" if address_of(self.view.doc, "email") else "no_address"
        reasons = set()
        for channel in self.message.by or self.programme.policies.channels:
            reason = self._against(channel)
            if not reason:
                return channel
            reasons.add(reason)
        return next(reason for reason in _NO_CHANNEL if reason in reasons)

    def _against(self, channel: str) -> str:
        view, topic = self.view, self.policy.consent
        if channel in self.message.doc.get("refused", ()):
            return "undeliverable"
        if not address_of(view.doc, channel):
            return "no_address"
        if topic and not view.consents.get((channel, topic), channel == "email"):
            return "no_consent"
        locale = locale_of(self.programme, view.doc)
        if words_for(self.programme, self.message.template, channel, locale) is None:
            return "no_template"
        return ""

    def locale(self, channel: str) -> str:
        """Return the locale of the words that leave, which the recipient's may have none in."""
        wanted = locale_of(self.programme, self.view.doc)
        words = words_for(self.programme, self.message.template, channel, wanted)
        return words[0] if words else wanted

    def held(self) -> Skip | None:
        """3: what holds it: a case, a cool-down; at the opening of an ask, who may be asked."""
        reason = held_by(self.view.doc, self.planned, self.policy.held_by)
        if reason:
            return Skip(reason, f"classes.{self.message.class_}.held_by")
        opens = bool(self.message.ask) and self.message.doc.get("touch", 1) == 1
        return self._not_eligible() if opens else None

    def _not_eligible(self) -> Skip | None:
        condition = self.programme.asks_if
        if condition is None:
            return None
        names = {
            "contact": self.view.doc,
            "account": self.view.account,
            "programme": self.programme.facts,
        }
        values = activation(names, self.now, self._ago)
        try:
            operand = condition.false_operand(values)
        except EvaluationError:
            return Skip("not_eligible", "asks.if")
        if operand is None:
            return None
        return Skip("not_eligible", "asks.if", (operand, condition.saw(operand, values)))

    def _ago(self, span: str) -> datetime:
        return subtract_span(
            self.now, parse_span(span), zone=self.zone, office=self.programme.office
        )

    def room(self) -> Verdict | None:
        """4: None where every cap has room; else the next slot with room, or the end of it."""
        if self.message.uncapped or not self.policy.caps:
            return None
        free, cap = max((self._free_at(name), name) for name in self.policy.caps)
        if free <= self.planned:
            return None
        since = self.message.doc.get("since")
        limit = add_span(
            instant(since) if since else self.message.planned_at,
            parse_span(self.programme.policies.defer),
            zone=self.zone,
            office=self.programme.office,
        )
        if self.planned >= limit:
            return Skip("capped", f"caps.{cap}")
        slot = next_slot(free, self.programme.slot, self.zone, self._calendar())
        return Defer(min(slot, limit), "capped", rule=f"caps.{cap}")

    def _free_at(self, name: str) -> datetime:
        """Return from when on a cap has room: `planned` itself where it has some then.

        A window is half-open and calendar-wise: what left exactly `within` earlier does not
        count.
        """
        cap = self.programme.policies.caps[name]
        per_account = cap.per == "account"
        if per_account and not self.message.account:
            return self.planned
        span, office = parse_span(cap.within), self.programme.office
        opens = subtract_span(self.planned, span, zone=self.zone, office=office)
        classes = self.programme.policies.classes
        left = sorted(
            sent.planned_at
            for sent in self.view.history
            if name in (classes[sent.class_].caps if sent.class_ in classes else ())
            and sent.key != self.message.key
            and sent.planned_at > opens
            and (
                sent.account == self.message.account if per_account else sent.to == self.message.to
            )
        )
        if len(left) < cap.max:
            return self.planned
        return add_span(left[-cap.max], span, zone=self.zone, office=office)

    def day_and_hour(self, channel: str) -> Verdict | None:
        """5: None where day and hour will do; else the next slot, or the next open moment."""
        allowed = self._allowed(channel)
        if allowed > self.planned:
            return Defer(allowed, "closed", rule=self._closed_by())
        if self.planned <= self.now:
            return None
        late = self.now - self.message.planned_at >= LATE
        return Defer(self.planned, "late" if late else "closed")  # or it is no slot of theirs

    def _closed_by(self) -> str:
        if self.message.class_ == "staff":
            return "calendars.office"
        calendar = self._calendar()
        day = next_allowed(self.planned, quiet=None, zone=self.zone, calendar=calendar)
        return f"classes.{self.message.class_}.calendar" if day > self.planned else "quiet"

    def _allowed(self, channel: str) -> datetime:
        if self.message.class_ == "staff":
            return self.programme.office.next_open(self.planned)
        calendar = self._calendar()
        quiet = None if channel in self.policy.at_night else self.programme.quiet
        allowed = next_allowed(self.planned, quiet=quiet, zone=self.zone, calendar=calendar)
        if allowed > self.planned and self.policy.leaves == "slot":
            allowed = next_slot(self.planned, self.programme.slot, self.zone, calendar)
        return next_allowed(allowed, quiet=quiet, zone=self.zone, calendar=calendar)

    def _calendar(self) -> Calendar | None:
        return self.programme.calendars.get(self.policy.calendar) if self.policy.calendar else None
