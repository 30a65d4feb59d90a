"""Facts in sentences, for people who ask what happened and why."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Fact = Mapping[str, Any]

_EVENT_FIELD = re.compile(r"\bevent\.data\.(\w+(?:\.\w+)*)")


def when(at: datetime | str, zone: ZoneInfo) -> str:
    """Return an instant as a calendar and a clock on the wall show it.

    >>> when("2027-02-11T15:50:00Z", ZoneInfo("Europe/Amsterdam"))
    'Thu 11 Feb 2027 16:50'
    """
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"


def sentence(fact: Fact, zone: ZoneInfo) -> str:
    """Return one fact as a sentence; one we have no words for as its name and fields."""
    words = _SENTENCES.get(fact["fact"])
    data = {**fact, **fact.get("data", {})}
    for name in ("due", "planned", "cooling_until", "held_until", "free_at"):
        if data.get(name):
            data[name] = when(data[name], zone)
    if words is not None:
        try:
            return words(_Blank(data))
        except (KeyError, TypeError, ValueError):
            pass  # an older fact with fewer fields: its name says enough
    fields = ", ".join(f"{name} {value}" for name, value in fact.get("data", {}).items())
    return f"{fact['fact']}{': ' if fields else ''}{fields}"


class _Blank(dict[str, Any]):
    """A fact's fields; one that is not there reads as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def because(reason: str) -> str:
    """Return a reason as the end of a sentence; nothing if there is none.

    >>> because("capped")
    ', because the caps are used up'
    >>> because("words: division by zero")
    ', because its words could not be made: division by zero'
    """
    name, _, more = reason.partition(": ")  # some say what exactly: which error, whose account
    told = REASONS.get(name) or _OTHER_REASONS.get(name) or name.replace("_", " ")
    told = f"{told}: {more}" if more else told
    return f", because {told}" if told else ""


def deed(look: Fact) -> str:
    """Return what an operator did, or why nothing came of it.

    >>> deed({"did": "paused", "by": "u-sam", "workflow": "promoter", "step": "rest"})
    'u-sam paused promoter in "rest"'
    >>> deed({"did": "kept", "by": "u-sam", "reason": "it has ended"})
    'u-sam changed nothing: it has ended'
    """
    by, did = look.get("by") or "somebody", look["did"]
    if did == "kept":
        return f"{by} changed nothing: {look.get('reason', '')}"
    what = look.get("workflow") or look.get("ask") or look.get("message") or ""
    moved = f" to version {str(look.get('version', ''))[:8]}" if did == "migrated" else ""
    where = f' in "{look["step"]}"' if look.get("step") else ""
    why = f" ({look['reason']})" if look.get("reason") else ""
    return " ".join(f"{by} {did} {what}".split()) + moved + where + why


def idle(look: Fact) -> str:
    """Return why an event that was no mistake changed nothing.

    >>> idle({"idle": "task.closed", "reason": "task_closed", "field": "data.task"})
    'task.closed changed nothing, because the task is closed already (task_closed: data.task)'
    """
    return f"{look['idle']} changed nothing{_because(look)} ({look['reason']}: {look['field']})"


def false_part(operand: str) -> str:
    """Return what is to be said of a condition that did not hold."""
    return f"{operand} is false" if operand else "its condition does not hold"


def values_seen(operand: str, event: Fact) -> str:
    """Return the values that a condition saw in its event, as far as they are kept.

    What it saw of the contact is not: that changes, and what is there now would mislead.

    >>> values_seen("event.data.score >= 9", {"data": {"score": 6}})
    'event.data.score was 6'
    """
    found = []
    for path in dict.fromkeys(_EVENT_FIELD.findall(operand)):
        value: Any = event.get("data")
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:  # what the engine adds to an event is not kept with it
            found.append(f"event.data.{path} was {value!r}")
    return ", ".join(found)


def _because(data: Mapping[str, Any]) -> str:
    return because(data["reason"])


REASONS: dict[str, str] = {
    "if": "its condition does not hold",
    "again": "there is, or was, a run for the same",
    "cooldown": "the cool-down is not over",
    "stopped": "its run was left or its ask is closed",
    "expired": "it was not gone in time",
    "already_sent": "they had it before",
    "no_address": "there is no address",
    "no_consent": "there is no consent",
    "no_template": "there are no words for it",
    "open_case": "they have an open case",
    "no_asks": "they never want to be asked",
    "not_eligible": "they may not be asked now",
    "capped": "the caps are used up",
    "closed": "the day or hour is closed",
    "late": "it was late and is planned anew",
    "undeliverable": "every channel refused it",
    "refused": "the channel refused it",
    "open_ask": "another ask stayed open too long",
    "detractor": "they gave a low score",
    "case_opened": "a case was opened",
    "unsubscribed": "they unsubscribed",
    "attempts": "every attempt failed",
    "uncertain": "every attempt failed, and nobody knows whether the last was heard",
    "lower_rank": "another of that time counts for more",
}
"""What a reason means, as the rest of a sentence that begins with *because*."""

