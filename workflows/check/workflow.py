"""What is wrong in a workflow before its steps: name, trigger, run, exits."""

from events.errors import did_you_mean
from events.facts import NOT_TRIGGERS
from workflows.check.context import Context, Place
from workflows.check.heard import check_types
from workflows.check.reach import check_exits
from workflows.check.schedules import check_cron
from workflows.check.steps import StepsCheck
from workflows.definition import Trigger, Workflow
from workflows.walking import walk


def check_workflow(context: Context, name: str, workflow: Workflow) -> None:
    """Report everything wrong in one workflow; `name` is its file's."""
    place = Place(f"workflows/{name}.yaml")
    if workflow.workflow != name:
        message = f'the workflow is named "{workflow.workflow}" and its file "{name}"'
        context.report("V018", place / "workflow", message, f"write workflow: {name}")
    _trigger(context, place / "trigger", workflow.trigger)
    _run(context, place / "run", workflow)
    for number, exit_ in enumerate(workflow.exit):
        at = place / "exit" / number
        if not exit_.as_.strip():
            context.report("V013", at / "as", "a run ends under a name", "as: NAME", key=True)
        if check_types(context, at / "event", exit_.event):
            context.expression(at / "if", exit_.if_, context.scopes.exit(workflow, exit_.event))
    check_exits(context, workflow, place / "exit")
    StepsCheck(context, workflow, place).check()
    _unheard(context, place, workflow)


def _trigger(context: Context, place: Place, trigger: Trigger) -> None:
    if (trigger.event is None) == (not trigger.schedule):
        message = "a trigger has an event or a schedule, one of the two"
        context.report("V020", place, message, "leave one of them out, or add one", key=True)
    if trigger.schedule:
        check_cron(context, place / "schedule", trigger.schedule)
        if not trigger.event:
            context.expression(place / "if", trigger.if_, context.scopes.starting(trigger))
    elif trigger.each:
        help_ = "leave it out: an event has its contact"
        context.report("V020", place / "each", "each belongs to a schedule", help_, key=True)
    if trigger.event and check_types(context, place / "event", trigger.event):
        context.expression(place / "if", trigger.if_, context.scopes.trigger(trigger.event))
    if "seen(" in trigger.if_:
        message = "seen() finds nothing here: the run has not begun"
        help_ = "count in the if of a step, or with times: of a wait_for"
        context.report("V076", place / "if", message, help_, severity="warning")


def _run(context: Context, place: Place, workflow: Workflow) -> None:
    run = workflow.run
    context.span(place / "cooldown", run.cooldown)
    if run.cooldown and run.again == "once":
        message = "a cooldown has no effect: again: once never starts a second run"
        context.report("V027", place / "cooldown", message, "leave one of them out", key=True)
    if run.per in ("contact", "account"):
        return
    for kind in workflow.trigger.event or ():
        fields = context.scopes.data(kind)
        if kind in NOT_TRIGGERS:
            return  # told already
        if fields and run.per not in fields:
            help_ = did_you_mean(run.per, {*fields, "contact", "account"})
            message = f'"{run.per}" is not a field of {kind}, which starts this workflow'
            context.report("V029", place / "per", message, help_)
            return
    if not workflow.trigger.event:
        message = f'a schedule has no field "{run.per}"'
        context.report("V029", place / "per", message, "known: contact, account")


def _unheard(context: Context, place: Place, workflow: Workflow) -> None:
    """Warn of a second answer that goes unheard while the first one's run waits."""
    run = workflow.run
    if run.per != "contact" or run.again != "ignore" or not workflow.trigger.event:
        return
    after_task = False
    for step in walk(workflow.steps):
        waits = step.wait is not None or step.wait_for is not None
        if after_task and waits:
            message = "while a run waits here, a second event of the contact starts nothing"
            help_ = "name a field of the event in per, or write again: restart"
            where = place / "trigger"
            context.report("V071", where, message, help_, key=True, severity="warning")
            return
        after_task = after_task or step.task is not None


def check_alike(context: Context, workflows: dict[str, Workflow]) -> None:
    """Warn of workflows that an event starts together, and that send messages of one class.

    Each is told of the first like it by name: of a hundred copies ninety-nine are too many.
    """
    first: dict[tuple[str, ...], str] = {}
    for name, workflow in sorted(workflows.items()):
        condition = " ".join(workflow.trigger.if_.split())
        keys = [
            (kind, class_, condition)
            for kind in sorted(set(workflow.trigger.event or ()))
            for class_ in sorted(_classes(workflow))
        ]
        like = next((key for key in keys if key in first), None)
        if like is not None:
            kind, class_, _ = like
            message = (
                f'"{first[like]}" starts on {kind} as well and also sends '
                f"messages of class {class_}"
            )
            place = Place(f"workflows/{name}.yaml") / "trigger"
            help_ = "tell them apart by if, or make one workflow of the two"
            context.report("V072", place, message, help_, key=True, severity="warning")
        for key in keys:
            first.setdefault(key, name)


def _classes(workflow: Workflow) -> set[str]:
    steps = list(walk(workflow.steps))
    sent = {step.send.class_ for step in steps if step.send is not None}
    asks = {"ask" for step in steps if step.ask is not None}
    return (sent | asks) - {"staff"}
