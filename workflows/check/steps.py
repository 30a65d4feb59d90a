"""What is wrong in the steps of a workflow: verbs, names, order, outcomes, conditions."""

import re
from collections.abc import Sequence

from workflows.check.context import NOT_NAMES, Context, Place
from workflows.check.reach import check_branches, check_order
from workflows.check.site import Site
from workflows.check.values import OUTCOMES, outcomes_of
from workflows.check.verbs import check_verb
from workflows.check.words import WordsCheck
from workflows.definition import DEPTH_MAX, STEPS_MAX, VERBS, Step, Workflow
from workflows.walking import walk

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class StepsCheck:
    """Goes through a workflow's steps in the order in which they stand."""

    def __init__(self, context: Context, workflow: Workflow, place: Place) -> None:
        self.context = context
        self.workflow = workflow
        self.place = place
        self.words = WordsCheck(context, workflow)
        self.ids: list[str] = []
        self.places: dict[str, Place] = {}

    def check(self) -> None:
        """Report everything wrong in the steps."""
        self.context.outcomes = outcomes_of(self.workflow)
        count = sum(1 for _ in walk(self.workflow.steps))
        if count > STEPS_MAX:
            message = f"{count} steps; a workflow has at most {STEPS_MAX}"
            self.context.report(
                "V015", self.place / "steps", message, "make two workflows of it", key=True
            )
        self.steps(self.workflow.steps, self.place / "steps", 1)

    def steps(self, steps: Sequence[Step], place: Place, depth: int) -> None:
        """Check a list of steps; the workflow's own list has depth 1."""
        if depth > DEPTH_MAX:
            message = f"steps are nested {depth} deep; at most {DEPTH_MAX} are allowed"
            self.context.report("V015", place, message, "make it two workflows", key=True)
            return
        for number, step in enumerate(steps):
            self.step(step, place / number, depth)
        check_order(self.context, steps, place)

    def step(self, step: Step, place: Place, depth: int) -> None:
        """Check one step and what is inside it."""
        verb = self._verb(step, place)
        scope = self.context.scopes.step(self.workflow, self.ids)
        self.context.expression(place / "if", step.if_, scope)
        if verb:
            site = Site(self.context, self.workflow, tuple(self.ids), scope, self.words)
            check_verb(site, verb, getattr(step, verb), place / verb)
            self._then(step, verb, place)
        self._id(step, place)
        check_branches(self.context, step, place / "switch")
        for number, branch in enumerate(step.switch or ()):
            at = place / "switch" / number
            self.context.expression(at / "if", branch.if_, scope)
            self.steps(branch.steps, at / "steps", depth + 1)
        for outcome, then in step.then.items():
            self.steps(then, place / "then" / outcome, depth + 1)

    def _verb(self, step: Step, place: Place) -> str:
        verbs = [verb for verb in VERBS if getattr(step, verb) is not None]
        if len(verbs) == 1:
            return verbs[0]
        document, loc = self.context.where(place)
        node, _ = document.node(loc)
        empty = next((verb for verb in VERBS if node and verb in node.keys), "")
        if not verbs and empty:
            message = f"{empty} has nothing in it"
            help_ = f"write its keys below it, indented further than {empty}:"
            self.context.report("V013", place / empty, message, help_, key=True)
            return ""
        if not verbs:
            message, help_ = "this step has no verb", f"one of {', '.join(VERBS)}"
            self.context.report("V019", place, message, help_)
            return ""
        message = f"a step has exactly one verb, this one has {' and '.join(verbs)}"
        self.context.report(
            "V019", place / verbs[1], message, "make it a step of its own", key=True
        )
        return ""

    def _id(self, step: Step, place: Place) -> None:
        if not step.id:
            return
        if not _ID.match(step.id) or step.id in NOT_NAMES:
            help_ = f"write step_{re.sub(r'[^A-Za-z0-9_]', '_', step.id)}"
            message = f'"{step.id}" is no id: conditions name it'
            self.context.report("V021", place / "id", message, help_)
        elif step.id in self.places:
            document, loc = self.context.where(self.places[step.id])
            line = document.position(loc).line
            message = f'the id "{step.id}" is taken: line {line} has it'
            self.context.report("V021", place / "id", message, "choose another")
        else:
            self.places[step.id] = place / "id"
            self.ids.append(step.id)

    def _then(self, step: Step, verb: str, place: Place) -> None:
        outcomes = [*OUTCOMES.get(verb, ()), "failed"]
        if step.wait_for is not None:
            outcomes = [*step.wait_for.event, "timeout", "failed"]
        if step.if_:
            outcomes.append("skipped")
        within = step.wait_for.within if step.wait_for else step.task.within if step.task else "-"
        for outcome in step.then:
            at = place / "then" / outcome
            if outcome not in outcomes:
                what = f"outcome of {verb}"
                if outcomes == ["failed"]:
                    message = f"{verb} has no outcome but failed"
                    help_ = "put these steps behind it in the list"
                    self.context.report("V022", at, message, help_, key=True)
                    continue
                self.context.unknown("V022", at, what, outcome, outcomes, key=True)
            elif outcome == "timeout" and not within:
                message = f"this {verb} never has the outcome timeout: it has no within"
                self.context.report("V022", at, message, "add within", key=True)
