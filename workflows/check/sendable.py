"""Whether a message can ever leave: slots and quiet hours, caps and what they leave room for."""

from collections.abc import Mapping
from datetime import time

from workflows.check.context import Context, Place
from workflows.check.findings import Severity
from workflows.check.site import steps_of
from workflows.definition import Ask, Journey, Reminders, Workflow
from workflows.durations import SpanError, parse_span
from workflows.folder import PROGRAMME_FILE
from workflows.policies import Cap, MessageClass, Policies
from workflows.wallclock import TimeOfDayError, time_of_day

ROOT = Place(PROGRAMME_FILE)
_DAY = 86_400
_MONTH = 28 * _DAY  # the shortest: nothing is reported that could work in February


def check_sendable(context: Context) -> None:
    """Report quiet hours that leave no time to send, and caps that let nothing through."""
    _quiet(context)
    _caps(context)


# -- quiet hours -----------------------------------------------------------------------------------


def _quiet(context: Context) -> None:
    policies = context.policies
    if policies.quiet is None:
        return
    begins, ends = _time(policies.quiet[0]), _time(policies.quiet[1], end=True)
    slot = _time(policies.slot)
    if begins is None or ends is None or slot is None:
        return
    place = ROOT / "quiet"
    if begins == ends:
        whole = policies.quiet[1] == "24:00"
        message = "the quiet hours last all day: no message ever leaves"
        if not whole:
            message = "the quiet hours begin and end at the same time, so there are none"
        severity: Severity = context.judged if whole else "warning"
        context.report("V032", place, message, 'quiet: ["20:00", "08:00"]', severity=severity)
        return
    waiting = sorted(name for name, held in policies.classes.items() if _slotted(policies, held))
    if waiting and _within(slot, begins, ends):
        message = (
            f"the slot {policies.slot} lies in the quiet hours {policies.quiet[0]} to "
            f'{policies.quiet[1]}: no slot is left for messages of class "{waiting[0]}"'
        )
        help_ = "move the slot, or write the quiet hours as evening, then morning"
        document, loc = context.where(ROOT / "slot")
        at = ROOT / "slot" if document.node(loc)[1] else place
        context.report("V032", at, message, help_, severity=context.judged)


def _time(text: str, *, end: bool = False) -> time | None:
    try:
        return time_of_day(text, end=end)
    except TimeOfDayError:
        return None  # said already


def _within(slot: time, begins: time, ends: time) -> bool:
    return begins <= slot < ends if begins < ends else slot >= begins or slot < ends


def _slotted(policies: Policies, held: MessageClass) -> bool:
    """Return whether messages of a class leave at a slot that quiet hours can take."""
    return held.leaves == "slot" and not set(policies.channels) <= set(held.at_night)


# -- caps ------------------------------------------------------------------------------------------


def _caps(context: Context) -> None:
    policies = context.policies
    used = {cap for held in policies.classes.values() for cap in held.caps}
    for name, cap in policies.caps.items():
        place = ROOT / "caps" / name
        window = seconds_of(cap.within)
        if window is None:
            continue
        if window == 0:
            message = "a window of no length counts nothing, so that the cap is never met"
            help_ = "write 7d, or leave the cap out"
            context.report("V033", place / "within", message, help_, severity=context.judged)
        elif name not in used:
            if not used <= set(policies.caps):
                continue  # one of them is misspelt
            message = f'no class lists the cap "{name}", so that it binds nothing'
            help_ = f"classes: {{NAME: {{caps: [{name}]}}}}"
            context.report("V076", place, message, help_, key=True, severity="warning")
        elif stricter := _stricter(policies, name, cap, window):
            message = f'this cap can never be met: "{stricter}" always stops a message before'
            help_ = "leave it out, or make it the stricter of the two"
            context.report("V033", place, message, help_, key=True, severity="warning")


