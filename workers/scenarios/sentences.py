"""Facts as sentences, for people who read a simulation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from workers.scenarios.local import to_local
from workers.scenarios.matching import local

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "run.started": "{workflow} begins",
        "run.ended": "{workflow} ends as {as}",
        "run.refused": "{workflow} does not begin: {reason} {operand}",
        "condition.failed": "a condition could not be computed at {where}: {error}",
        "message.queued": "{template} is planned for {planned} to {to}",
        "message.deferred": "{template} waits until {planned}: {reason}",
        "message.sent": "{template} leaves by {channel} to {to}",
        "message.skipped": "{template} does not leave to {to}: {reason}",
        "message.failed": "{template} could not be delivered to {to}: {reason}",
        "ask.opened": "asked for a {kind}",
        "ask.reminded": "reminded of the {kind}, touch {touch}",
        "ask.answered": "answers the ask for a {kind}",
        "ask.declined": "says no to a {kind}: {answer}; no other ask before {cooling_until}",
        "ask.snoozed": "says later to a {kind}",
        "ask.silent": "leaves the ask for a {kind} unanswered",
        "ask.withdrawn": "the ask for a {kind} is withdrawn: {reason}",
        "ask.skipped": "the ask for a {kind} is not opened: {reason}",
        "task.opened": "{to} gets the task “{title}”, due {due}",
        "task.accepted": "{by} takes on “{title}”",
        "task.closed": "“{title}” is done {reason}",
        "task.overdue": "“{title}” is overdue since {due}",
        "task.escalated": "“{title}” goes up to {to}, level {level}",
        "task.reassigned": "“{title}” moves to {to}",
        "task.cancelled": "“{title}” is cancelled: {reason}",
        "case.opened": "a case opens: nothing is asked meanwhile",
        "case.closed": "the case closes, asks stay held until {held_until}",
        "referral.accepted": "recommended {lead}",
        "referral.duplicate": "recommended {lead}, whom somebody had recommended: {reason}",
        "reward.accrued": "earns {amount} {benefit}, {bucket}",
        "reward.released": "{amount} {benefit} is available, by {by}",
        "reward.skipped": "earns nothing: {reason}",
        "ledger.posted": "booked {moves} {benefit} for {reason}",
        "timer.set": "timer {timer} is set for {due}",
        "timer.fired": "timer {timer} fires",
        "timer.cancelled": "timer {timer} is cancelled: {reason}",
        "contact.changed": "changed: {fields}",
        "event.duplicate": "{type} {event} was here before",
        "event.rejected": "{type} is refused: {reason} {field}",
        "event.parked": "{type} is parked: {reason} {field}",
    }
)


class _Given(dict[str, Any]):
    """Fields of a fact; one that is not there is nothing."""

    def __missing__(self, name: str) -> str:
        return ""


def sentence(fact: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Return a fact as a line: when by the programme's clock, about whom, what.

    A kind without a sentence of its own is told by its name and fields.
    """
    data = local(fact.get("data", {}), zone)
    given = _Given(data, workflow=fact.get("workflow") or data.get("workflow", ""))
    form = _SENTENCES.get(fact["fact"])
    if form is None:
        fields = ", ".join(f"{name} {value}" for name, value in data.items())
        told = f"{fact['fact']} {fields}"
    else:
        told = form.format_map(given)
    who = f"{fact.get('contact', '')}: " if fact.get("contact") else ""
    return f"{to_local(fact['at'], zone)}  {who}{' '.join(told.split())}".rstrip(": ")
