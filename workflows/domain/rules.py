"""What an event changes by itself, before any workflow looks at it."""

from collections.abc import Callable

from workflows.adopted import ADOPTED
from workflows.domain import (
    absorbing,
    contacts,
    earning,
    eligibility,
    erasing,
    firm_owners,
    handovers,
    merging,
    nps,
    operators,
    owners,
    referrals,
    refusing,
    schedules,
    syncing,
    themes,
)
from workflows.people import Found
from workflows.state import Doc
from workflows.steps import (
    asking,
    calling,
    journey_answers,
    journeying,
    sending,
    task_links,
    tasking,
)
from workflows.turn import Turn

Rule = Callable[[Turn, Doc], bool]
"""Applies an event; False where it is refused, parked or too old: nothing else looks at it."""


def apply(turn: Turn, event: Doc) -> bool:
    """Apply an event to contact, case, consent, referral and ledger (LANGUAGE section 8)."""
    if not event.get("fact"):
        if "erased_at" in turn.doc and erasing.refuses(turn, event):
            return False
        contacts.know(turn, event)
    if referrals.is_about_lead(turn, event):
        earning.applied_to_lead(turn, event)  # first: a loss comes before the win that follows it
        applies = referrals.apply_to_lead(turn, event)
        erasing.named_before(turn, event)
        return applies
    referrals.tell_lead(turn, event)
    applies = _apply(turn, event)
    if not event.get("fact"):
        eligibility.heard(turn, event)  # an older answer, which changes nothing else, too
    if applies and ADOPTED not in event:
        earning.applied(turn, event)
    return applies


def _apply(turn: Turn, event: Doc) -> bool:
    rule = _RULES.get(event["type"])
    if rule is not None and (not event.get("fact") or event["type"] in _FROM_FACTS):
        return rule(turn, event)
    if event["type"].startswith("referral."):
        if ADOPTED in event:  # of nobody's: what colleagues do goes on here
            handovers.follow(turn, event)
            return True
        referrals.note(turn, event)
        return not erasing.news_of_lead(turn, event)
    return True


def _customer(turn: Turn, event: Doc) -> bool:
    """Note it; a lead may turn out to have been a customer when it was recommended."""
    contacts.customer(turn, event)
    referrals.known_customer(turn)
    return True


# -- asks and tasks --------------------------------------------------------------------------------


def _answered(turn: Turn, event: Doc) -> bool:
    asking.answer(turn, event)
    return True


def _task(turn: Turn, event: Doc) -> bool:
    """Accept, close, cancel or hand over a task; what `requires` names must be there."""
    data = event["data"]
    task = turn.state.tasks.get(data["task"])
    if task is None:
        return refusing.nothing_to_do(turn, event, "task_closed", "data.task")
    if ADOPTED in task.doc:
        event[ADOPTED] = True  # it starts nothing of the lead's own
    by = str(data.get("by", ""))
    if event["source"] == task_links.BY_LINK and task_links.is_elsewhere(task.doc, by):
        return refusing.nothing_to_do(turn, event, "task_elsewhere", "data.by")
    kind: str = event["type"]
    match kind:
        case "task.accepted":
            tasking.accept(turn, task, by)
        case "task.closed":
            missing = [name for name in task.doc.get("requires", ()) if _lacks(data, name)]
            if missing:
                return refusing.reject(turn, event, "required", missing[0])
            said = {k: v for k, v in data.items() if k not in ("task", "by")}
            tasking.close(turn, task, said, event=event)
        case "task.cancelled":
            tasking.cancel(turn, task, str(data.get("reason", "cancelled")), wake=True, by=by)
        case _:
            tasking.reassign(turn, task, Found(str(data["to"]), "by_hand"), by=by)
    return True


def _lacks(data: Doc, name: str) -> bool:
    """Tell whether nothing was said: a no and a nought are something."""
    return data.get(name) in (None, "", [])


def _message(turn: Turn, event: Doc) -> bool:
    asking.message_outcome(turn, event)
    journeying.message_outcome(turn, event)
    sending.offer_outcome(turn, event)
    return True


_RULES: dict[str, Rule] = (
    {
        "ask.answered": _answered,
        "journey.answered": journey_answers.late,
        "call.attempted": calling.attempted,
        "task.accepted": _task,
        "task.closed": _task,
        "task.cancelled": _task,
        "task.reassigned": _task,
        "message.sent": _message,
        "message.skipped": _message,
        "message.failed": _message,
        "message.reported": contacts.reported,
        "nps.answered": nps.answered,
        "contact.updated": owners.updated,
        "contact.merged": merging.merged,
        merging.ABSORBED: absorbing.absorbed,
        "contact.settled": absorbing.settled,
        "contact.unsubscribed": contacts.unsubscribed,
        "optin.confirmed": contacts.confirmed,
        "consent.imported": contacts.imported,
        "owner.changed": owners.changed,
        firm_owners.TOLD: owners.told,
        firm_owners.ASKED: firm_owners.answer,
        "customer.started": _customer,
        "customer.ended": _customer,
        syncing.SETTLED: syncing.settled,
    }
    | operators.RULES
    | erasing.RULES
    | earning.RULES
    | schedules.RULES
    | referrals.RULES
    | themes.RULES
)

_FROM_FACTS = frozenset(
    {"message.sent", "message.skipped", "message.failed", "call.attempted"}
    | {merging.ABSORBED, "contact.settled", syncing.SETTLED, *erasing.FROM_FACTS}
    | {firm_owners.TOLD, firm_owners.ASKED}
    | {*operators.RULES, *earning.FROM_FACTS, *schedules.RULES, *referrals.FROM_FACTS}
    | themes.FROM_FACTS
)

park_passed = referrals.park_passed
attribution_passed = referrals.attribution_passed
