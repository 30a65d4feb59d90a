"""What is wrong in a step's verb: which check looks at which."""

from collections.abc import Callable, Mapping
from typing import Any

from workflows.check.context import Context, Place
from workflows.check.effects import check_credit, check_emit, check_set, check_task
from workflows.check.heard import check_types
from workflows.check.journeys import check_call, check_journey
from workflows.check.messages import check_ask, check_send
from workflows.check.policies import check_time
from workflows.check.reach import check_taken
from workflows.check.site import Site
from workflows.definition import Wait, WaitFor
from workflows.expressions import Returns, check_expression


def _wait(site: Site, wait: Wait, at: Place) -> None:
    """Report what is wrong in a wait."""
    if not (wait.for_ or wait.from_ or wait.at):
        message = "a wait needs a span, an instant or a time of day"
        site.context.report("V025", at, message, "wait: 3d", key=True)
    site.within(site.context.inner(at, "for"), wait.for_)
    _start(site, at / "from", wait.from_)
    if wait.at and wait.at != "slot":
        check_time(site.context, at / "at", wait.at)


def _start(site: Site, at: Place, text: str) -> None:
    """Check from when a wait counts: an instant, or a day as events write it."""
    wanted: tuple[Returns, ...] = ("instant", "string")
    fits = not text or any(not check_expression(text, site.scope, returns=kind) for kind in wanted)
    site.context.expression(at, text, site.scope, "any" if fits else "instant")


def _wait_for(site: Site, wait: WaitFor, at: Place) -> None:
    """Report what is wrong in a wait for an event."""
    context = site.context
    site.within(at / "within", wait.within)
    if check_types(context, at / "event", wait.event):
        beside = context.scopes.beside(site.workflow, wait.event, site.ids)
        context.expression(at / "if", wait.if_, beside)
        context.expression(at / "distinct", wait.distinct, beside, "any")
        check_taken(context, site.workflow, wait, at / "event")
    if wait.distinct and wait.times == 1:
        message = "distinct has no effect: one event differs from no other"
        help_ = "add times: 3"
        context.report("V076", at / "distinct", message, help_, key=True, severity="warning")
    if not wait.within and not site.workflow.exit:
        message = "if the event never comes, this waits for ever: no within, no exit"
        context.report("V070", at, message, "add within", key=True, severity="warning")


def _stop(site: Site, name: str, at: Place) -> None:
    if not name:
        site.context.report("V013", at, "a run ends under a name", "stop: NAME", key=True)


_CHECKS: Mapping[str, Callable[[Site, Any, Place], None]] = {
    "send": check_send,
    "ask": check_ask,
    "task": check_task,
    "wait": _wait,
    "wait_for": _wait_for,
    "journey": check_journey,
    "credit": check_credit,
    "call": check_call,
    "emit": check_emit,
    "set": check_set,
    "stop": _stop,
}


def check_verb(site: Site, verb: str, value: object, at: Place) -> None:
    """Report everything wrong under a verb; a `switch` is looked at with its steps."""
    check = _CHECKS.get(verb)
    if check is not None:
        check(site, value, at)


def check_office(context: Context) -> None:
    """Report that business time is used without the calendar it counts on."""
    if context.business_days and not context.policies.calendars:
        place = context.business_days[0]
        message = 'this counts on the calendar "office", which is missing in programme.yaml'
        help_ = 'calendars: {office: {days: [mon, tue, wed, thu, fri], hours: ["09:00", "17:00"]}}'
        context.report("V049", place, message, help_)
