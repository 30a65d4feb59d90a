"""What is wrong in a step's verb: the names it uses and the values it is given."""

from collections.abc import Mapping

from workflows.cel_scope import FieldType
from workflows.check.context import Context, Place
from workflows.check.heard import check_types
from workflows.check.policies import BUILT_IN_CLASS, check_channels, check_time
from workflows.check.words import WordsCheck
from workflows.definition import (
    Ask,
    Credit,
    Emit,
    Reminders,
    Send,
    Step,
    Task,
    Wait,
    WaitFor,
    Workflow,
)
from workflows.expressions import Returns
from workflows.scopes import NO_CONTACT, has_contact

PATHS = ("contact", "referral.lead", "referral.referrer")
"""Contact-valued paths: whom a message goes to, whom a task is about."""

_SHORT_MINUTES_MAX = 9
_RETURNS: Mapping[str, Returns] = {
    "string": "string",
    "int": "int",
    "bool": "bool",
    "instant": "instant",
    "list": "list",
}


class VerbsCheck:
    """Checks what stands under the verb of each step of one workflow."""

    def __init__(self, context: Context, workflow: Workflow) -> None:
        self.context = context
        self.workflow = workflow
        self.words = WordsCheck(context, workflow)
        self.referral = context.scopes.carries_referral(workflow.trigger.event or ())

    def check(self, step: Step, verb: str, place: Place, ids: tuple[str, ...]) -> None:
        """Report everything wrong under the verb; `ids` are the steps before this one."""
        at = place / verb
        self.ids = ids
        self.scope = self.context.scopes.step(self.workflow, ids)
        match verb:
            case "send" if step.send is not None:
                self.send(step.send, at)
            case "ask" if step.ask is not None:
                self.ask(step.ask, at)
            case "task" if step.task is not None:
                self.task(step.task, at)
            case "wait" if step.wait is not None:
                self.wait(step.wait, at)
            case "wait_for" if step.wait_for is not None:
                self.wait_for(step.wait_for, at)
            case "credit" if step.credit is not None:
                self.credit(step.credit, at)
            case "emit" if step.emit is not None:
                self.emit(step.emit, at)
            case "set":
                self.set(step.set or {}, at)
            case "stop" if not step.stop:
                self.context.report("V013", at, "a run ends under a name", "stop: NAME", key=True)
            case "journey" if step.journey is not None:
                self.message_class(at / "class", step.journey.class_, staff=False)
                for number, stage in enumerate(step.journey.stages):
                    self.words.sent(at / "stages" / number, stage.template, (), ids)
                    self.reminders(stage.reminders, at / "stages" / number / "reminders")
                if step.journey.thanks:
                    self.words.sent(at, step.journey.thanks, (), ids, key="thanks")
                for key in ("every", "within", "hold"):
                    self.context.span(at / key, getattr(step.journey, key))
            case "call" if step.call is not None:
                known = self.context.policies.endpoints
                self.context.known("V047", at / "endpoint", "endpoint", step.call.endpoint, known)
                for name, text in step.call.data.items():
                    self.context.expression(at / "data" / name, text, self.scope, "any")

    # -- messages ------------------------------------------------------------------------

    def send(self, send: Send, at: Place) -> None:
        to_role = self.recipient(at / "to", send.to)
        self.message_class(at / "class", send.class_, staff=to_role)
        self.about(at / "about", send.about)
        check_channels(self.context, at / "by", send.by)
        staff = send.class_ == BUILT_IN_CLASS
        self.words.sent(at, send.template, send.by, self.ids, staff=staff)
        if send.before:
            self.before(at / "before", send.before, send.class_, send.by)

    def ask(self, ask: Ask, at: Place) -> None:
        context = self.context
        self.needs_contact(at, "an ask")
        kinds = [rung.kind for rung in context.policies.asks.ladder]
        context.known("V045", at / "kind", "kind of ask", ask.kind, kinds)
        for name in ("ask", "reminder") if ask.reminders else ("ask",):
            if name not in context.policies.classes:
                message = f'the class "{name}" is missing in programme.yaml'
                context.report("V042", at, message, "add it under classes", key=True)
        check_channels(context, at / "by", ask.by)
        self.words.sent(at, ask.template, ask.by, self.ids)
        self.reminders(ask.reminders, at / "reminders")
        self.within(at / "within", ask.within)
        if ask.before:
            self.before(at / "before", ask.before, "ask", ask.by)
        if not ask.within and not (ask.reminders and ask.reminders.send):
            message = "an ask without reminders and without within is never silent"
            context.report("V025", at, message, "add within: 14d", key=True)

    def reminders(self, reminders: Reminders | None, at: Place) -> None:
        if reminders is None:
            return
        self.context.span(at / "every", reminders.every)
        for number, touch in enumerate(reminders.send):
            place = at / "send" / number
            check_channels(self.context, place / "by", touch.by)
            self.words.sent(place, touch.template, touch.by, self.ids)

    def message_class(self, at: Place, name: str, *, staff: bool) -> None:
        if staff and name != BUILT_IN_CLASS:
            message = f'a message to a role has class: staff, not "{name}"'
            self.context.report("V042", at, message, "write class: staff")
        elif not staff and name == BUILT_IN_CLASS:
            message = "class: staff is for messages to a role"
            self.context.report("V042", at, message, "name a role in to, or another class")
        elif name != BUILT_IN_CLASS:
            self.context.known("V042", at, "class", name, self.context.policies.classes)
        else:
            self.context.business_days.append(at)

    def before(self, at: Place, text: str, class_: str, by: tuple[str, ...]) -> None:
        """Check an instant after which a message is pointless: something must make it wait."""
        policies = self.context.policies
        self.context.expression(at, text, self.scope, "instant")
        bound = policies.classes.get(class_)
        if bound is None:
            return
        at_night = set(by or policies.channels) <= set(bound.at_night)
        quiet = policies.quiet is not None and not at_night
        if not (bound.leaves or bound.caps or bound.calendar or quiet):
            message = f'before has no effect: nothing makes a message of class "{class_}" wait'
            help_ = "leave it out, or give the class a slot, a calendar or caps"
            self.context.report("V026", at, message, help_, key=True)

    def recipient(self, at: Place, to: str) -> bool:
        """Check who gets a message; return whether it is a role."""
        roles = self.context.policies.roles
        if to == "contact":
            self.needs_contact(at, "a message to contact")
            return False
        if to in PATHS:
            self.carries(at, to)
            return False
        return self.context.known("V044", at, "recipient", to, [*PATHS, *roles]) or "." not in to

    # -- tasks ---------------------------------------------------------------------------

    def task(self, task: Task, at: Place) -> None:
        context, roles = self.context, self.context.policies.roles
        context.known("V044", at / "to", "role", task.to, roles)
        self.about(at / "about", task.about)
        if not self.words.title(at / "title", task.title, self.ids):
            context.report("V013", at / "title", "a task needs a title")
        context.span(at / "due", task.due)
        for number, level in enumerate(task.levels):
            place = at / "levels" / number
            context.span(place / "after", level.after)
            context.known("V044", place / "to", "role", level.to, roles)
        self.within(at / "within", task.within)
        if task.case:
            self.needs_contact(at / "case", "a case")
        if task.done_by is not None:
            place = at / "done_by"
            if check_types(context, context.inner(place, "event"), task.done_by.event):
                beside = context.scopes.beside(self.workflow, task.done_by.event, self.ids)
                context.expression(place / "if", task.done_by.if_, beside)
        if task.script:
            self.words.sent(at, task.script, (), self.ids, key="script", staff=True)

    def about(self, at: Place, about: str) -> None:
        if not about:
            return
        if self.context.known("V044", at, "contact", about, PATHS) and about != "contact":
            self.carries(at, about)

    def carries(self, at: Place, path: str) -> None:
        if not self.referral:
            message = f'"{path}": the runs of this workflow concern no referral'
            help_ = "only runs of events that carry a referral have one"
            self.context.report("V028", at, message, help_)

    def needs_contact(self, at: Place, what: str) -> None:
        if not has_contact(self.workflow):
            cause = next((k for k in self.workflow.trigger.event or () if k in NO_CONTACT), "")
            by = cause or "a schedule without each"
            message = f"{what} needs a contact, and runs of {by} have none"
            self.context.report("V028", at, message, "address a role instead")

    # -- time ----------------------------------------------------------------------------

    def wait(self, wait: Wait, at: Place) -> None:
        if not (wait.for_ or wait.from_ or wait.at):
            message = "a wait needs a span, an instant or a time of day"
            self.context.report("V025", at, message, "wait: 3d", key=True)
        self.within(self.context.inner(at, "for"), wait.for_)
        self.context.expression(at / "from", wait.from_, self.scope, "any")
        if wait.at and wait.at != "slot":
            check_time(self.context, at / "at", wait.at)

    def wait_for(self, wait: WaitFor, at: Place) -> None:
        context = self.context
        self.within(at / "within", wait.within)
        if check_types(context, at / "event", wait.event):
            beside = context.scopes.beside(self.workflow, wait.event, self.ids)
            context.expression(at / "if", wait.if_, beside)
            context.expression(at / "distinct", wait.distinct, beside, "any")
        if not wait.within and not self.workflow.exit:
            message = "if the event never comes, this waits for ever: no within, no exit"
            context.report("V070", at, message, "add within", key=True, severity="warning")

    def within(self, at: Place, text: str) -> None:
        """Check a span of waiting; `3m` is three minutes, and seldom what was meant."""
        span = self.context.span(at, text)
        if span is None or span.is_business or span.months or span.days:
            return
        if 0 < span.seconds <= _SHORT_MINUTES_MAX * 60 and text.endswith("m"):
            message = f'"{text}" is {span.seconds // 60} minutes'
            help_ = f"months are {text}o"
            self.context.report("V073", at, message, help_, severity="warning")

    # -- effects -------------------------------------------------------------------------

    def credit(self, credit: Credit, at: Place) -> None:
        context = self.context
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
            context.report("V020", at, message, key=True)
        if credit.amount is not None and credit.amount <= 0:
            context.report("V015", at / "amount", "an amount is at least 1")
        if credit.draw is not None and (
            not credit.draw or min(credit.draw) <= 0 or min(credit.draw.values()) <= 0
        ):
            message = "a draw needs amounts and weights of at least 1"
            context.report("V015", at / "draw", message, "draw: {10: 60, 20: 40}", key=True)
        if credit.to != "contact":
            self.about(at / "to", credit.to)
        else:
            self.needs_contact(at, "a credit")
        context.expression(at / "object", credit.object, self.scope, "any")
        context.span(at / "hold", credit.hold)

    def emit(self, emit: Emit, at: Place) -> None:
        context = self.context
        self.needs_contact(at, "emit")
        known = context.catalogue.types
        if not context.known("V040", at / "event", "event type", emit.event, known):
            return
        check_types(context, at / "event", (emit.event,))
        fields = context.scopes.data(emit.event)
        for name, text in emit.data.items():
            place = at / "data" / name
            open_ = context.catalogue.is_open(emit.event)
            if name not in fields and not open_:
                context.unknown(
                    "V010", place, f"field of {emit.event}", name, list(fields), key=True
                )
            context.expression(place, text, self.scope, returns_of(fields.get(name, "dyn")))
        for name in sorted(context.catalogue.required(emit.event) - set(emit.data)):
            message = f'{emit.event} needs the field "{name}"'
            context.report("V011", at, message, f"add it under data: {name}: ...", key=True)

    def set(self, values: Mapping[str, str], at: Place) -> None:
        self.needs_contact(at, "set")
        own = self.context.policies.fields.contact
        for name, text in values.items():
            place = at / name
            if name not in own:
                self.context.unknown(
                    "V048", place, "field of your own contacts", name, list(own), key=True
                )
            self.context.expression(place, text, self.scope, returns_of(own.get(name, "dyn")))


def returns_of(kind: FieldType) -> Returns:
    """Return what an expression must give for a field of a type."""
    return _RETURNS.get(kind, "any") if isinstance(kind, str) else "any"


def check_office(context: Context) -> None:
    """Report that business time is used without the calendar it counts on."""
    if context.business_days and not context.policies.calendars:
        place = context.business_days[0]
        message = 'this counts on the calendar "office", which is missing in programme.yaml'
        help_ = 'calendars: {office: {days: [mon, tue, wed, thu, fri], hours: ["09:00", "17:00"]}}'
        context.report("V049", place, message, help_)
