"""Events that nothing in a programme ever makes, so that what listens for them hears nothing."""

from collections.abc import Callable, Iterator, Mapping

from events.catalogue import Catalogue
from workflows.check.context import Context, Place
from workflows.check.heard import each_of
from workflows.check.site import steps_of
from workflows.definition import Workflow
from workflows.policies import Policies
from workflows.walking import walk

_BY_POLICY: Mapping[str, tuple[str, Callable[[Policies], bool]]] = {
    "moment": ("moments", lambda policies: policies.moments is not None),
    "tier": ("tiers", lambda policies: policies.tiers is not None),
    "contest": ("contests", lambda policies: bool(policies.contests)),
    "gift": ("contests", lambda policies: any(c.gifts for c in policies.contests.values())),
    "theme": ("themes", lambda policies: policies.themes is not None),
    "sync": ("sync", lambda policies: bool(policies.sync)),
}
_BY_VERB: Mapping[str, tuple[str, ...]] = {
    "journey": ("journey",),
    "call": ("call",),
    "ask": ("ask",),
    "message": ("send", "ask", "task", "journey"),
}


def check_happening(context: Context, workflows: Mapping[str, Workflow]) -> None:
    """Warn of triggers, exits and waits on facts that this programme never makes."""
    loaded = context.loaded
    verbs = {step.verb for flow in loaded.workflows.values() for step in walk(flow.steps)}
    never: dict[str, str] = {}
    for kind in context.scopes.types:
        family = kind.partition(".")[0]
        if loaded.unread_of("workflow") and family in _BY_VERB:
            continue  # who knows what it does
        if not _comes_from_outside(context.catalogue, kind):
            needs = _missing(family, context.policies, verbs)
            if needs:
                never[kind] = needs
    if never:
        for name, flow in workflows.items():
            for place, kind in _heard(context, Place(f"workflows/{name}.yaml"), flow):
                if kind in never:
                    message = f'"{kind}" never happens: this programme has no {never[kind]}'
                    help_ = "add it, or name what does happen"
                    context.report("V075", place, message, help_, severity="warning")


def _comes_from_outside(catalogue: Catalogue, kind: str) -> bool:
    return kind in catalogue.types


def _missing(family: str, policies: Policies, verbs: set[str]) -> str:
    """Return what a programme would need for a family of facts; '' if it has it."""
    section, has = _BY_POLICY.get(family, ("", None))
    if has is not None and not has(policies):
        return f"{section} in programme.yaml"
    wanted = _BY_VERB.get(family, ())
    return f"step with {wanted[0]}" if wanted and not verbs & set(wanted) else ""


def _heard(context: Context, base: Place, flow: Workflow) -> Iterator[tuple[Place, str]]:
    """Give every event type that a workflow listens for, with its place."""
    listened = [(base / "trigger" / "event", flow.trigger.event or ())]
    listened += [(base / "exit" / n / "event", exit_.event) for n, exit_ in enumerate(flow.exit)]
    for step, place in steps_of(flow.steps, base / "steps"):
        if step.wait_for is not None:
            listened.append((place / "wait_for" / "event", step.wait_for.event))
    for at, kinds in listened:
        yield from each_of(context, at, kinds)
