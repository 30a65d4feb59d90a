"""Where a step stands: its workflow, the steps before it, and what its verb may name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workflows.cel_scope import FieldType, Scope
from workflows.check.context import Context, Place
from workflows.check.words import WordsCheck
from workflows.definition import Step, Workflow
from workflows.expressions import Returns
from workflows.walking import NO_CONTACT, has_contact

PATHS = ("contact", "referral.lead", "referral.referrer")
"""Contact-valued paths: whom a message goes to, whom a task is about."""


@dataclass(frozen=True, slots=True)
class Site:
    """One step under check.

    Attributes:
        ids: The steps before it that can be named.
        scope: What its expressions see.
    """

    context: Context
    workflow: Workflow
    ids: tuple[str, ...]
    scope: Scope
    words: WordsCheck

    def about(self, at: Place, path: str) -> None:
        """Check a contact-valued path; '' is none."""
        if not path:
            return
        if self.context.known("V044", at, "contact", path, PATHS) and path != "contact":
            self.carries(at, path)

    def carries(self, at: Place, path: str) -> None:
        """Report a path through the referral where the runs have none."""
        kinds = self.workflow.trigger.event or ()
        if not self.context.scopes.carries_referral(kinds):
            message = f'"{path}": the runs of this workflow concern no referral'
            help_ = "only runs of events that carry a referral have one"
            self.context.report("V028", at, message, help_)

    def needs_contact(self, at: Place, what: str) -> None:
        """Report what cannot be without a contact where the runs have none."""
        if has_contact(self.workflow):
            return
        kinds = self.workflow.trigger.event or ()
        by = next((kind for kind in kinds if kind in NO_CONTACT), "a schedule without each")
        message = f"{what} needs a contact, and runs of {by} have none"
        self.context.report("V028", at, message, "address a role instead")

    def within(self, at: Place, text: str) -> None:
        """Check a span of waiting; `3m` is three minutes, and seldom what was meant."""
        self.context.span(at, text, long=True)


def steps_of(steps: Sequence[Step], place: Place) -> Iterator[tuple[Step, Place]]:
    """Give every step of a list with its place, each before the steps inside it."""
    for number, step in enumerate(steps):
        at = place / number
        yield step, at
        for arm, branch in enumerate(step.switch or ()):
            yield from steps_of(branch.steps, at / "switch" / arm / "steps")
        for outcome, then in step.then.items():
            yield from steps_of(then, at / "then" / outcome)


def returns_of(kind: FieldType) -> Returns:
    """Return what an expression must give for a field of a type."""
    match kind:
        case "string" | "int" | "bool" | "instant" | "list":
            return kind
        case "items":
            return "list"
        case _:
            return "any"
