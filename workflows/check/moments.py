"""What is wrong in `moments`: events named twice, kinds nobody asks, moments too short."""

from workflows.check.context import Context, Place
from workflows.check.heard import check_types, each_of
from workflows.durations import SpanError, parse_span
from workflows.folder import PROGRAMME_FILE
from workflows.policies import Moment, Moments

ROOT = Place(PROGRAMME_FILE, ("moments", "events"))


def check_moments(context: Context, moments: Moments, kinds: set[str]) -> None:
    """Report everything wrong in the policy of moments; `kinds` are those of the ladder."""
    told: set[str] = set()
    for number, moment in enumerate(moments.events):
        at = ROOT / number
        for place, event in each_of(context, at / "event", moment.event):
            if event in told and moment.event.count(event) == 1:
                message = f'"{event}" is a moment already'
                context.report("V018", place, message, "make one entry of the two")
        told.update(moment.event)
        _outlives(context, at / "valid", moment.valid, moments.collect)
        _conditions(context, at, moment, kinds)


def _conditions(context: Context, at: Place, moment: Moment, kinds: set[str]) -> None:
    """Check what a moment is and opens; conditions only where its events are known."""
    known = check_types(context, at / "event", moment.event)
    scope = context.scopes.opens(moment.event)
    if known:
        context.expression(at / "if", moment.if_, scope)
    if not moment.opens:
        message = "a moment that opens nothing asks for nothing"
        context.report("V015", at / "opens", message, "name a kind of the ladder", key=True)
    for choice, opens in enumerate(moment.opens):
        place = at / "opens" / choice
        context.known("V045", context.inner(place, "kind"), "kind of ask", opens.kind, kinds)
        if known:
            context.expression(place / "if", opens.if_, scope)


def _outlives(context: Context, place: Place, valid: str, collect: str) -> None:
    """Warn of a moment that is over before the window it opens has closed."""
    try:
        worth, window = parse_span(valid), parse_span(collect)
    except SpanError:
        return  # told with the other spans
    spans = (worth, window)
    if any(span.is_business or span.months for span in spans):
        return
    if worth.days * 86_400 + worth.seconds < window.days * 86_400 + window.seconds:
        message = f"alone it is never chosen: its {valid} are over before collect: {collect} is"
        help_ = f"write valid: {collect} or more"
        context.report("V076", place, message, help_, severity="warning")