_OTHER_REASONS = {
    "words": "its words could not be made",
    "score_revised": "the score was revised",
    "target-missing": "nobody said where that is: vouch doctor tells what is missing",
    "unknown_lead": "the lead is not known yet",
    "unknown_code": "nobody has this share code",
    "own_firm": "it is somebody of the referrer's own firm",
    "disposable": "the address is one to be thrown away",
    "velocity": "there were too many in a short time",
    "existing_customer": "it is a customer already",
    "open_deal": "a deal was open before",
    "already_referred": "somebody else was first",
    "same_referrer": "the same person recommended them before",
    "cycle": "the other record was merged into this one",
    "self": "it names itself",
    "erased": "the contact was erased",
    "out_of_scale": "the score is out of scale",
    "unknown_theme": "the programme has no such theme",
    "referral.contacted": "the lead was contacted",
    "cancelled": "somebody took it back",
    "restarted": "a newer run took its place",
    "by_hand": "somebody said so",
    "moments": "no moment waits any more",
    "required": "something that must be said is missing",
    "unknown_entry": "there is no reward of this entry",
    "unknown_choice": "a reward cannot be spent on that",
    "insufficient": "there is not so much that is free",
    "unknown_referral": "there is no recommendation of this name",
    "unknown_contest": "the programme has no such contest",
    "task_closed": "the task is closed already",
    "task_elsewhere": "the task was taken from whoever said so by their link",
    "reward_free": "the reward is free already",
    "reward_reversed": "the reward was taken back",
    "nothing_to_take_back": "nothing that it names was earned, or it happened too late",
    "stage_not_offered": "this stage is not open",
    "stage_answered": "this stage was answered before",
}

