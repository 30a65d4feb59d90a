"""Messages and asks: their class, recipient, words and the time after which they are pointless."""

from workflows.check.context import Place
from workflows.check.people import PATHS as OWNERS
from workflows.check.people import role_for
from workflows.check.policies import BUILT_IN_CLASS, check_channels
from workflows.check.site import PATHS, Site
from workflows.definition import Ask, Reminders, Send


def check_send(site: Site, send: Send, at: Place) -> None:
    """Report what is wrong in a message."""
    told = len(site.context.findings)
    to_role = _recipient(site, at / "to", send.to)
    wrong_recipient = len(site.context.findings) > told
    check_class(site, at / "class", send.class_, staff=to_role)
    site.about(at / "about", send.about)
    check_channels(site.context, at / "by", send.by)
    links = "staff" if send.class_ == BUILT_IN_CLASS else "contact"
    if not wrong_recipient:  # its words name somebody who is not there
        site.words.sent(at, send.template, send.by, site.ids, links=links)
    if send.before:
        _before(site, at / "before", send.before, send.class_, send.by)


def check_ask(site: Site, ask: Ask, at: Place) -> None:
    """Report what is wrong in an ask."""
    context = site.context
    site.needs_contact(at, "an ask")
    kinds = dict.fromkeys(rung.kind for rung in context.policies.asks.ladder)
    context.known("V045", at / "kind", "kind of ask", ask.kind, kinds)
    for name in ("ask", "reminder") if ask.reminders else ("ask",):
        if name not in context.policies.classes:
            message = f'the class "{name}" is missing in programme.yaml'
            context.report("V042", at, message, "add it under classes", key=True)
    check_channels(context, at / "by", ask.by)
    site.words.sent(at, ask.template, ask.by, site.ids, links="ask", refusable=True)
    check_reminders(site, ask.reminders, at / "reminders", refusable=True)
    site.within(at / "within", ask.within)
    if ask.before:
        _before(site, at / "before", ask.before, "ask", ask.by)
    if not ask.within and not (ask.reminders and ask.reminders.send):
        message = "an ask without reminders and without within is never silent"
        context.report("V025", at, message, "add within: 14d", key=True)


def check_reminders(
    site: Site,
    reminders: Reminders | None,
    at: Place,
    *,
    links: str = "ask",
    refusable: bool = False,
) -> None:
    """Report what is wrong in the reminders of an ask or of a stage; an ask is `refusable`."""
    if reminders is None:
        return
    site.context.span(at / "every", reminders.every, long=True)
    for number, touch in enumerate(reminders.send):
        place = at / "send" / number
        check_channels(site.context, place / "by", touch.by)
        site.words.sent(place, touch.template, touch.by, site.ids, links=links, refusable=refusable)


def check_class(site: Site, at: Place, name: str, *, staff: bool) -> None:
    """Report a class that does not exist, or does not fit who gets the message."""
    if staff and name != BUILT_IN_CLASS:
        message = f'a message to a role has class: staff, not "{name}"'
        site.context.report("V042", at, message, "write class: staff")
    elif not staff and name == BUILT_IN_CLASS:
        message = "class: staff is for messages to a role"
        site.context.report("V042", at, message, "name a role in to, or another class")
    elif name != BUILT_IN_CLASS:
        site.context.known("V042", at, "class", name, site.context.policies.classes)
    else:
        site.context.business_days.append(at)


def _before(site: Site, at: Place, text: str, class_: str, by: tuple[str, ...]) -> None:
    """Check an instant after which a message is pointless: something must make it wait."""
    policies = site.context.policies
    site.context.expression(at, text, site.scope, "instant")
    bound = policies.classes.get(class_)
    if bound is None:
        return
    at_night = set(by or policies.channels) <= set(bound.at_night)
    quiet = policies.quiet is not None and not at_night
    if not (bound.leaves or bound.caps or bound.calendar or quiet):
        message = f'before has no effect: nothing makes a message of class "{class_}" wait'
        help_ = "leave it out, or give the class a slot, a calendar or caps"
        site.context.report("V026", at, message, help_, key=True)


def _recipient(site: Site, at: Place, to: str) -> bool:
    """Check who gets a message; return whether it is a role."""
    roles = site.context.policies.roles
    if to == "contact":
        site.needs_contact(at, "a message to contact")
        return False
    if to in PATHS:
        site.carries(at, to)
        return False
    if to not in roles and (to in site.context.policies.staff or to in OWNERS):
        message = f'"{to}" is no recipient: colleagues are written to by their role'
        site.context.report("V044", at, message, role_for(site.context.policies, to))
        return True
    return site.context.known("V044", at, "recipient", to, [*PATHS, *roles]) or "." not in to
