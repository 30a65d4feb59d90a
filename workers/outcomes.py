"""What deliver tells of a message: a fact in the records, and an event for whom it matters to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.outbox import Claimed
from workflows.compiled import Programme
from workflows.guard import Defer, Leave, Skip, Verdict
from workflows.state import Doc, Forward, Record, iso

WAITS = "message.deferred"


@dataclass(frozen=True, slots=True)
class Told:
    """The record of a fact, and the events it becomes."""

    forwards: Sequence[Forward]
    records: Sequence[Record]


def told(
    programme: Programme,
    message: Claimed,
    kind: str,
    now: datetime,
    *,
    reason: str = "",
    channel: str = "",
    locale: str = "",
    planned: datetime,
    verdict: Verdict | None = None,
) -> Told:
    """Return the fact of a message's outcome; an event too, where a run or a trigger listens.

    The policy that the guard's verdict follows from is kept beside it, with what it read.
    So is a zone that is no name of one, where the programme's was taken.
    """
    said: Doc = {
        "template": message.template, "class": message.class_, "channel": channel,
        "locale": locale, "to": message.to.partition("/")[2], "planned": iso(planned),
        "reason": reason, "uncapped": message.uncapped, "touch": message.doc.get("touch", 0),
    }  # fmt: skip
    data = {name: value for name, value in said.items() if value}
    kind_of_actor, _, name = message.actor.partition("/")
    contact = name if kind_of_actor == "contact" else ""
    record = Record(message.actor, now, message.key, _recorded(message, kind, data, verdict))
    waits = kind == WAITS  # no outcome yet: no run is held for it, and it may happen again
    if kind not in programme.listens and (waits or not message.awaited):
        return Told((), (record,))
    event: Doc = {
        "id": f"{message.key}/{kind}" + (f"/{iso(planned)}" if waits else ""),
        "source": "vouch", "type": kind, "fact": True, "contact": contact,
        "time": iso(now if waits else planned),
        "run": message.run, "step": message.step, "workflow": message.workflow,
        "data": {**data, "message": message.key, "ask": message.ask},
        **follows(message),
    }  # fmt: skip
    return Told((Forward(message.actor, event),), (record,))


def _recorded(message: Claimed, kind: str, data: Doc, verdict: Verdict | None) -> Doc:
    """Return the decision: the fact, and what the guard's verdict follows from."""
    of_run = {"workflow": message.workflow, "run": message.run, "step": message.step}
    doc: Doc = {"type": kind, "facts": [{"fact": kind, **of_run, "data": data}]}
    if isinstance(verdict, Leave) and verdict.zone_fallback:
        doc["facts"].append({"fact": "contact.zone_fallback", "data": {"fields": ["zone"]}})
    if isinstance(verdict, Defer | Skip) and verdict.rule:
        doc["rule"] = verdict.rule
    if isinstance(verdict, Skip) and verdict.because:
        doc["because"] = verdict.because
    return doc


def follows(message: Claimed) -> Doc:
    """Return the next place in a chain of facts of one instant, for a message that is in one."""
    return {"depth": message.doc["depth"] + 1} if "depth" in message.doc else {}
