"""Journeys and calls: their stages, rewards, words; where a call goes."""

from workflows.check.context import Place
from workflows.check.messages import check_class, check_reminders
from workflows.check.site import Site
from workflows.definition import Call, Journey, Stage
from workflows.steps.journeying import THANKS_CLASS


def check_journey(site: Site, journey: Journey, at: Place) -> None:
    """Report what is wrong in a journey."""
    context = site.context
    site.needs_contact(at, "a journey")
    check_class(site, at / "class", journey.class_, staff=False)
    context.span(at / "every", journey.every)
    site.within(at / "within", journey.within)
    context.span(at / "hold", journey.hold)
    seen: set[str] = set()
    for number, stage in enumerate(journey.stages):
        place = at / "stages" / number
        if stage.stage in seen:
            message = f'the stage "{stage.stage}" is in this journey twice'
            context.report("V018", place / "stage", message, "choose another name")
        seen.add(stage.stage)
        _stage(site, stage, place)
    if journey.thanks:
        site.words.sent(at, journey.thanks, (), site.ids, key="thanks", links="thanks")
        if THANKS_CLASS not in context.policies.classes:
            message = f'the class "{THANKS_CLASS}", which thanks have, is missing in programme.yaml'
            context.report("V042", at / "thanks", message, "add it under classes", key=True)


def _stage(site: Site, stage: Stage, at: Place) -> None:
    context = site.context
    if not stage.stage:
        context.report("V013", at / "stage", "a stage needs a name")
    if stage.amount is not None and stage.draw is not None:
        message = "a stage has an amount or a draw, not both"
        context.report("V020", at / "draw", message, key=True)
    check_amounts(site, stage.amount, stage.draw, at)
    site.words.sent(at, stage.template, (), site.ids, links="journey")
    check_reminders(site, stage.reminders, at / "reminders", links="journey")


def check_amounts(site: Site, amount: int | None, draw: dict[int, int] | None, at: Place) -> None:
    """Report an amount or a draw that nobody could earn."""
    if amount is not None and amount <= 0:
        site.context.report("V015", at / "amount", "an amount is at least 1")
    if draw is not None and (not draw or min(draw) <= 0 or min(draw.values()) <= 0):
        message = "a draw needs amounts and weights of at least 1"
        site.context.report("V015", at / "draw", message, "draw: {10: 60, 20: 40}", key=True)


def check_call(site: Site, call: Call, at: Place) -> None:
    """Report what is wrong in a call."""
    known = site.context.policies.endpoints
    site.context.known("V047", at / "endpoint", "endpoint", call.endpoint, known)
    for name, text in call.data.items():
        site.context.expression(at / "data" / name, text, site.scope, "any")