_SENTENCES: dict[str, Callable[[Any], str]] = {
    "run.started": lambda d: f"{d['workflow']} started",
    "run.refused": lambda d: (
        f"{d['workflow']} did not start{_because(d)}"
        + (f" ({d['operand']} is false)" if d["operand"] else "")
    ),
    "run.ended": lambda d: f"{d['workflow']} ended as {d['as']}",
    "condition.failed": lambda d: f"a condition could not be evaluated: {d['where']}: {d['error']}",
    "message.queued": lambda d: (
        f"{d['template']} ({d['class']}) to {d['to']} is planned for {d['planned']}"
    ),
    "message.deferred": lambda d: (
        f"{d['template']} to {d['to']} waits until {d['planned']}" + _because(d)
    ),
    "message.sent": lambda d: f"{d['template']} went to {d['to']} by {d['channel']}",
    "message.skipped": lambda d: f"{d['template']} to {d['to']} did not leave{_because(d)}",
    "message.failed": lambda d: f"{d['template']} to {d['to']} failed{_because(d)}",
    "ask.opened": lambda d: f"the {d['kind']} ask opened",
    "ask.reminded": lambda d: f"the {d['kind']} ask was repeated, touch {d['touch']}",
    "ask.answered": lambda d: (
        f"the {d['kind']} ask was answered"
        if not d["reason"]
        else "an answer came to an ask that was closed"
    ),
    "ask.declined": lambda d: (
        f"the {d['kind']} ask was declined; no other until {d['cooling_until']}"
    ),
    "ask.snoozed": lambda d: f"the {d['kind']} ask was put off",
    "ask.silent": lambda d: f"the {d['kind']} ask stayed unanswered after {d['touch']} messages",
    "ask.withdrawn": lambda d: f"the {d['kind']} ask was withdrawn{_because(d)}",
    "ask.skipped": lambda d: f"the {d['kind']} ask never opened{_because(d)}",
    "moment.held": lambda d: f"the moment {d['moment']} waits{_because(d)}",
    "moment.absorbed": lambda d: (
        f"the moment {d['moment']} "
        + ("came too late" if d["reason"] == "late" else f"gave way{_because(d)}")
    ),
    "moment.chosen": lambda d: f"the moment {d['moment']} was chosen to ask for a {d['kind']}",
    "moment.expired": lambda d: f"the moment {d['moment']} is over: nobody asked at it",
    "task.opened": lambda d: f"task for {d['to'] or 'nobody yet'}: {d['title']}, due {d['due']}",
    "task.accepted": lambda d: f"{d['by'] or 'somebody'} took the task: {d['title']}",
    "task.closed": lambda d: f"done: {d['title']}",
    "task.overdue": lambda d: f"overdue: {d['title']}",
    "task.escalated": lambda d: f"{d['to']} was told that this is late: {d['title']}",
    "task.reassigned": lambda d: f"handed over to {d['to']}: {d['title']}",
    "task.cancelled": lambda d: f"cancelled: {d['title'] or 'a task'}{_because(d)}",
    "case.opened": lambda _: "a case is open",
    "case.closed": lambda d: (
        "the case is closed" + (f"; asks wait until {d['held_until']}" if d["held_until"] else "")
    ),
    "referral.accepted": lambda d: f"the recommendation of {d['lead']} was accepted",
    "referral.held": lambda d: f"the recommendation of {d['lead']} waits for a look{_because(d)}",
    "referral.rejected": lambda d: (
        f"the recommendation of {d['lead']} was turned down{_because(d)}"
    ),
    "referral.not_eligible": lambda d: (
        f"the recommendation of {d['lead']} earns nothing{_because(d)}"
    ),
    "referral.voided": lambda d: f"the recommendation of {d['lead']} counts no more{_because(d)}",
    "referral.duplicate": lambda d: f"{d['lead']} was recommended before",
    "referral.contacted": lambda d: f"{d['lead']} was contacted",
    "referral.qualified": lambda d: f"sales talks with {d['lead']}",
    "referral.won": lambda d: f"{d['lead']} became a customer",
    "referral.lost": lambda d: f"the deal with {d['lead']} was lost",
    "referral.expired": lambda d: f"the recommendation of {d['lead']} expired",
    "reward.accrued": lambda d: f"earned: {d['amount'] or d['benefit']} ({d['bucket']})",
    "reward.released": lambda d: f"free now: {d['amount'] or d['benefit']}",
    "reward.skipped": lambda d: f"nothing was earned{_because(d)}",
    "reward.reversed": lambda d: f"taken back: {d['amount'] or d['benefit']}{_because(d)}",
    "reward.reserved": lambda d: f"chosen: {d['amount']} for {d['choice']}",
    "reward.fulfilled": lambda d: f"handed over: {d['choice']}",
    "tier.changed": lambda d: f"now {d['to_tier']}, {d['from_tier'] or 'nothing'} before",
    "contest.entered": lambda d: f"{d['entries']} entries in {d['contest']}",
    "contest.frozen": lambda d: f"{d['contest']} is over, with {d['entries']} entries",
    "contest.drawn": lambda d: (
        f"{d['contest']} was drawn: " + ("won" if d["won"] else f"place {d['rank']}")
    ),
    "gift.reserved": lambda d: f"a gift was set aside: {d['gift']}",
    "gift.shipped": lambda d: f"a gift is on its way: {d['gift']}",
    "gift.cancelled": lambda d: f"a gift went back into stock: {d['gift']}",
    "ledger.posted": lambda d: (
        f"booked for {d['reason']}: "
        + ", ".join(f"{name} {delta:+d}" for name, delta in dict(d["moves"]).items())
    ),
    "journey.offered": lambda d: f"the stage {d['stage']} was offered",
    "journey.answered": lambda d: (
        f"the stage {d['stage']} was answered"
        + (f", and brought {d['amount']}" if d["amount"] else "")
    ),
    "journey.skipped": lambda d: f"nobody answered the stage {d['stage']}",
    "theme.mentioned": lambda d: f"they mentioned {d['theme']}",
    "theme.recurring": lambda d: f"{len(d['contacts'])} contacts mention {d['theme']}",
    "theme.resolved": lambda d: f"what they said of {d['theme']} was improved: {d['text']}",
    "call.attempted": lambda d: (
        f"{d['endpoint']} was called, attempt {d['attempt']}: "
        + (f"it answered {d['status']}" if d["status"] else "no answer")
        + _because(d)
    ),
    "sync.queued": lambda d: f"{d['target']} is to be told: {', '.join(d['fields'])}",
    "sync.sent": lambda d: f"{d['target']} was told: {', '.join(d['fields'])}",
    "contact.changed": lambda d: f"known now: {', '.join(d['fields'])}",
    "contact.merged": lambda d: f"this record and {d['into']} are of one person: it goes on there",
    "contact.erased": lambda _: "everything that names the person was erased",
    "contact.unsubscribed": lambda d: (
        f"no more {d['topic'] or 'messages'} by {d['channel'] or 'any channel'}"
    ),
    "contact.zone_fallback": lambda _: "their zone is none that exists: the programme's counts",
    "event.accepted": lambda d: f"{d['type']} came in",
    "event.rejected": lambda d: (
        f"{d['type']} was refused{_because(d)} ({d['reason']}: {d['field']})"
    ),
    "event.parked": lambda d: f"{d['type']} waits for news of its lead",
    "timer.set": lambda d: f"timer {d['timer']} set for {d['due']}",
    "timer.fired": lambda d: f"timer {d['timer']} fired",
    "timer.cancelled": lambda d: f"timer {d['timer']} was taken back ({d['reason']})",
}
