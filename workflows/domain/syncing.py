"""Other systems are told what changed: a row in the outbox, which says what is newest at the send.

Of each contact and target at most one row is on its way. What changes meanwhile is in it when it
leaves, or is found different from what was sent when that is recorded, and then goes out next:
an older value never overwrites a newer one.
"""

from workflows.expressions import EvaluationError
from workflows.state import Doc, Message
from workflows.syncs import CLASS, KEPT, TO, CompiledSync, fields_of, is_news, names_of
from workflows.turn import Turn

SETTLED = "sync.settled"
"""The event by which deliver tells what became of a row."""


def look(turn: Turn) -> None:
    """Queue what other systems do not know yet; asked at the end of a turn that changed something.

    What was queued and has not left is not queued again: it will say the newest.
    """
    if not turn.saved or not turn.contact:
        return
    for sync in turn.programme.syncs:
        known: Doc = turn.doc.get(KEPT, {}).get(sync.key, {})
        if known.get("open"):
            continue
        fields = _fields(turn, sync)
        if fields and is_news(sync, fields, known):
            _queue(turn, sync, fields)


def _fields(turn: Turn, sync: CompiledSync) -> Doc:
    names = names_of(sync, turn.doc, turn.state.account, turn.programme.facts)
    if names is None:
        return {}

    def failed(field: str, error: EvaluationError) -> None:
        turn.fact("condition.failed", where=f"sync/{sync.key}/{field}", error=str(error))

    return fields_of(sync, names, now=turn.now, ago=turn.ago, failed=failed)


def _queue(turn: Turn, sync: CompiledSync, fields: Doc) -> None:
    """Put a row into the outbox, planned for the end of `collect`."""
    known = turn.doc.setdefault(KEPT, {}).setdefault(sync.key, {})
    number = known["number"] = known.get("number", 0) + 1
    key = f"{turn.state.actor}/sync/{sync.key}/{number}"
    known["open"] = key
    turn.save()
    turn.changes.messages[key] = Message(
        key=key,
        actor=turn.state.actor,
        to=f"{TO}{sync.target}",
        account="",
        run="",
        workflow="",
        step="",
        template=sync.target,
        class_=CLASS,
        by=(),
        planned_at=turn.add(turn.at, sync.collect) if sync.collect else turn.at,
        doc={"sync": sync.key, "number": number},
    )
    turn.fact("sync.queued", key, target=sync.target, fields=fields)


def settled(turn: Turn, event: Doc) -> bool:
    """Hear what became of a row: what was said, or that it was not; then look what is new."""
    data = event["data"]
    if "erased_at" in turn.doc or not data["message"].startswith(f"{turn.state.actor}/sync/"):
        return False
    known = turn.doc.setdefault(KEPT, {}).setdefault(data["sync"], {})
    if known.get("open") == data["message"]:
        del known["open"]
    known["told"] = data["fields"]
    turn.save()
    if data["sent"]:
        target = data["sync"].partition("/")[0]
        turn.fact("sync.sent", data["message"], target=target, fields=data["fields"])
    return False
