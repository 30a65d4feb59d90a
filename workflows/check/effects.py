"""Tasks, rewards, events of one's own, fields: the values they are given."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import pairwise

from workflows.check.context import Place
from workflows.check.heard import check_types
from workflows.check.people import PATHS as OWNERS
from workflows.check.people import role_for
from workflows.check.sendable import seconds_of
from workflows.check.site import Site, returns_of
from workflows.definition import Credit, Emit, Task
from workflows.folder import template_path


def check_task(site: Site, task: Task, at: Place) -> None:
    """Report what is wrong in a task."""
    context = site.context
    _role(site, at / "to", task.to)
    site.about(at / "about", task.about)
    if not site.words.title(at / "title", task.title, site.ids):
        context.report("V013", at / "title", "a task needs a title", "title: what is to be done")
    context.span(at / "due", task.due)
    for number, level in enumerate(task.levels):
        place = at / "levels" / number
        context.span(place / "after", level.after)
        _role(site, place / "to", level.to)
    _rising(site, task, at / "levels")
    site.within(at / "within", task.within)
    if task.case:
        site.needs_contact(at / "case", "a case")
    if task.done_by is not None:
        place = at / "done_by"
        if check_types(context, context.inner(place, "event"), task.done_by.event):
            beside = context.scopes.beside(site.workflow, task.done_by.event, site.ids)
            context.expression(place / "if", task.done_by.if_, beside)
    if task.script:
        site.words.sent(at, task.script, (), site.ids, key="script", links="staff")
    if task.levels:
        _escalated(site, at / "levels")


def _rising(site: Site, task: Task, at: Place) -> None:
    """Warn of a level that is told before the one above it: all of them count from due."""
    for number, (one, next_) in enumerate(pairwise(task.levels), 1):
        if "b" in one.after + next_.after:
            continue  # office hours are as long as the calendar says
        first, second = seconds_of(one.after), seconds_of(next_.after)
        if first is not None and second is not None and second < first:
            message = "this level is told before the one above it: both count from due"
            help_ = "write the levels in the order in which they are told"
            place = at / number / "after"
            site.context.report("V015", place, message, help_, severity="warning")


def _role(site: Site, at: Place, name: str) -> None:
    """Report what is no role, and how a person or an owner becomes one."""
    context = site.context
    if name not in context.policies.roles and (
        name in context.policies.staff or name in (*OWNERS, "contact")
    ):
        context.report("V044", at, f'"{name}" is no role', role_for(context.policies, name))
    else:
        context.known("V044", at, "role", name, context.policies.roles)


def _escalated(site: Site, at: Place) -> None:
    """Warn where nobody wrote the words that the engine sends at every level."""
    context, name = site.context, "task_escalated"
    written = {key.name for key in context.loaded.templates}
    if name not in written | context.loaded.unread_of("email"):
        message = f'the template "{name}" is missing: nobody is told that the task is late'
        help_ = f"write {template_path(name, context.policies.locales[0], 'email')}"
        context.report("V051", at, message, help_, key=True, severity="warning")


def check_credit(site: Site, credit: Credit, at: Place) -> None:
    """Report what is wrong in a reward."""
    context = site.context
    given = [
        key
        for key, value in (
            ("amount", credit.amount is not None),
            ("draw", credit.draw is not None),
            ("benefit", bool(credit.benefit)),
        )
        if value
    ]
    if len(given) != 1:
        message = "a credit has an amount, a draw or a benefit, one of the three"
        context.report("V020", at, message, "write one, such as amount: 10", key=True)
    if credit.amount is not None and credit.amount <= 0:
        context.report("V015", at / "amount", "an amount is at least 1", "amount: 10")
    if credit.draw is not None and (
        not credit.draw or min(credit.draw) <= 0 or min(credit.draw.values()) <= 0
    ):
        message = "a draw needs amounts and weights of at least 1"
        context.report("V015", at / "draw", message, "draw: {10: 60, 20: 40}", key=True)
    if credit.to != "contact":
        site.about(at / "to", credit.to)
    else:
        site.needs_contact(at, "a credit")
    context.expression(at / "object", credit.object, site.scope, "any")
    context.span(at / "hold", credit.hold)


def check_emit(site: Site, emit: Emit, at: Place) -> None:
    """Report what is wrong in an event that a step makes."""
    context = site.context
    site.needs_contact(at, "emit")
    known = context.catalogue.types
    if emit.event not in known and emit.event in context.scopes.types:
        message = f'"{emit.event}" is a fact: the engine alone makes it'
        help_ = "emit a domain event, or one of your own in events/"
        context.report("V040", at / "event", message, help_)
        return
    if not context.known("V040", at / "event", "event type", emit.event, known):
        return
    check_types(context, at / "event", (emit.event,))
    fields = context.scopes.data(emit.event)
    for name, text in emit.data.items():
        place = at / "data" / name
        if name not in fields and not context.takes_any(emit.event):
            context.unknown("V010", place, f"field of {emit.event}", name, list(fields), key=True)
        context.expression(place, text, site.scope, returns_of(fields.get(name, "dyn")))
    unknown = [name for name in emit.data if name not in fields]
    for name in sorted(context.catalogue.required(emit.event) - set(emit.data)):
        if get_close_matches(name, unknown, n=1):
            continue  # it is there, misspelt
        message = f'{emit.event} needs the field "{name}"'
        context.report("V011", at, message, f"add it under data: {name}: ...", key=True)


def check_set(site: Site, values: Mapping[str, str], at: Place) -> None:
    """Report fields that cannot be set, or not to this."""
    site.needs_contact(at, "set")
    if not values:
        site.context.report(
            "V015", at, "set needs a field and its value", "set: {FIELD: value}", key=True
        )
    own = site.context.policies.fields.contact
    for name, text in values.items():
        place = at / name
        if name not in own:
            _unset(site, place, name, list(own))
        site.context.expression(place, text, site.scope, returns_of(own.get(name, "dyn")))


def _unset(site: Site, at: Place, name: str, own: list[str]) -> None:
    """Report a field that a workflow cannot set: the engine keeps it, or nobody knows it."""
    if name in site.context.scopes.contact:
        message = f'"{name}" is kept by the engine: a workflow cannot set it'
        help_ = "set a field of your own: fields: {contact: {NAME: bool}} in programme.yaml"
        site.context.report("V048", at, message, help_, key=True)
    else:
        site.context.unknown("V048", at, "field of your own contacts", name, own, key=True)
