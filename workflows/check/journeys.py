"""Journeys and calls: their stages, rewards, words; where a call goes."""

from workflows.check.context import Place
from workflows.check.messages import check_class, check_reminders
from workflows.check.site import Site
from workflows.definition import Call, Journey, Stage
from workflows.steps.journey_state import THANKS_CLASS


def check_journey(site: Site, journey: Journey, at: Place) -> None:
    """Report what is wrong in a journey."""
    context = site.context
    site.needs_contact(at, "a journey")
    check_class(site, at / "class", journey.class_, staff=False)
    context.span(at / "every", journey.every)
    site.within(at / "within", journey.within)
    context.span(at / "hold", journey.hold)
    for number, stage in enumerate(journey.stages):
        _stage(site, stage, at / "stages" / number)
    if journey.thanks:
        site.words.sent(at, journey.thanks, (), site.ids, key="thanks", links="thanks")
        if THANKS_CLASS not in context.policies.classes:
            message = f'the class "{THANKS_CLASS}", which thanks have, is missing in programme.yaml'
            context.report("V042", at / "thanks", message, "add it under classes", key=True)


def _stage(site: Site, stage: Stage, at: Place) -> None:
    if not stage.stage:
        site.context.report("V013", at / "stage", "a stage needs a name", "stage: poll")
    site.words.sent(at, stage.template, (), site.ids, links="journey")
    check_reminders(site, stage.reminders, at / "reminders", links="journey")


def check_call(site: Site, call: Call, at: Place) -> None:
    """Report what is wrong in a call."""
    known = site.context.policies.endpoints
    site.context.known("V047", at / "endpoint", "endpoint", call.endpoint, known)
    for name, text in call.data.items():
        site.context.expression(at / "data" / name, text, site.scope, "any")
