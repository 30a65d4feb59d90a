"""Work about a lead that goes on at the lead, because whoever recommended it was forgotten.

A run, a task or a fact of the referrer's that the lead's actor took over bears the mark
`ADOPTED`. Its contact is nobody: conditions and words find an empty record with a name to be
read, and what would reach that contact is skipped. What colleagues do about the lead goes on.
"""

from collections.abc import Iterable

from workflows.compiled import CompiledWorkflow
from workflows.nodes import Node
from workflows.state import Doc, Run

ADOPTED = "adopted"
"""The mark of a trigger, a task or an event whose referrer was forgotten."""
ERASED = "erased"
"""Why a step of such a run is skipped that would reach the referrer, or speak in their name."""
FORGOTTEN = "contact.erased"
"""The one fact that starts workflows at somebody forgotten."""
_LEAD = "referral.lead"
_BETWEEN = frozenset({"wait", "wait_for", "switch", "stop"})
"""Steps that do nothing to anybody: they lead from one thing to the next."""
_NOBODY = {
    "nl": "iemand die we niet meer noemen",
    "de": "jemand, der vergessen werden möchte",
    "en": "somebody who asked to be forgotten",
}


def is_adopted(run: Run) -> bool:
    """Tell whether a run is a forgotten referrer's, and lives at the lead it is about."""
    return ADOPTED in run.doc["trigger"]


def nobody(locale: str) -> Doc:
    """Return what is known of a referrer who was forgotten: how to speak of them.

    >>> nobody("en_GB")
    {'id': '', 'name': 'somebody who asked to be forgotten'}
    """
    language = locale.replace("_", "-").partition("-")[0]
    return {"id": "", "name": _NOBODY.get(language, _NOBODY["en"])}


def referral_of(lead: Doc, referral: Doc) -> Doc:
    """Return a referral of nobody's, as the lead that it is about knows it now."""
    if referral["lead"].get("id") not in {lead.get("id"), *lead.get("aliases", ())}:
        return referral  # the lead has not taken it over yet
    known = lead.get("referred", {}).get("line", {}).get(referral["id"], {})
    told = {name: value for name, value in known.items() if name not in ("lead", "referrer")}
    met = {name: lead[name] for name in referral["lead"] if name != "account" and name in lead}
    return {**referral, **told, "code": "", "lead": {**referral["lead"], **met}}


def is_for_lead(node: Node) -> bool:
    """Tell whether a step is a task about a lead, or one that news of a referral closes."""
    task = node.step.task
    if task is None:
        return False
    doing = task.done_by.event if task.done_by else ()
    return task.about == _LEAD or any(kind.startswith("referral.") for kind in doing)


def allows(node: Node) -> bool:
    """Tell whether a step is taken though the run's contact was forgotten.

    What colleagues do about the lead, what they are told, and what leads there. Nothing leaves
    for the referrer or in their name, not for the lead either, and nobody earns by it.
    """
    send = node.step.send
    return node.verb in _BETWEEN or is_for_lead(node) or bool(send and send.class_ == "staff")


def of_leads(workflows: Iterable[CompiledWorkflow], event: Doc) -> tuple[CompiledWorkflow, ...]:
    """Return the workflows that go on without a referrer: those with a task about the lead."""
    if not event["type"].startswith("referral."):
        return ()
    return tuple(each for each in workflows if any(map(is_for_lead, each.nodes.values())))
