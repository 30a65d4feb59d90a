"""Texts that a name is compared with and never is: `event.data.band == 'promotor'`.

Only names whose values are known beforehand are looked at: what the engine itself gives, what
an event type allows, and what the policies name.
"""

from collections.abc import Collection, Mapping

from events.errors import did_you_mean
from workflows.cel_literals import Compared
from workflows.cel_scope import ExpressionError, Scope
from workflows.definition import Workflow
from workflows.expressions import texts_in
from workflows.fields import ANSWERS
from workflows.policies import Policies
from workflows.walking import walk

BANDS = ("promoter", "passive", "detractor")
VERDICTS = ("accepted", "review", "held", "rejected", "not_eligible", "duplicate")
STAGES = ("submitted", "accepted", "contacted", "qualified", "won", "lost", "expired")
OUTCOMES: dict[str, tuple[str, ...]] = {
    "send": ("sent", "skipped"),
    "ask": ("answered", "declined", "silent", "withdrawn", "skipped"),
    "task": ("done", "timeout", "cancelled"),
    "journey": ("finished", "paused"),
    "credit": ("posted", "skipped"),
    "call": ("done",),
}
"""What may become of a step, by verb; every one may also have `failed`."""

_DATA: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("nps.answered", "band"): BANDS,
    ("nps.answered", "previous_band"): BANDS,
    ("ask.answered", "answer"): ANSWERS,
}


def wrong_texts(
    text: str, scope: Scope, policies: Policies, outcomes: Mapping[str, Collection[str]]
) -> list[ExpressionError]:
    """Return the literals of a sound expression that what they are compared with never is.

    Args:
        text: the expression.
        scope: the names it sees.
        policies: the programme's, which name levels, kinds of ask and more.
        outcomes: of each step of the workflow that has an id, what may become of it.
    """
    found: list[ExpressionError] = []
    for compared in texts_in(text):
        known = _known(compared, scope, policies, outcomes)
        if known and compared.text and compared.text not in known:
            message = f'"{compared.path}" is never "{compared.text}"'
            hint = did_you_mean(compared.text, known)
            found.append(
                ExpressionError(message, offset=compared.offset, end=compared.end, hint=hint)
            )
    return found


def _known(
    compared: Compared,
    scope: Scope,
    policies: Policies,
    outcomes: Mapping[str, Collection[str]],
) -> Collection[str]:
    """Return every value that a path can have beside ''; nothing where that is not known."""
    root, _, rest = compared.path.partition(".")
    kinds = scope.labels.get(root, "").split(" and ")
    if root in ("event", "trigger") and rest == "type":
        return kinds if kinds != [""] else ()
    if root in ("event", "trigger") and rest.startswith("data."):
        every = [_of_field(kind, rest.removeprefix("data."), policies) for kind in kinds]
        return {value for values in every for value in values} if all(every) else ()
    if root == "steps" and rest.endswith(".outcome"):
        return outcomes.get(rest.removesuffix(".outcome"), ())
    return _of_state(compared.path, policies)


def _of_field(kind: str, name: str, policies: Policies) -> Collection[str]:
    """Return every value of a field of an event's data, where the programme names them all."""
    if (kind, name) in _DATA:
        return _DATA[kind, name]
    kinds = [rung.kind for rung in policies.asks.ladder]
    levels = list(policies.tiers.levels) if policies.tiers else []
    named: Mapping[tuple[str, str], Collection[str]] = {
        ("ask", "kind"): kinds,
        ("moment", "kind"): kinds,
        ("message", "class"): [*policies.classes, "staff"],
        ("tier", "tier"): levels,
        ("tier", "from_tier"): levels,
        ("tier", "to_tier"): levels,
        ("theme", "theme"): list(policies.themes.words) if policies.themes else [],
        ("contest", "contest"): list(policies.contests),
    }
    return named.get((kind.partition(".")[0], name), ())


def _of_state(path: str, policies: Policies) -> Collection[str]:
    match path:
        case "contact.nps.band":
            return (*BANDS, "none")
        case "contact.tier":
            return list(policies.tiers.levels) if policies.tiers else ()
        case "referral.verdict":
            return VERDICTS
        case "referral.stage":
            return STAGES
        case _:
            return ()


def outcomes_of(workflow: Workflow) -> dict[str, tuple[str, ...]]:
    """Return what may become of each step that has an id."""
    found: dict[str, tuple[str, ...]] = {}
    for step in walk(workflow.steps):
        if step.id:
            outcomes = [*OUTCOMES.get(step.verb, ()), "failed", "skipped"]
            if step.wait_for is not None:
                outcomes = [*step.wait_for.event, "timeout", "failed", "skipped"]
            found[step.id] = tuple(outcomes)
    return found