def _stricter(policies: Policies, name: str, cap: Cap, window: int) -> str:
    """Return a cap of every class that this one is of, which allows no more in no less time."""
    lists = [held.caps for held in policies.classes.values() if name in held.caps]
    names = [held for held, bound in policies.classes.items() if name in bound.caps]
    for other, bound in policies.caps.items():
        if other == name or bound.per != cap.per or any(other not in caps for caps in lists):
            continue
        longer = seconds_of(bound.within)
        if longer is None or longer < window or bound.max > cap.max:
            continue
        same = (bound.max, longer) == (cap.max, window)
        both = [held for held, b in policies.classes.items() if other in b.caps]
        if not same or (names == both and other < name):
            return other
    return ""


def check_touches(context: Context, workflows: Mapping[str, Workflow]) -> None:
    """Report reminders that never leave: a cap keeps them, or the ask has ended before."""
    for name, flow in workflows.items():
        for step, place in steps_of(flow.steps, Place(f"workflows/{name}.yaml") / "steps"):
            if step.ask is not None and step.ask.reminders is not None:
                _reminders(context, step.ask, step.ask.reminders, place / "ask" / "reminders")
            if step.journey is not None:
                _stages(context, step.journey, place / "journey" / "stages")


def _stages(context: Context, journey: Journey, at: Place) -> None:
    """Report reminders of a stage that is closed before they are due."""
    within = seconds_of(journey.within)
    for number, stage in enumerate(journey.stages):
        every = seconds_of(stage.reminders.every) if stage.reminders else None
        if stage.reminders and every and within:
            _too_late(
                context, at / number / "reminders", stage.reminders,
                left=(within - 1) // every,
                over=f"the stage is closed after {journey.within}",
            )  # fmt: skip


def _too_late(context: Context, at: Place, reminders: Reminders, *, left: int, over: str) -> None:
    """Report the first of the reminders that is not due before what it reminds of is over."""
    if left < len(reminders.send):
        which = "no reminder ever leaves" if not left else "this reminder never leaves"
        place = at / "send" / left if left else at / "every"
        help_ = "make within longer, or write fewer reminders"
        severity: Severity = "warning" if left else context.judged
        context.report("V023", place, f"{which}: {over}", help_, severity=severity)


def _reminders(context: Context, ask: Ask, reminders: Reminders, at: Place) -> None:
    every, within = seconds_of(reminders.every), seconds_of(ask.within)
    if every is None or not reminders.send:
        return
    if every == 0:
        message = "reminders without a distance leave all at once"
        context.report("V033", at / "every", message, "write every: 7d", severity=context.judged)
    elif within is not None and within <= every * len(reminders.send):
        _too_late(
            context, at, reminders,
            left=(within - 1) // every, over=f"the ask is silent after {ask.within}",
        )  # fmt: skip
    else:
        _capped(context, reminders, every, at)


def _capped(context: Context, reminders: Reminders, every: int, at: Place) -> None:
    policies = context.policies
    bound, opening = policies.classes.get("reminder"), policies.classes.get("ask")
    defer = seconds_of(policies.defer)
    for name in bound.caps if bound else ():
        cap = policies.caps.get(name)
        window = seconds_of(cap.within) if cap else None
        first = opening is not None and name in opening.caps
        counts = first or len(reminders.send) > 1
        if cap is None or window is None or defer is None or cap.max > 1 or not counts:
            continue
        if every + defer < window:
            what = "no reminder ever leaves" if first else "only the first reminder ever leaves"
            message = (
                f'{what}: the cap "{name}" allows {cap.max} in {cap.within}, and one that is '
                f"due after {reminders.every} waits for room no longer than {policies.defer}"
            )
            help_ = f"write every: {cap.within}, or more"
            context.report("V033", at / "every", message, help_, severity=context.judged)
            return


def seconds_of(text: str) -> int | None:
    """Return the least that a span comes to, in seconds; None for what is none, or not given."""
    try:
        span = parse_span(text) if text else None
    except SpanError:
        return None  # said elsewhere
    if span is None:
        return None
    days = span.days + (span.business_days or 0)
    return span.months * _MONTH + days * _DAY + span.seconds + (span.business_seconds or 0)
