"""Texts that a name is compared with and never is: `event.data.band == 'promotor'`.

Only names whose values are known beforehand are looked at: what the engine itself gives, what
an event type allows, and what the policies name. Where others may say something as well, such as
a topic that only another tool knows, only what is nearly one of ours is.
"""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

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
    ("moment.held", "reason"): ("cooldown", "open_case", "not_eligible", "no_asks"),
    ("moment.absorbed", "reason"): ("lower_rank", "late"),
}
_REASONS: Mapping[str, tuple[str, ...]] = {
    "message": (
        "stopped", "expired", "already_sent", "no_address", "no_consent", "no_template",
        "open_case", "cooldown", "no_asks", "not_eligible", "capped", "closed", "undeliverable",
    ),
    "referral": (
        "self", "own_firm", "disposable", "velocity", "existing_customer", "open_deal",
        "already_referred", "same_referrer", "erased",
    ),
    "ask": (
        "not_now", "never", "detractor", "case_opened", "unsubscribed", "erased", "merged",
        "not_eligible", "capped", "expired", "open_ask", "no_address", "no_consent", "cooldown",
    ),
}  # fmt: skip
"""Reasons that facts of a family give, by the family; there may be others."""
NEARLY = 0.8
"""How alike two names are, of 1, where one of them is most likely a slip of the other."""
_TOPICS = ("contact.unsubscribed",)
"""Where a contact's topics stand, in conditions about them."""


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


def doubtful_texts(text: str, scope: Scope, policies: Policies) -> Iterator[ExpressionError]:
    """Give the literals of a sound expression that are nearly a value that is known.

    They may be meant, so that they are no mistake for certain: somebody else's tool has topics of
    its own, and an exit is a reason under whatever name it has.
    """
    for compared in texts_in(text):
        known = _likely(compared.path, scope, policies)
        if near := nearest(compared.text, known):
            message = f'"{compared.path}" is hardly ever "{compared.text}"'
            yield ExpressionError(
                message, offset=compared.offset, end=compared.end, hint=f'did you mean "{near}"?'
            )


def nearest(name: str, known: Collection[str]) -> str:
    """Return what a name that is not known is most likely a slip of; '' for one that is known.

    >>> nearest("programe", ["programme", "survey"]), nearest("news", ["programme", "survey"])
    ('programme', '')
    """
    if not name or name in known:
        return ""
    plain = name.casefold().replace("-", "_").replace(" ", "_")
    return next(iter(get_close_matches(plain, known, n=1, cutoff=NEARLY)), "")


def topics_of(policies: Policies) -> list[str]:
    """Return what somebody may say no to: the topics of the classes, and the programme."""
    named = (policy.consent for policy in policies.classes.values() if policy.consent)
    return list(dict.fromkeys(("programme", *named)))


def _likely(path: str, scope: Scope, policies: Policies) -> Collection[str]:
    """Return values that a path often has, where nobody knows all of them."""
    if path in _TOPICS:
        return topics_of(policies)
    root, _, name = path.partition(".data.")
    kinds = scope.labels.get(root, "").split(" and ")
    if kinds == ["contact.unsubscribed"]:
        return {"topic": topics_of(policies), "channel": policies.channels}.get(name, ())
    families = {kind.partition(".")[0] for kind in kinds}
    if name != "reason" or len(families) != 1 or any(kind.startswith("moment.") for kind in kinds):
        return ()
    return _REASONS.get(families.pop(), ())


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
        ("reward", "side"): ("referrer", "referee"),
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
